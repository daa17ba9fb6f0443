package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// argon2id parameters (OWASP Password Storage Cheat Sheet: 12 MiB, t=3, p=1).
const (
	hashMemoryKiB = 12 << 10
	hashTime      = 3
	hashThreads   = 1
	hashLength    = 32
	saltLength    = 16
)

// maxPassword is Keystone's max_password_length default, in bytes.
const maxPassword = 4096

// hashing bounds the memory of hashes that run at the same time.
var hashing = make(chan struct{}, 2)

// PasswordHash returns the PHC string of a password. It blocks for some 20 ms
// and, if many do, for its turn. Error kind: Invalid for an empty or overlong one.
func PasswordHash(ctx context.Context, password string) (string, error) {
	if password == "" || len(password) > maxPassword {
		return "", cloud.Errorf(cloud.Invalid, "user", "A password must have from 1 to %d bytes.", maxPassword)
	}
	salt := make([]byte, saltLength)
	rand.Read(salt)
	sum, err := derive(ctx, password, salt, hashTime, hashMemoryKiB, hashThreads, hashLength)
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemoryKiB, hashTime, hashThreads, b64(salt), b64(sum)), nil
}

// passwordMatches reports whether the password is the hash's. For an empty or
// damaged hash it takes as long and says no.
func passwordMatches(ctx context.Context, hash, password string) (bool, error) {
	var version, memory, passes, threads uint32
	parts := strings.Split(hash, "$")
	good := len(parts) == 6 && parts[1] == "argon2id" && len(password) <= maxPassword
	var salt, want []byte
	if good {
		_, err1 := fmt.Sscanf(parts[2], "v=%d", &version)
		_, err2 := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &threads)
		var err3, err4 error
		salt, err3 = base64.RawStdEncoding.DecodeString(parts[4])
		want, err4 = base64.RawStdEncoding.DecodeString(parts[5])
		good = err1 == nil && err2 == nil && err3 == nil && err4 == nil && version == argon2.Version &&
			memory <= 1<<20 && passes > 0 && passes <= 64 && threads > 0 && threads <= 16 && len(want) >= 16
	}
	if !good {
		memory, passes, threads, salt, want = hashMemoryKiB, hashTime, hashThreads, make([]byte, saltLength), make([]byte, hashLength)
		password = ""
	}
	got, err := derive(ctx, password, salt, passes, memory, uint8(threads), uint32(len(want)))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && good, nil
}

// giveBack returns the memory of hashes to the system when none has run for
// hashQuiet: they are rare, and 12 MiB each would stay for minutes.
var giveBack = time.AfterFunc(time.Hour, debug.FreeOSMemory)

const hashQuiet = time.Second

func derive(ctx context.Context, password string, salt []byte, passes, memory uint32, threads uint8, length uint32) ([]byte, error) {
	select {
	case hashing <- struct{}{}:
		defer func() { <-hashing; giveBack.Reset(hashQuiet) }()
	case <-ctx.Done():
		return nil, cloud.Errorf(cloud.Unavailable, "", "The request was given up while it waited for its turn to be authenticated.").Because(ctx.Err())
	}
	return argon2.IDKey([]byte(password), salt, passes, memory, threads, length), nil
}
