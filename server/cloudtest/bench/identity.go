package main

import (
	"fmt"
	"net/url"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/cloudlet/cloudlet/server/cloudtest/program"
)

// identity measures tokens by password, against the hash alone with the
// parameters of server/identity, and a filtered list of 1,000 users.
func (b *bench) identity() error {
	c, err := b.start("identity")
	if err != nil {
		return err
	}
	defer c.Stop()
	if err := c.Login(); err != nil {
		return err
	}
	salt := make([]byte, 16)
	var hashes, tokens []time.Duration
	for range 100 { // in turn, so that a busy machine is busy for both
		start := time.Now()
		argon2.IDKey([]byte(program.Password), salt, 3, 12<<10, 1, 32)
		hashes = append(hashes, time.Since(start))
		start = time.Now()
		if err := c.Login(); err != nil {
			return err
		}
		tokens = append(tokens, time.Since(start))
	}
	hash := middle(hashes)
	b.add("token by password, p50", middle(tokens), hash+2*time.Millisecond, "argon2id of 12 MiB in three passes", hash)
	return b.users(c)
}

func (b *bench) users(c *cloud) error {
	for n := range 1000 {
		user := map[string]any{"user": map[string]any{"name": fmt.Sprintf("user-%03d", n)}}
		if _, err := c.call("POST", "/identity/v3/users", user, nil); err != nil {
			return err
		}
	}
	floor, err := median(500, func() error { _, err := c.call("GET", "/healthz", nil, nil); return err })
	if err != nil {
		return err
	}
	var out struct{ Users []struct{ Name string } }
	d, err := median(100, func() error {
		_, err := c.call("GET", "/identity/v3/users?name__contains="+url.QueryEscape("-50"), nil, &out)
		return err
	})
	if err == nil && len(out.Users) != 10 {
		err = fmt.Errorf("the filter found %d users, not 10", len(out.Users))
	}
	if err != nil {
		return err
	}
	b.add("list of 1,000 users filtered by name__contains, p50", d, 5*time.Millisecond, "GET /healthz", floor)
	return nil
}
