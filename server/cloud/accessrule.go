package cloud

import (
	"regexp"
	"strings"
)

// AccessRule is a call, or a set of calls, of a service's API.
type AccessRule struct {
	Service string // its type: compute
	Method  string
	Path    string // "*" and "{name}" stand for one segment, "**" for any text
}

var wildcards = regexp.MustCompile(`\{[^}]*\}|\*\*|\*`)

// Matches reports whether the rule is about a call. The path may be spelled in
// several ways: with and without the prefix that is the service's place.
func (a AccessRule) Matches(service, method string, paths ...string) bool {
	if a.Service != service || a.Method != method {
		return false
	}
	var pattern strings.Builder
	at := 0
	for _, m := range wildcards.FindAllStringIndex(a.Path, -1) {
		pattern.WriteString(regexp.QuoteMeta(a.Path[at:m[0]]))
		if a.Path[m[0]:m[1]] == "**" {
			pattern.WriteString(".*")
		} else {
			pattern.WriteString("[^/]+")
		}
		at = m[1]
	}
	re, err := regexp.Compile("^" + pattern.String() + regexp.QuoteMeta(a.Path[at:]) + "$")
	if err != nil {
		return false
	}
	for _, path := range paths {
		if re.MatchString(path) {
			return true
		}
	}
	return false
}

// MayCall reports whether the caller's access rules, if it is limited to them, allow a call.
func (c Caller) MayCall(service, method string, paths ...string) bool {
	for _, rule := range c.AccessRules {
		if rule.Matches(service, method, paths...) {
			return true
		}
	}
	return !c.Limited
}
