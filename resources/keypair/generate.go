package keypair

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
)

// generate makes an Ed25519 key and writes its private half to a new file of mode
// 0600. If the file is there already, it is read: an apply that failed after the
// file was written goes on with the same key. It returns the public half as a
// line of authorized_keys.
func generate(file, comment string) (public string, err error) {
	if public, err = publicOf(file, comment); !errors.Is(err, fs.ErrNotExist) {
		return public, err
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", err
	}
	block, err := ssh.MarshalPrivateKey(private, comment)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return "", err
	}
	// Whole or not at all: a file that holds half a key would block the next apply.
	tmp, err := os.CreateTemp(filepath.Dir(file), ".key-*") // mode 0600
	if err != nil {
		return "", err
	}
	defer os.Remove(tmp.Name())
	if err := pem.Encode(tmp, block); err != nil {
		tmp.Close()
		return "", err
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return "", err
	}
	if err := os.Link(tmp.Name(), file); err != nil {
		return "", err
	}
	return publicOf(file, comment)
}

// publicOf returns the public half of the unencrypted private key in a file.
func publicOf(file, comment string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	signer, err := ssh.ParsePrivateKey(b)
	if err != nil {
		return "", fmt.Errorf("%s is there already and is no unencrypted private key: %w", file, err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))) + " " + comment, nil
}

// sameKey reports whether two lines of authorized_keys are the same but for
// surrounding space.
func sameKey(a, b string) bool { return strings.TrimSpace(a) == strings.TrimSpace(b) }

// sameMaterial reports whether they are the same key, whatever its comment.
func sameMaterial(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	return len(x) > 1 && len(y) > 1 && x[0] == y[0] && x[1] == y[1]
}
