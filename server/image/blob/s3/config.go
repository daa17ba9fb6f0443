package s3

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/s3utils"
)

// Config says where a store is and who its user is. Parse makes one.
type Config struct {
	Bucket string
	Prefix string // of its objects: empty, or with a slash at the end
	Host   string // with a port if it is not the scheme's
	TLS    bool
	Region string
	// PathStyle has the bucket in the path of URLs, not in the host's name.
	PathStyle bool
	CACert    string // PEM file with the authority of the host; empty: those of the system
	// File and Profile are where the keys are; if both are empty they are looked for
	// as Amazon's tools do it.
	File, Profile string
}

// Scheme is how an address of a store begins.
const Scheme = "s3://"

var prefix = regexp.MustCompile(`^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$`)

// amazon is the host that stands for all of Amazon's.
const amazon = "s3.amazonaws.com"

// Parse reads an address of the form s3://BUCKET/PREFIX?OPTION=VALUE&…. What is
// wrong is told without the address, which may hold what should not be in it.
func Parse(address string) (Config, error) {
	noAddress := errors.New("not an address of the form s3://bucket/prefix?option=value")
	u, err := url.Parse(address)
	if err != nil {
		return Config{}, noAddress
	}
	c := Config{Bucket: u.Host, Host: amazon, TLS: true, Region: "us-east-1"}
	switch {
	case u.Scheme+"://" != Scheme:
		return c, noAddress
	case u.User != nil:
		return c, errors.New("keys do not belong into an address, where others can read them: see the option credentials")
	case u.Fragment != "":
		return c, errors.New("an address has no fragment: write # as %23")
	}
	if err := s3utils.CheckValidBucketNameStrict(c.Bucket); err != nil {
		return c, fmt.Errorf("%q cannot be a bucket: %s", c.Bucket, strings.ToLower(err.Error()))
	}
	if p := strings.Trim(u.Path, "/"); p != "" {
		if !prefix.MatchString(p) {
			return c, fmt.Errorf("%.100q cannot be a prefix: it must be words of letters, digits, - and _ with slashes between them", p)
		}
		c.Prefix = p + "/"
	}
	return c, c.options(u.RawQuery)
}

// options reads what stands behind the question mark.
func (c *Config) options(query string) error {
	q, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("the options cannot be read: they are of the form name=value, with & between them and % before two hex digits")
	}
	set := map[string]func(string) error{
		"endpoint":    c.endpoint,
		"region":      into(&c.Region),
		"credentials": into(&c.File),
		"profile":     into(&c.Profile),
		"ca-cert":     into(&c.CACert),
		"path-style": func(v string) (err error) {
			if c.PathStyle, err = strconv.ParseBool(v); err != nil {
				err = errors.New("must be true or false")
			}
			return err
		},
	}
	for _, name := range slices.Sorted(maps.Keys(q)) { // endpoint before path-style, which it presets
		if set[name] == nil {
			return fmt.Errorf("there is no option %.50q; there are %s", name, strings.Join(slices.Sorted(maps.Keys(set)), ", "))
		}
		if len(q[name]) != 1 || q[name][0] == "" {
			return fmt.Errorf("the option %s needs one value", name)
		}
		if err := set[name](q[name][0]); err != nil {
			return fmt.Errorf("the option %s: %w", name, err)
		}
	}
	if c.CACert != "" && !c.TLS {
		return errors.New("the option ca-cert needs an endpoint with https")
	}
	return nil
}

func into(to *string) func(string) error {
	return func(v string) error { *to = v; return nil }
}

// endpoint reads the URL of a service that is not Amazon's.
func (c *Config) endpoint(v string) error {
	u, err := url.Parse(v)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("must be of the form https://host:port")
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return errors.New("must be https: images must not travel in the clear beyond loopback")
	}
	c.Host, c.TLS, c.PathStyle = u.Host, u.Scheme == "https", true
	return nil
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// String is the store's address as an operator may see it.
func (c Config) String() string {
	scheme := "http"
	if c.TLS {
		scheme = "https"
	}
	return fmt.Sprintf("%s%s/%s at %s://%s", Scheme, c.Bucket, c.Prefix, scheme, c.Host)
}

// keys looks for the keys, once.
func (c Config) keys() (*credentials.Credentials, error) {
	file := func() (credentials.Value, error) {
		return credentials.NewFileAWSCredentials(c.File, c.Profile).GetWithContext(nil)
	}
	var v credentials.Value
	var err error
	where := "in " + c.File
	if c.File != "" || c.Profile != "" {
		v, err = file()
	} else if v, err = credentials.NewEnvAWS().GetWithContext(nil); err == nil && v.AccessKeyID == "" {
		where = "in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, nor in AWS's shared credentials file"
		if v, err = file(); errors.Is(err, os.ErrNotExist) {
			err = nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("credentials of %s: %w", c, err)
	}
	if v.AccessKeyID == "" || v.SecretAccessKey == "" {
		return nil, fmt.Errorf("credentials of %s: there is no pair of keys %s", c, where)
	}
	return credentials.NewStaticV4(v.AccessKeyID, v.SecretAccessKey, v.SessionToken), nil
}

// Variables are those of the environment that hold keys. They are read by Open only.
var Variables = []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY", "AWS_SECRET_KEY"}
