package blob_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cloudlet/cloudlet/server/image/blob"
	"github.com/cloudlet/cloudlet/server/image/blob/blobtest"
)

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	incoming := filepath.Join(dir, "incoming")
	if err := os.Mkdir(incoming, 0o700); err != nil {
		t.Fatal(err)
	}
	blobtest.Run(t, blob.Files(dir), incoming)
}
