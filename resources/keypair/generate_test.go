package keypair

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestGenerate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys", "id")
	public, err := generate(file, "demo")
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	key, comment, _, _, err := ssh.ParseAuthorizedKey([]byte(public))
	if err != nil || comment != "demo" || key.Type() != ssh.KeyAlgoED25519 {
		t.Fatalf("%q: %v", public, err)
	}
	again, err := generate(file, "demo")
	if err != nil || again != public {
		t.Fatalf("the file that is there is not used: %q, %v", again, err)
	}
	left, _ := os.ReadDir(filepath.Dir(file))
	if len(left) != 1 {
		t.Fatalf("files left: %v", left)
	}
}

func TestGenerateKeepsForeignFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "id")
	if err := os.WriteFile(file, []byte("notes"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := generate(file, "demo"); err == nil || !strings.Contains(err.Error(), "no unencrypted private key") {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(file); string(b) != "notes" {
		t.Fatal("the file was overwritten")
	}
}

func TestStandInKeyParses(t *testing.T) {
	if _, _, _, _, err := ssh.ParseAuthorizedKey([]byte(standInKey)); err != nil {
		t.Fatal(err)
	}
}
