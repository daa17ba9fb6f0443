package client

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
)

// Config is how to reach a cloud. What is not given falls back to the cloud named
// by Cloud or OS_CLOUD in clouds.yaml, then to the OS_* environment, as
// OpenStack's own clients do.
type Config struct {
	Cloud, AuthURL, Region                         string
	UserName, UserID, Password                     string
	UserDomainName, UserDomainID                   string
	ProjectName, ProjectID                         string
	ProjectDomainName, ProjectDomainID             string
	DomainName, DomainID                           string // to work in a domain
	System                                         bool   // to work in the whole system
	Token                                          string
	ApplicationCredentialID, ApplicationCredential string // id, secret
	CACertFile                                     string
	Insecure                                       bool
	UserAgent                                      string

	applicationCredentialName, trust string // of clouds.yaml and, the former, OS_* only
}

// over returns c with what it leaves open from low. Credentials of one kind leave
// no use for those of another, nor one scope for another: with a token of c's,
// low's password is not looked at, nor what low would work in.
func (c Config) over(low Config) Config {
	switch {
	case c.Token != "" || c.ApplicationCredentialID != "" || c.applicationCredentialName != "":
		low.dropUser()
		low.dropScope()
		low.Token, low.ApplicationCredentialID, low.applicationCredentialName = "", "", ""
		if c.Token != "" {
			low.ApplicationCredential = ""
		}
	case c.UserID != "" || c.UserName != "" || c.Password != "":
		low.Token, low.ApplicationCredentialID, low.applicationCredentialName, low.ApplicationCredential = "", "", "", ""
		if c.UserID != "" {
			low.UserName, low.UserDomainID, low.UserDomainName = "", "", ""
		} else if c.UserName != "" {
			low.UserID = ""
		}
	}
	if c.UserDomainID != "" || c.UserDomainName != "" {
		low.UserDomainID, low.UserDomainName = "", ""
	}
	if c.ProjectDomainID != "" || c.ProjectDomainName != "" {
		low.ProjectDomainID, low.ProjectDomainName = "", ""
	}
	if c.ProjectID != "" || c.ProjectName != "" || c.DomainID != "" || c.DomainName != "" || c.System {
		domain, name := low.ProjectDomainID, low.ProjectDomainName
		low.dropScope()
		if c.ProjectID == "" && c.ProjectName != "" {
			low.ProjectDomainID, low.ProjectDomainName = domain, name
		}
	}
	for v, fallback := range map[*string]string{&c.AuthURL: low.AuthURL, &c.Region: low.Region, &c.UserName: low.UserName, &c.UserID: low.UserID, &c.Password: low.Password,
		&c.UserDomainName: low.UserDomainName, &c.UserDomainID: low.UserDomainID, &c.ProjectName: low.ProjectName, &c.ProjectID: low.ProjectID,
		&c.ProjectDomainName: low.ProjectDomainName, &c.ProjectDomainID: low.ProjectDomainID, &c.DomainName: low.DomainName, &c.DomainID: low.DomainID, &c.Token: low.Token,
		&c.ApplicationCredentialID: low.ApplicationCredentialID, &c.ApplicationCredential: low.ApplicationCredential, &c.CACertFile: low.CACertFile,
		&c.applicationCredentialName: low.applicationCredentialName, &c.trust: low.trust} {
		*v = cmp.Or(*v, fallback)
	}
	c.System, c.Insecure = c.System || low.System, c.Insecure || low.Insecure
	return c
}

func (c *Config) dropUser() {
	c.UserName, c.UserID, c.Password, c.UserDomainName, c.UserDomainID = "", "", "", "", ""
}

func (c *Config) dropScope() {
	c.ProjectName, c.ProjectID, c.ProjectDomainName, c.ProjectDomainID, c.DomainName, c.DomainID, c.trust, c.System = "", "", "", "", "", "", "", false
}

// resolve merges the configuration with clouds.yaml and the environment.
func resolve(c Config) (gophercloud.AuthOptions, gophercloud.EndpointOpts, *tls.Config, error) {
	if c.Cloud == "" && c.AuthURL == "" {
		c.Cloud = os.Getenv("OS_CLOUD")
	}
	endpoint := gophercloud.EndpointOpts{Availability: gophercloud.AvailabilityPublic}
	var tlsOfCloud *tls.Config
	if c.Cloud != "" {
		opts := []clouds.ParseOption{clouds.WithCloudName(c.Cloud)}
		if c.CACertFile != "" {
			opts = append(opts, clouds.WithCACertPath(c.CACertFile))
		}
		if c.Insecure {
			opts = append(opts, clouds.WithInsecure(true))
		}
		auth, e, t, err := clouds.Parse(opts...)
		if err != nil {
			return auth, e, t, fmt.Errorf("reading cloud %q of clouds.yaml: %w", c.Cloud, err)
		}
		c, endpoint, tlsOfCloud = c.over(ofCloud(auth, e)), e, t
	}
	c = c.over(environment())
	endpoint.Region = c.Region
	auth, err := c.auth()
	if err != nil || tlsOfCloud != nil && (tlsOfCloud.RootCAs != nil || tlsOfCloud.InsecureSkipVerify) {
		return auth, endpoint, tlsOfCloud, err
	}
	t, err := tlsConfig(c)
	if err == nil && tlsOfCloud != nil {
		t.Certificates = tlsOfCloud.Certificates
	}
	return auth, endpoint, t, err
}

// ofCloud is what clouds.yaml says of a cloud.
func ofCloud(a gophercloud.AuthOptions, e gophercloud.EndpointOpts) Config {
	c := Config{AuthURL: a.IdentityEndpoint, Region: e.Region, UserName: a.Username, UserID: a.UserID, Password: a.Password, UserDomainID: a.DomainID, UserDomainName: a.DomainName,
		Token: a.TokenID, ApplicationCredentialID: a.ApplicationCredentialID, ApplicationCredential: a.ApplicationCredentialSecret, applicationCredentialName: a.ApplicationCredentialName}
	s := a.Scope
	switch {
	case s == nil:
	case s.ProjectName != "":
		c.ProjectName, c.ProjectDomainID, c.ProjectDomainName = s.ProjectName, s.DomainID, s.DomainName
	default:
		c.ProjectID, c.DomainID, c.DomainName, c.System, c.trust = s.ProjectID, s.DomainID, s.DomainName, s.System, s.TrustID
		if c.UserDomainID != "" && c.UserDomainName == c.DomainName {
			c.UserDomainName = "" // gophercloud takes the scope's for the user's too
		} else if c.UserDomainName != "" && c.UserDomainID == c.DomainID {
			c.UserDomainID = ""
		}
	}
	return c
}

// environment is what OS_* say.
func environment() Config {
	env := func(names ...string) (v string) {
		for _, n := range names {
			v = cmp.Or(v, os.Getenv(n))
		}
		return v
	}
	c := Config{
		AuthURL: env("OS_AUTH_URL"), Region: env("OS_REGION_NAME"), Token: env("OS_TOKEN", "OS_AUTH_TOKEN"),
		UserID: env("OS_USER_ID"), Password: env("OS_PASSWORD"), UserDomainID: env("OS_USER_DOMAIN_ID"),
		ProjectID: env("OS_PROJECT_ID", "OS_TENANT_ID"), ProjectDomainID: env("OS_PROJECT_DOMAIN_ID"),
		ApplicationCredentialID: env("OS_APPLICATION_CREDENTIAL_ID"), ApplicationCredential: env("OS_APPLICATION_CREDENTIAL_SECRET"),
		applicationCredentialName: env("OS_APPLICATION_CREDENTIAL_NAME"), CACertFile: env("OS_CACERT"),
	}
	if c.UserID == "" {
		c.UserName = env("OS_USERNAME")
	}
	if c.UserDomainID == "" {
		c.UserDomainName = env("OS_USER_DOMAIN_NAME", "OS_DEFAULT_DOMAIN")
	}
	if c.ProjectID == "" {
		c.ProjectName = env("OS_PROJECT_NAME", "OS_TENANT_NAME")
	}
	if c.ProjectDomainID == "" {
		c.ProjectDomainName = env("OS_PROJECT_DOMAIN_NAME", "OS_DEFAULT_DOMAIN")
	}
	if c.ProjectID == "" && c.ProjectName == "" {
		c.DomainID, c.System = env("OS_DOMAIN_ID"), env("OS_SYSTEM_SCOPE") == "all"
	}
	if c.DomainID == "" && c.ProjectID == "" && c.ProjectName == "" {
		c.DomainName = env("OS_DOMAIN_NAME")
	}
	v := strings.ToLower(os.Getenv("OS_INSECURE"))
	c.Insecure = v == "true" || v == "1"
	switch { // one kind of credentials, as over has it
	case c.Token != "":
		c.dropUser()
		c.ApplicationCredentialID, c.ApplicationCredential = "", ""
	case c.ApplicationCredentialID != "":
		c.dropUser()
	case c.applicationCredentialName != "": // it is that user's
		c.Password = ""
	}
	return c
}

// auth is the configuration as gophercloud wants it.
func (c Config) auth() (gophercloud.AuthOptions, error) {
	auth := gophercloud.AuthOptions{IdentityEndpoint: c.AuthURL, Username: c.UserName, UserID: c.UserID, Password: c.Password, TokenID: c.Token,
		ApplicationCredentialID: c.ApplicationCredentialID, ApplicationCredentialName: c.applicationCredentialName, ApplicationCredentialSecret: c.ApplicationCredential}
	if c.AuthURL == "" {
		return auth, errors.New("no cloud is configured: set cloud (or OS_CLOUD) to a name of clouds.yaml, or auth_url (or OS_AUTH_URL) with credentials")
	}
	if c.UserName != "" && c.UserID == "" {
		auth.DomainID, auth.DomainName = inDomain(c.UserDomainID, c.UserDomainName)
	}
	switch {
	case c.ApplicationCredentialID != "" || c.applicationCredentialName != "": // it is for one project
	case c.trust != "":
		auth.Scope = &gophercloud.AuthScope{TrustID: c.trust}
	case c.System:
		auth.Scope = &gophercloud.AuthScope{System: true}
	case c.ProjectID != "":
		auth.Scope = &gophercloud.AuthScope{ProjectID: c.ProjectID}
	case c.ProjectName != "":
		auth.Scope = &gophercloud.AuthScope{ProjectName: c.ProjectName}
		auth.Scope.DomainID, auth.Scope.DomainName = inDomain(c.ProjectDomainID, c.ProjectDomainName)
	case c.DomainID != "":
		auth.Scope = &gophercloud.AuthScope{DomainID: c.DomainID}
	case c.DomainName != "":
		auth.Scope = &gophercloud.AuthScope{DomainName: c.DomainName}
	}
	return auth, nil
}

// inDomain returns one way to tell a domain: by id, by name, or as the default one.
func inDomain(id, name string) (string, string) {
	switch {
	case id != "":
		return id, ""
	case name != "":
		return "", name
	}
	return "default", ""
}

func tlsConfig(c Config) (*tls.Config, error) {
	t := &tls.Config{InsecureSkipVerify: c.Insecure, MinVersion: tls.VersionTLS12}
	if c.CACertFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(c.CACertFile)
	if err != nil {
		return nil, fmt.Errorf("reading cacert_file: %w", err)
	}
	t.RootCAs = x509.NewCertPool()
	if !t.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("cacert_file %s holds no PEM certificate", c.CACertFile)
	}
	return t, nil
}
