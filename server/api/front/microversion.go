package front

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// Microversion is an API microversion, 2.79 being {2, 79}. The zero value means
// none.
type Microversion struct{ Major, Minor int }

// String renders "2.79".
func (v Microversion) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// AtLeast reports whether v is minor version 2.minor or later.
func (v Microversion) AtLeast(minor int) bool { return v.Minor >= minor }

func (v Microversion) less(w Microversion) bool {
	return v.Major < w.Major || v.Major == w.Major && v.Minor < w.Minor
}

func (v Microversion) within(min, max Microversion) bool {
	zero := Microversion{}
	return (min == zero || !v.less(min)) && (max == zero || !max.less(v))
}

// Versions says how a service negotiates microversions.
type Versions struct {
	// ServiceType is the name in the OpenStack-API-Version header: "compute".
	ServiceType string
	// Legacy is an older header of the service's own: "X-OpenStack-Nova-API-Version"; may be empty.
	Legacy   string
	Min, Max Microversion
}

// versionNumber is how a microversion is written: without signs and leading zeros, and
// of no more digits than fit.
var versionNumber = regexp.MustCompile(`^([1-9]\d{0,8})\.(0|[1-9]\d{0,8})$`)

// negotiate returns the microversion a request asks for: Min if it asks for
// none, Max for "latest" (OpenStack API-SIG, microversion specification).
func (vs *Versions) negotiate(h http.Header) (Microversion, *cloud.Error) {
	want := ""
	for _, line := range h.Values("OpenStack-API-Version") {
		for part := range strings.SplitSeq(line, ",") {
			if f := strings.Fields(part); len(f) == 2 && strings.EqualFold(f[0], vs.ServiceType) {
				want = f[1]
			}
		}
	}
	if want == "" && vs.Legacy != "" {
		want = h.Get(vs.Legacy)
	}
	switch want {
	case "":
		return vs.Min, nil
	case "latest":
		return vs.Max, nil
	}
	number := versionNumber.FindStringSubmatch(want)
	if number == nil {
		return vs.Min, cloud.Errorf(cloud.Invalid, "", "API Version String %s is of invalid format. Must be of format MajorNum.MinorNum.", want)
	}
	v := Microversion{}
	v.Major, _ = strconv.Atoi(number[1])
	v.Minor, _ = strconv.Atoi(number[2])
	if !v.within(vs.Min, vs.Max) {
		return vs.Min, errVersion(fmt.Sprintf("Version %s is not supported by the API. Minimum is %s and maximum is %s.", v, vs.Min, vs.Max))
	}
	return v, nil
}

// stamp sets the response headers that tell which version answered.
func (vs *Versions) stamp(h http.Header, v Microversion) {
	h.Set("OpenStack-API-Version", vs.ServiceType+" "+v.String())
	h.Add("Vary", "OpenStack-API-Version")
	if vs.Legacy != "" {
		h.Set(vs.Legacy, v.String())
		h.Add("Vary", vs.Legacy)
	}
}
