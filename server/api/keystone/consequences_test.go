package keystone

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/identity"
)

// stage is a domain with a project, a role of its own kind, a group and a user who has nothing yet.
type stage struct {
	*world
	admin, domain, project, role, group, user string
}

func newStage(t *testing.T) *stage {
	w := newWorld(t)
	s := &stage{world: w, admin: w.login("admin", "admin")}
	s.domain = s.make("domains", "domain", `"name":"branch"`)
	s.project = s.make("projects", "project", `"name":"shop","domain_id":"`+s.domain+`"`)
	s.role = s.make("roles", "role", `"name":"clerk"`)
	s.group = s.make("groups", "group", `"name":"crew","domain_id":"`+s.domain+`"`)
	s.user = s.make("users", "user", `"name":"ann","password":"`+password+`"`)
	return s
}

func (s *stage) make(plural, kind, members string) string {
	s.Helper()
	return s.call(s.admin, "POST /"+plural, `{"`+kind+`":{`+members+`}}`).must(201).at(kind + "/id")
}

func (s *stage) does(requests ...string) {
	s.Helper()
	for _, request := range requests {
		request, body, _ := strings.Cut(request, " <- ")
		if a := s.call(s.admin, request, body); a.status >= 300 {
			s.Fatalf("%s: %d %s", request, a.status, a.text)
		}
	}
}

func (s *stage) grant(where, who string) string { return where + who + "/roles/" + s.role }

func (s *stage) auth(scope string) string {
	return fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"id":%q,"password":%q}}},"scope":%s}}`, s.user, password, scope)
}

// Whatever gave a token its worth, taking that away ends it at once, and nothing else does.
func TestTokensEndWithWhatTheyRestOn(t *testing.T) {
	for _, way := range []struct {
		name  string
		scope func(s *stage) string
		begin func(s *stage) []string
		ends  map[string]func(s *stage) []string
	}{
		{"a role in a project", inProject,
			func(s *stage) []string { return []string{"PUT " + s.grant("/projects/"+s.project, "/users/"+s.user)} },
			map[string]func(s *stage) []string{
				"taking it": func(s *stage) []string {
					return []string{"DELETE " + s.grant("/projects/"+s.project, "/users/"+s.user)}
				},
				"deleting the role": func(s *stage) []string { return []string{"DELETE /roles/" + s.role} },
				"disabling the project": func(s *stage) []string {
					return []string{"PATCH /projects/" + s.project + ` <- {"project":{"enabled":false}}`}
				},
				"deleting the project": func(s *stage) []string { return []string{"DELETE /projects/" + s.project} },
				"disabling the project's domain": func(s *stage) []string {
					return []string{"PATCH /domains/" + s.domain + ` <- {"domain":{"enabled":false}}`}
				},
				"deleting the project's domain": func(s *stage) []string {
					return []string{"PATCH /domains/" + s.domain + ` <- {"domain":{"enabled":false}}`, "DELETE /domains/" + s.domain}
				},
				"disabling the user": func(s *stage) []string { return []string{"PATCH /users/" + s.user + ` <- {"user":{"enabled":false}}`} },
				"another password": func(s *stage) []string {
					return []string{"PATCH /users/" + s.user + ` <- {"user":{"password":"other"}}`}
				},
				"deleting the user": func(s *stage) []string { return []string{"DELETE /users/" + s.user} },
			}},
		{"a role of a group", inProject,
			func(s *stage) []string {
				return []string{"PUT " + s.grant("/projects/"+s.project, "/groups/"+s.group), "PUT /groups/" + s.group + "/users/" + s.user}
			},
			map[string]func(s *stage) []string{
				"leaving the group":  func(s *stage) []string { return []string{"DELETE /groups/" + s.group + "/users/" + s.user} },
				"deleting the group": func(s *stage) []string { return []string{"DELETE /groups/" + s.group} },
				"taking the group's": func(s *stage) []string {
					return []string{"DELETE " + s.grant("/projects/"+s.project, "/groups/"+s.group)}
				},
			}},
		{"an inherited role", inProject,
			func(s *stage) []string {
				return []string{"PUT /OS-INHERIT" + s.grant("/domains/"+s.domain, "/users/"+s.user) + "/inherited_to_projects"}
			},
			map[string]func(s *stage) []string{"taking it": func(s *stage) []string {
				return []string{"DELETE /OS-INHERIT" + s.grant("/domains/"+s.domain, "/users/"+s.user) + "/inherited_to_projects"}
			}}},
		{"a role in a domain", func(s *stage) string { return `{"domain":{"id":"` + s.domain + `"}}` },
			func(s *stage) []string { return []string{"PUT " + s.grant("/domains/"+s.domain, "/users/"+s.user)} },
			map[string]func(s *stage) []string{
				"taking it": func(s *stage) []string { return []string{"DELETE " + s.grant("/domains/"+s.domain, "/users/"+s.user)} },
				"disabling the domain": func(s *stage) []string {
					return []string{"PATCH /domains/" + s.domain + ` <- {"domain":{"enabled":false}}`}
				},
			}},
		{"a role in the system", func(*stage) string { return `{"system":{"all":true}}` },
			func(s *stage) []string { return []string{"PUT " + s.grant("/system", "/users/"+s.user)} },
			map[string]func(s *stage) []string{
				"taking it": func(s *stage) []string { return []string{"DELETE " + s.grant("/system", "/users/"+s.user)} },
			}},
	} {
		for name, end := range way.ends {
			t.Run(way.name+"/"+name, func(t *testing.T) {
				s := newStage(t)
				s.does(way.begin(s)...)
				token := s.call("", "POST /auth/tokens", s.auth(way.scope(s))).must(201).header.Get(subjectHeader)
				s.call(s.admin, "PATCH /groups/"+s.group, `{"group":{"description":"x"}}`).must(200)
				s.call(token, "GET /auth/projects", "").must(200)
				s.call(s.admin, "HEAD /auth/tokens", "", subjectHeader, token).must(200)
				s.does(end(s)...)
				s.call(token, "GET /auth/projects", "").must(401)
				s.call(s.admin, "HEAD /auth/tokens", "", subjectHeader, token).must(404)
				s.call(s.admin, "GET /auth/tokens?allow_expired=1", "", subjectHeader, token).must(404)
				s.call("", "POST /auth/tokens", tokenAuth(token, way.scope(s))).must(404)
			})
		}
	}
}

func inProject(s *stage) string { return `{"project":{"id":"` + s.project + `"}}` }

// A token has the roles that are implied now, not those when it was issued.
func TestImpliedRolesOfTokens(t *testing.T) {
	s := newStage(t)
	reader := s.id(s.admin, "roles", "reader")
	s.does("PUT "+s.grant("/projects/"+s.project, "/users/"+s.user), "PUT /roles/"+s.role+"/implies/"+reader)
	a := s.call("", "POST /auth/tokens", s.auth(inProject(s))).must(201)
	if got := a.roleNames(); got != "clerk reader" {
		t.Errorf("roles %s", got)
	}
	s.does("DELETE /roles/" + s.role + "/implies/" + reader)
	if got := s.call(s.admin, "GET /auth/tokens", "", subjectHeader, a.header.Get(subjectHeader)).must(200).roleNames(); got != "clerk" {
		t.Errorf("roles %s", got)
	}
}

// roleNames returns the names of a token's roles.
func (a answer) roleNames() string {
	a.t.Helper()
	a.body = a.body.(map[string]any)["token"]
	return strings.Join(a.names("roles", "name"), " ")
}

// What a user lent to a program ends by itself, and with what it rests on; a new password ends the
// tokens, not what was lent.
func TestTokensOfAppCredentials(t *testing.T) {
	for name, c := range map[string]struct {
		end   func(s *stage, credential string) []string
		after int // what the credential is good for then
	}{
		"deleting it": {func(s *stage, id string) []string {
			return []string{"DELETE /users/" + s.user + "/application_credentials/" + id}
		}, 401},
		"another password": {func(s *stage, _ string) []string {
			return []string{"PATCH /users/" + s.user + ` <- {"user":{"password":"other"}}`}
		}, 201},
		"disabling the user": {func(s *stage, _ string) []string {
			return []string{"PATCH /users/" + s.user + ` <- {"user":{"enabled":false}}`}
		}, 401},
		"disabling the project": {func(s *stage, _ string) []string {
			return []string{"PATCH /projects/" + s.project + ` <- {"project":{"enabled":false}}`}
		}, 401},
		"deleting the project": {func(s *stage, _ string) []string { return []string{"DELETE /projects/" + s.project} }, 401},
		"leaving the group":    {func(s *stage, _ string) []string { return []string{"DELETE /groups/" + s.group + "/users/" + s.user} }, 401},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.does("PUT "+s.grant("/projects/"+s.project, "/groups/"+s.group), "PUT /groups/"+s.group+"/users/"+s.user)
			own := s.call("", "POST /auth/tokens", s.auth(inProject(s))).must(201).header.Get(subjectHeader)
			a := s.call(own, "POST /users/"+s.user+"/application_credentials", `{"application_credential":{"name":"ci","secret":"s3cret"}}`).must(201)
			id := a.at("application_credential/id")
			token := s.call("", "POST /auth/tokens", appAuth(id, "s3cret")).must(201).header.Get(subjectHeader)
			s.call(token, "GET /auth/projects", "").must(200)
			s.clock.pass(time.Second)
			s.does(c.end(s, id)...)
			s.call(token, "GET /auth/projects", "").must(401)
			s.clock.pass(time.Second)
			s.call("", "POST /auth/tokens", appAuth(id, "s3cret")).must(c.after)
		})
	}
}

// A receipt is worth something only while its user is, and only for that user.
func TestReceiptsEndWithTheirUser(t *testing.T) {
	s := newStage(t)
	s.does("PUT "+s.grant("/projects/"+s.project, "/users/"+s.user), "PATCH /users/"+s.user+` <- {"user":{"options":{"multi_factor_auth_rules":[["password","totp"]]}}}`)
	ask := func() string {
		a := s.call("", "POST /auth/tokens", s.auth(inProject(s))).must(401)
		if a.header.Get(subjectHeader) != "" || a.header.Get(receiptHeader) == "" {
			t.Fatalf("answer %v", a.header)
		}
		return a.header.Get(receiptHeader)
	}
	receipt := ask()
	s.call(s.admin, "GET /auth/tokens", "", subjectHeader, receipt).must(404)
	s.does("PATCH /users/" + s.user + ` <- {"user":{"password":"` + password + `"}}`)
	if a := s.call("", "POST /auth/tokens", s.auth(inProject(s)), receiptHeader, receipt).must(401); a.header.Get(receiptHeader) != "" {
		t.Error("a receipt outlives the password that it is for")
	}
	receipt = ask()
	s.does("PATCH /users/" + s.user + ` <- {"user":{"enabled":false}}`)
	s.call("", "POST /auth/tokens", s.auth(inProject(s)), receiptHeader, receipt).must(401)
}

// Who may ask for tokens that have expired: administrators and services, and of no token that
// has ended in another way.
func TestExpiredTokensAreForServices(t *testing.T) {
	s := newStage(t)
	project := s.id(s.admin, "projects", "service")
	service, _ := s.person(s.admin, "glance", "default", "service", "/projects/"+project, `{"project":{"id":"`+project+`"}}`)
	s.does("PUT " + s.grant("/projects/"+s.project, "/users/"+s.user))
	old := s.call("", "POST /auth/tokens", s.auth(inProject(s))).must(201).header.Get(subjectHeader)
	s.clock.pass(identity.DefaultTokenLife)
	s.admin = s.login("admin", "admin")
	scope := `{"project":{"id":"` + project + `"}}`
	asks := s.call("", "POST /auth/tokens", strings.Replace(s.auth(scope), s.user, service, 1)).must(201).header.Get(subjectHeader)
	s.call(asks, "GET /auth/tokens", "", subjectHeader, old).must(404)
	s.call(asks, "GET /auth/tokens?allow_expired=1", "", subjectHeader, old).must(200)
	s.call(asks, "HEAD /auth/tokens?allow_expired=1", "", subjectHeader, old).must(200)
	s.does("DELETE " + s.grant("/projects/"+s.project, "/users/"+s.user))
	s.call(asks, "GET /auth/tokens?allow_expired=1", "", subjectHeader, old).must(404)
}
