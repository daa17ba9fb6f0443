package main

import (
	"fmt"
	"io"
	"strings"
)

// envCommand prints shell exports for one cloud of DIR/clouds.yaml.
func envCommand(args []string, out, errOut io.Writer) error {
	s := newSettings("env", "Prints the OS_* exports of a cloud; use it as: eval \"$(cloudlet env -data-dir DIR)\"", errOut)
	dataDir := s.String("data-dir", defaultDataDir(), "`directory` of the cloud's state")
	name := s.String("cloud", "", "`name` of the cloud in clouds.yaml: "+adminCloud+" or "+userCloud+" (default "+userCloud+", if there is one)")
	if err := s.parse(args); err != nil {
		return err
	}
	file, err := readClouds(*dataDir)
	if err != nil {
		return err
	}
	if _, seeded := file.Clouds[userCloud]; *name == "" && seeded {
		*name = userCloud
	} else if *name == "" {
		*name = adminCloud
	}
	c, ok := file.Clouds[*name]
	if !ok {
		return fmt.Errorf("%s has no cloud %q; it has %s", cloudsPath(*dataDir), *name, strings.Join(file.names(), ", "))
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
		if _, err := fmt.Fprintf(out, "export %s=%s\n", e[0], shellQuote(e[1])); err != nil {
			return err
		}
	}
	return nil
}

// shellQuote makes s one word of a POSIX shell.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
