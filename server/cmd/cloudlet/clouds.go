package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cloudlet/cloudlet/server/node"
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

// The clouds that a new cloud's clouds.yaml holds.
const (
	adminCloud = "cloudlet-admin" // user admin in project admin
	userCloud  = "cloudlet"       // user demo in project demo, in a seeded cloud
)

func cloudsPath(dataDir string) string { return filepath.Join(dataDir, node.CloudsFile) }

// names returns the names of the clouds in the file, sorted.
func (c cloudsFile) names() []string { return slices.Sorted(maps.Keys(c.Clouds)) }

// writeClouds writes the clouds.yaml of a new cloud, whose users have one password.
func writeClouds(o node.ServerOptions, baseURL, password string) error {
	entry := func(user, project string) cloudEntry {
		return cloudEntry{
			Auth: cloudAuth{AuthURL: authURL(baseURL), UserName: user, Password: password, ProjectName: project,
				UserDomainName: "Default", ProjectDomainName: "Default"},
			RegionName: o.Region, IdentityAPIVersion: "3", CACert: o.CACertFile,
		}
	}
	file := cloudsFile{map[string]cloudEntry{adminCloud: entry("admin", "admin")}}
	if o.Seed {
		file.Clouds[userCloud] = entry("demo", "demo")
	}
	b, err := yaml.Marshal(file)
	if err != nil {
		return err
	}
	return replaceFile(cloudsPath(o.DataDir), b)
}

func authURL(baseURL string) string { return baseURL + "/identity/v3" }

// replaceFile writes a file, mode 0600, in one durable step: a reader, and a crash,
// sees the old file or the new one.
func replaceFile(path string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}

// readClouds reads DIR/clouds.yaml. What it does not know in it is left out.
func readClouds(dataDir string) (cloudsFile, error) {
	var c cloudsFile
	b, err := os.ReadFile(cloudsPath(dataDir))
	if errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("there is no %s: a server writes it when it starts with a new data directory", cloudsPath(dataDir))
	}
	if err != nil {
		return c, err
	}
	if err := yaml.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("%s: %w", cloudsPath(dataDir), err)
	}
	return c, nil
}

// refreshClouds puts a server's present address, and its authority if one is told,
// into the clouds.yaml of an earlier start. All else in it stays as it is, what
// users have written there too. Without the file there is nothing to do.
func refreshClouds(o node.ServerOptions, baseURL string) error {
	return editClouds(o.DataDir, func(cloud, auth *yaml.Node) {
		setMember(auth, "auth_url", authURL(baseURL))
		if o.CACertFile != "" {
			setMember(cloud, "cacert", o.CACertFile)
		}
	})
}

// keepPassword puts a user's new password into clouds.yaml, where it has that user's.
func keepPassword(dataDir, domain, user, password string) error {
	return editClouds(dataDir, func(_, auth *yaml.Node) {
		name, home := member(auth, "username"), member(auth, "user_domain_name")
		if name != nil && home != nil && strings.EqualFold(name.Value, user) && strings.EqualFold(home.Value, domain) {
			setMember(auth, "password", password)
		}
	})
}

// editClouds changes the entries of clouds.yaml that a cloud's first start made.
// All else in it stays as it is. Without the file there is nothing to do.
func editClouds(dataDir string, change func(cloud, auth *yaml.Node)) error {
	path := cloudsPath(dataDir)
	old, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(old, &doc); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(doc.Content) == 0 {
		return nil
	}
	for _, name := range []string{adminCloud, userCloud} {
		cloud := member(member(doc.Content[0], "clouds"), name)
		if auth := member(cloud, "auth"); auth != nil {
			change(cloud, auth)
		}
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(&doc), e.Close()); err != nil {
		return err
	}
	if bytes.Equal(old, b.Bytes()) {
		return nil
	}
	return replaceFile(path, b.Bytes())
}

// member returns a value of a YAML mapping; nil if there is none, or no mapping.
func member(m *yaml.Node, key string) *yaml.Node {
	if m == nil || m.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return m.Content[i+1]
		}
	}
	return nil
}

// setMember sets a string in a YAML mapping.
func setMember(m *yaml.Node, key, value string) {
	if old := member(m, key); old != nil {
		old.SetString(value)
		return
	}
	var k, v yaml.Node
	k.SetString(key)
	v.SetString(value)
	m.Content = append(m.Content, &k, &v)
}
