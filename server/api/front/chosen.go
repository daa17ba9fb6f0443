package front

import (
	"net/http"
	"regexp"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// idHeader is how a client chooses the id of the network, subnet, port, security
// group, server or thing of the identity API that its POST makes. If the answer is lost it can look whether
// there is such a thing, and ask again without making two.
const idHeader = "Cloudlet-Id"

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

func chosenID(r *http.Request) (string, error) {
	id := r.Header.Get(idHeader)
	if id == "" || r.Method != http.MethodPost {
		return "", nil
	}
	if !uuid.MatchString(id) || id == cloud.UnknownID {
		return "", cloud.Errorf(cloud.Invalid, "", "The header %s must be a UUID in lower case, and not the zero one.", idHeader)
	}
	return id, nil
}
