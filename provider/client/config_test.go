package client

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
)

const cloudsYAML = `clouds:
  password:
    auth: {auth_url: "http://yaml/v3", username: ann, password: yaml-pw, user_domain_name: Staff, project_name: blue, project_domain_name: Paint}
    region_name: North
  by-id:
    auth: {auth_url: "http://yaml/v3", user_id: u1, password: yaml-pw, project_id: p1}
  bare:
    auth: {auth_url: "http://yaml/v3", username: ann}
  credential:
    auth: {auth_url: "http://yaml/v3", application_credential_id: ac1, application_credential_secret: s1}
  domain:
    auth: {auth_url: "http://yaml/v3", username: ann, password: yaml-pw, user_domain_id: d1, domain_name: Acme}
  system:
    auth: {auth_url: "http://yaml/v3", username: ann, password: yaml-pw, system_scope: all}
`

// TestResolve: what is found first decides, and of credentials and scopes all of it.
func TestResolve(t *testing.T) {
	project := func(id string) *gophercloud.AuthScope { return &gophercloud.AuthScope{ProjectID: id} }
	blue := &gophercloud.AuthScope{ProjectName: "blue", DomainName: "Paint"}
	env := "OS_AUTH_URL=http://env/v3 OS_USERNAME=bob OS_PASSWORD=env-pw OS_PROJECT_NAME=green"
	for name, test := range map[string]struct {
		env  string
		give Config
		want gophercloud.AuthOptions
	}{
		"a cloud": {give: Config{Cloud: "password"},
			want: gophercloud.AuthOptions{IdentityEndpoint: "http://yaml/v3", Username: "ann", Password: "yaml-pw", DomainName: "Staff", Scope: blue}},
		"the environment": {env: env,
			want: gophercloud.AuthOptions{IdentityEndpoint: "http://env/v3", Username: "bob", Password: "env-pw", DomainID: "default", Scope: &gophercloud.AuthScope{ProjectName: "green", DomainID: "default"}}},
		"a token over a cloud":         {give: Config{Cloud: "password", Token: "t"}, want: gophercloud.AuthOptions{IdentityEndpoint: "http://yaml/v3", TokenID: "t"}},
		"a token over the environment": {env: env, give: Config{Token: "t"}, want: gophercloud.AuthOptions{IdentityEndpoint: "http://env/v3", TokenID: "t"}},
		"a token for a project":        {env: env, give: Config{Token: "t", ProjectID: "p2"}, want: gophercloud.AuthOptions{IdentityEndpoint: "http://env/v3", TokenID: "t", Scope: project("p2")}},
		"a credential's name in the environment": {env: env + " OS_APPLICATION_CREDENTIAL_NAME=ci OS_APPLICATION_CREDENTIAL_SECRET=s",
			want: gophercloud.AuthOptions{IdentityEndpoint: "http://env/v3", Username: "bob", DomainID: "default", ApplicationCredentialName: "ci", ApplicationCredentialSecret: "s"}},
		"a user over a credential's name in the environment": {env: env + " OS_APPLICATION_CREDENTIAL_NAME=ci OS_APPLICATION_CREDENTIAL_SECRET=s", give: Config{UserID: "u2", Password: "pw", ProjectID: "p2"},
			want: gophercloud.AuthOptions{IdentityEndpoint: "http://env/v3", UserID: "u2", Password: "pw", Scope: project("p2")}},
		"a token in the environment": {env: env + " OS_TOKEN=t",
			want: gophercloud.AuthOptions{IdentityEndpoint: "http://env/v3", TokenID: "t", Scope: &gophercloud.AuthScope{ProjectName: "green", DomainID: "default"}}},
		"a credential over a cloud": {give: Config{Cloud: "password", ApplicationCredentialID: "ac2", ApplicationCredential: "s2"},
			want: gophercloud.AuthOptions{IdentityEndpoint: "http://yaml/v3", ApplicationCredentialID: "ac2", ApplicationCredentialSecret: "s2"}},
		"a credential over the environment": {env: env, give: Config{ApplicationCredentialID: "ac2", ApplicationCredential: "s2"},
			want: gophercloud.AuthOptions{IdentityEndpoint: "http://env/v3", ApplicationCredentialID: "ac2", ApplicationCredentialSecret: "s2"}},
		"a cloud's credential over the environment": {env: env, give: Config{Cloud: "credential"},
			want: gophercloud.AuthOptions{IdentityEndpoint: "http://yaml/v3", ApplicationCredentialID: "ac1", ApplicationCredentialSecret: "s1"}},
		"a user over a cloud's credential": {give: Config{Cloud: "credential", UserID: "u2", Password: "pw", ProjectID: "p2"},
			want: gophercloud.AuthOptions{IdentityEndpoint: "http://yaml/v3", UserID: "u2", Password: "pw", Scope: project("p2")}},
		"a user's id over a name": {give: Config{Cloud: "password", UserID: "u2", Password: "pw"},
			want: gophercloud.AuthOptions{IdentityEndpoint: "http://yaml/v3", UserID: "u2", Password: "pw", Scope: blue}},
		"a user's name over an id": {give: Config{Cloud: "by-id", UserName: "eve", UserDomainName: "Staff", Password: "pw"},
			want: gophercloud.AuthOptions{IdentityEndpoint: "http://yaml/v3", Username: "eve", DomainName: "Staff", Password: "pw", Scope: project("p1")}},
		"a domain's id over a name": {give: Config{Cloud: "password", UserDomainID: "d9"},
			want: gophercloud.AuthOptions{IdentityEndpoint: "http://yaml/v3", Username: "ann", Password: "yaml-pw", DomainID: "d9", Scope: blue}},
		"a project's name over an id": {give: Config{Cloud: "by-id", ProjectName: "red"},
			want: gophercloud.AuthOptions{IdentityEndpoint: "http://yaml/v3", UserID: "u1", Password: "yaml-pw", Scope: &gophercloud.AuthScope{ProjectName: "red", DomainID: "default"}}},
		"another project of the same domain": {give: Config{Cloud: "password", ProjectName: "red"},
			want: gophercloud.AuthOptions{IdentityEndpoint: "http://yaml/v3", Username: "ann", Password: "yaml-pw", DomainName: "Staff", Scope: &gophercloud.AuthScope{ProjectName: "red", DomainName: "Paint"}}},
		"a project of another domain": {give: Config{Cloud: "password", ProjectName: "red", ProjectDomainID: "d9"},
			want: gophercloud.AuthOptions{IdentityEndpoint: "http://yaml/v3", Username: "ann", Password: "yaml-pw", DomainName: "Staff", Scope: &gophercloud.AuthScope{ProjectName: "red", DomainID: "d9"}}},
		"a password beside the cloud": {env: "OS_PASSWORD=env-pw OS_PROJECT_ID=p2", give: Config{Cloud: "bare"},
			want: gophercloud.AuthOptions{IdentityEndpoint: "http://yaml/v3", Username: "ann", Password: "env-pw", DomainID: "default", Scope: project("p2")}},
		"a domain of a cloud": {give: Config{Cloud: "domain"},
			want: gophercloud.AuthOptions{IdentityEndpoint: "http://yaml/v3", Username: "ann", Password: "yaml-pw", DomainID: "d1", Scope: &gophercloud.AuthScope{DomainName: "Acme"}}},
		"a domain of the environment": {env: "OS_AUTH_URL=http://env/v3 OS_USER_ID=u1 OS_PASSWORD=pw OS_DOMAIN_NAME=Acme",
			want: gophercloud.AuthOptions{IdentityEndpoint: "http://env/v3", UserID: "u1", Password: "pw", Scope: &gophercloud.AuthScope{DomainName: "Acme"}}},
		"a domain over a project": {env: env, give: Config{DomainID: "d1"},
			want: gophercloud.AuthOptions{IdentityEndpoint: "http://env/v3", Username: "bob", Password: "env-pw", DomainID: "default", Scope: &gophercloud.AuthScope{DomainID: "d1"}}},
		"the system of a cloud": {give: Config{Cloud: "system"},
			want: gophercloud.AuthOptions{IdentityEndpoint: "http://yaml/v3", Username: "ann", Password: "yaml-pw", DomainID: "default", Scope: &gophercloud.AuthScope{System: true}}},
		"the system of the environment": {env: "OS_AUTH_URL=http://env/v3 OS_USER_ID=u1 OS_PASSWORD=pw OS_SYSTEM_SCOPE=all",
			want: gophercloud.AuthOptions{IdentityEndpoint: "http://env/v3", UserID: "u1", Password: "pw", Scope: &gophercloud.AuthScope{System: true}}},
		"a project over the system": {give: Config{Cloud: "system", ProjectID: "p2"},
			want: gophercloud.AuthOptions{IdentityEndpoint: "http://yaml/v3", Username: "ann", Password: "yaml-pw", DomainID: "default", Scope: project("p2")}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, e := range os.Environ() {
				if k, _, _ := strings.Cut(e, "="); strings.HasPrefix(k, "OS_") {
					t.Setenv(k, "")
				}
			}
			file := filepath.Join(t.TempDir(), "clouds.yaml")
			if err := os.WriteFile(file, []byte(cloudsYAML), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("OS_CLIENT_CONFIG_FILE", file)
			for e := range strings.FieldsSeq(test.env) {
				k, v, _ := strings.Cut(e, "=")
				t.Setenv(k, v)
			}
			got, endpoint, _, err := resolve(test.give)
			if err != nil {
				t.Fatal(err)
			}
			if (test.give.Cloud == "password") != (endpoint.Region == "North") {
				t.Errorf("region %q", endpoint.Region)
			}
			scope, want := got.Scope, test.want.Scope
			if (scope == nil) != (want == nil) || scope != nil && *scope != *want {
				t.Errorf("scope %+v, wanted %+v", scope, want)
			}
			got.Scope, test.want.Scope = nil, nil
			if got != test.want {
				t.Errorf("got    %+v\nwanted %+v", got, test.want)
			}
		})
	}
}
