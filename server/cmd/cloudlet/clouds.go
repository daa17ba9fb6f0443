package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v2"
)

// cloudsFile is the clouds.yaml that OpenStack's clients read (openstacksdk,
// "Configuring OpenStack SDK Applications").
type cloudsFile struct {
	Clouds map[string]cloudEntry `yaml:"clouds"`
}

type cloudEntry struct {
	Auth               cloudAuth `yaml:"auth"`
	RegionName         string    `yaml:"region_name"`
	IdentityAPIVersion string    `yaml:"identity_api_version"`
	CACert             string    `yaml:"cacert,omitempty"`
}

type cloudAuth struct {
	AuthURL           string `yaml:"auth_url"`
	UserName          string `yaml:"username"`
	Password          string `yaml:"password"`
	ProjectName       string `yaml:"project_name"`
	UserDomainName    string `yaml:"user_domain_name"`
	ProjectDomainName string `yaml:"project_domain_name"`
}

// The clouds that a seeded cloud's clouds.yaml holds.
const (
	adminCloud = "cloudlet-admin" // user admin in project admin
	userCloud  = "cloudlet"       // user demo in project demo
)

func cloudsPath(dataDir string) string { return filepath.Join(dataDir, "clouds.yaml") }

// writeClouds writes DIR/clouds.yaml, mode 0600, in one step: a reader sees the
// old file or the new one.
func writeClouds(dataDir, baseURL, region, password, caCert string) error {
	entry := func(user, project string) cloudEntry {
		return cloudEntry{
			Auth: cloudAuth{AuthURL: baseURL + "/identity/v3", UserName: user, Password: password, ProjectName: project,
				UserDomainName: "Default", ProjectDomainName: "Default"},
			RegionName: region, IdentityAPIVersion: "3", CACert: caCert,
		}
	}
	b, err := yaml.Marshal(cloudsFile{map[string]cloudEntry{adminCloud: entry("admin", "admin"), userCloud: entry("demo", "demo")}})
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dataDir, ".clouds-*.yaml") // mode 0600
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), cloudsPath(dataDir))
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}

// readClouds reads DIR/clouds.yaml.
func readClouds(dataDir string) (cloudsFile, error) {
	var c cloudsFile
	b, err := os.ReadFile(cloudsPath(dataDir))
	if errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("there is no %s: start 'cloudlet dev -data-dir %s' first", cloudsPath(dataDir), dataDir)
	}
	if err != nil {
		return c, err
	}
	if err := yaml.UnmarshalStrict(b, &c); err != nil {
		return c, fmt.Errorf("%s: %w", cloudsPath(dataDir), err)
	}
	return c, nil
}

// envCommand prints shell exports for one cloud of DIR/clouds.yaml.
func envCommand(args []string, out, errOut io.Writer) error {
	s := newSettings("env", "Prints the OS_* exports of a cloud; use it as: eval \"$(cloudlet env -data-dir DIR)\"", errOut)
	dataDir := s.String("data-dir", defaultDataDir(), "`directory` of the cloud's state")
	name := s.String("cloud", userCloud, "`name` of the cloud in clouds.yaml: "+adminCloud+" or "+userCloud)
	if err := s.parse(args); err != nil {
		return err
	}
	file, err := readClouds(*dataDir)
	if err != nil {
		return err
	}
	c, ok := file.Clouds[*name]
	if !ok {
		var names []string
		for n := range file.Clouds {
			names = append(names, n)
		}
		slices.Sort(names)
		return fmt.Errorf("%s has no cloud %q; it has %s", cloudsPath(*dataDir), *name, strings.Join(names, ", "))
	}
	exports := [][2]string{
		{"OS_AUTH_URL", c.Auth.AuthURL}, {"OS_IDENTITY_API_VERSION", c.IdentityAPIVersion}, {"OS_REGION_NAME", c.RegionName},
		{"OS_USERNAME", c.Auth.UserName}, {"OS_PASSWORD", c.Auth.Password}, {"OS_USER_DOMAIN_NAME", c.Auth.UserDomainName},
		{"OS_PROJECT_NAME", c.Auth.ProjectName}, {"OS_PROJECT_DOMAIN_NAME", c.Auth.ProjectDomainName},
	}
	if c.CACert != "" {
		exports = append(exports, [2]string{"OS_CACERT", c.CACert})
	}
	for _, e := range exports {
		fmt.Fprintf(out, "export %s=%s\n", e[0], shellQuote(e[1]))
	}
	return nil
}

// shellQuote makes s one word of a POSIX shell.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// refreshClouds puts a server's present address into the clouds.yaml of an
// earlier start; passwords stay. Without the file there is nothing to do.
func refreshClouds(dataDir, baseURL, caCert string) error {
	file, err := readClouds(dataDir)
	if err != nil {
		if _, statErr := os.Stat(cloudsPath(dataDir)); errors.Is(statErr, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	c := file.Clouds[adminCloud]
	return writeClouds(dataDir, baseURL, c.RegionName, c.Auth.Password, caCert)
}
