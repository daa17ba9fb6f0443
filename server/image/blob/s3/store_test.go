package s3

import (
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image/blob/blobtest"
)

func open(t *testing.T, address string) *Store {
	t.Helper()
	c, err := Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestContract(t *testing.T) {
	server := blobtest.Start(t)
	for _, prefix := range []string{"", "clouds/one"} {
		blobtest.Run(t, open(t, server.Address(prefix)), t.TempDir())
	}
	secure := blobtest.StartTLS(t)
	blobtest.Run(t, open(t, secure.Address("p")), t.TempDir())
	stranger := strings.Replace(secure.Address("p"), "&ca-cert=", "&profile=default&region=x#", 1)
	stranger, _, _ = strings.Cut(stranger, "#")
	for _, err := range open(t, stranger).Names(t.Context()) {
		if !cloud.Is(err, cloud.Unavailable) || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("without its authority: %v", err)
		}
	}
	if left := server.Uploads(); len(left) != 0 {
		t.Errorf("uploads left: %v", left)
	}
}
