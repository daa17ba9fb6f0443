package s3

import (
	"testing"

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
	if left := server.Uploads(); len(left) != 0 {
		t.Errorf("uploads left: %v", left)
	}
}
