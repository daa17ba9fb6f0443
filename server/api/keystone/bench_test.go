package keystone

import (
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"testing"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/api/front/policy"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

// benchWorld is a cloud with a thousand users beyond those of the seed, and a
// function that makes a call and returns its status.
func benchWorld(b *testing.B) (get func(path string, header ...string) int, token string) {
	hash, err := seedHash()
	if err != nil {
		b.Fatal(err)
	}
	rules, err := policy.Load("")
	if err != nil {
		b.Fatal(err)
	}
	store := storetest.NewStore(b, identity.Tables)
	err = store.Write(b.Context(), func(tx *statestore.Txn) error {
		if err := identity.Seed(tx, identity.Seeding{Region: "R", Key: identity.NewKey(), PasswordHash: hash, Demo: true}); err != nil {
			return err
		}
		for n := range 1000 {
			if _, err := identity.UserPut(tx, identity.User{Name: fmt.Sprintf("user-%d", n), DomainID: identity.DefaultDomain, Enabled: true}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	authority := identity.Authority{Clock: cloud.RealClock{}}
	f := front.New(front.Options{Store: store, Auth: authority, Policy: rules, Clock: cloud.RealClock{}, Services: []*front.Service{Root(), Service(Deps{Authority: authority})},
		Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	token, _, err = authority.Issue(b.Context(), store.Snapshot(), identity.Credentials{UserRef: identity.UserRef{UserName: "admin", UserDomainID: identity.DefaultDomain}, Password: password, Methods: []string{"password"}},
		identity.ScopeRef{Kind: identity.ProjectScope, Name: "admin", DomainID: identity.DefaultDomain})
	if err != nil {
		b.Fatal(err)
	}
	return func(path string, header ...string) int {
		rq, rec := httptest.NewRequestWithContext(b.Context(), "GET", "/identity/v3"+path, nil), httptest.NewRecorder()
		rq.Header.Set("X-Auth-Token", token)
		for n := 0; n+1 < len(header); n += 2 {
			rq.Header.Set(header[n], header[n+1])
		}
		f.ServeHTTP(rec, rq)
		return rec.Code
	}, token
}

func BenchmarkTokenValidate(b *testing.B) {
	get, token := benchWorld(b)
	for b.Loop() {
		if get("/auth/tokens", subjectHeader, token) != 200 {
			b.Fatal("the token is not valid")
		}
	}
}

func BenchmarkUserListFiltered(b *testing.B) {
	get, _ := benchWorld(b)
	for b.Loop() {
		if get("/users?name__contains=99&enabled=true") != 200 {
			b.Fatal("no list")
		}
	}
}

func BenchmarkUserListWhole(b *testing.B) {
	get, _ := benchWorld(b)
	for b.Loop() {
		if get("/users") != 200 {
			b.Fatal("no list")
		}
	}
}
