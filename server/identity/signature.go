package identity

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cloudlet/cloudlet/statestore"
)

// Signed is a request to some service that was signed with a pair of keys, as the
// service saw it: AWS's signature versions 1, 2 and 4.
type Signed struct {
	Access, Signature string
	Verb, Host, Path  string
	Params, Headers   map[string]string
	BodyHash          string // SHA-256 in hexadecimal; of version 4
}

// signatureLife is by how much the time of a signed request may be off: Keystone's
// auth_ttl.
const signatureLife = 15 * time.Minute

// IssueSigned returns a token for the user and project of the key pair that signed
// a request. Error kind: Unauthenticated, without a hint of what was wrong.
func (a Authority) IssueSigned(_ context.Context, r statestore.Reader, s Signed) (string, Token, error) {
	return a.issuePair(r, s.Access, func(secret string) bool {
		want, err := s.sign(secret)
		return err == nil && s.fresh(a.Clock.Now()) && subtle.ConstantTimeCompare([]byte(want), []byte(s.Signature)) == 1
	})
}

// IssueS3 is IssueSigned for a service that made the text to sign itself: text is
// what was signed.
func (a Authority) IssueS3(_ context.Context, r statestore.Reader, access, text, signature string) (string, Token, error) {
	return a.issuePair(r, access, func(secret string) bool {
		want := base64.StdEncoding.EncodeToString(mac(sha1.New, []byte(secret), text))
		if lines := strings.Split(text, "\n"); lines[0] == "AWS4-HMAC-SHA256" {
			scope := strings.Split(slices.Concat(lines, make([]string, 3))[2], "/")
			if len(scope) != 4 {
				return false
			}
			want = hex.EncodeToString(mac(sha256.New, key4(secret, scope), text))
		}
		return subtle.ConstantTimeCompare([]byte(want), []byte(signature)) == 1
	})
}

func (a Authority) issuePair(r statestore.Reader, access string, signedBy func(secret string) bool) (string, Token, error) {
	c, pair, err := EC2Pair(r, access)
	if err != nil || !signedBy(pair.Secret) {
		return "", Token{}, errToken()
	}
	t := a.begin([]string{"ec2credential"})
	t.UserID = c.UserID
	return a.finish(r, t, ScopeRef{Kind: ProjectScope, ID: c.ProjectID})
}

func mac(h func() hash.Hash, key []byte, text string) []byte {
	m := hmac.New(h, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// fresh reports whether the request was signed lately. Only a time that the signature's version
// signs counts.
func (s Signed) fresh(now time.Time) bool {
	lately := func(layout, text string) (fresh, given bool) {
		at, err := time.Parse(layout, text)
		return err == nil && now.Sub(at).Abs() < signatureLife, err == nil
	}
	if s.Params["SignatureVersion"] == "" {
		fresh, _ := lately("20060102T150405Z", s.date4())
		return fresh
	}
	for _, layout := range []string{"2006-01-02T15:04:05Z", "2006-01-02T15:04:05.000Z"} {
		if fresh, given := lately(layout, s.Params["Timestamp"]); given {
			return fresh
		}
	}
	end, err := time.Parse("2006-01-02T15:04:05Z", s.Params["Expires"])
	return err == nil && now.Before(end)
}

func (s Signed) header(name string) string {
	for k, v := range s.Headers {
		if strings.EqualFold(strings.TrimSpace(k), name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

var errSignature = errors.New("no signature of a version that is known")

// sign returns the signature that the request should have.
func (s Signed) sign(secret string) (string, error) {
	switch version := s.Params["SignatureVersion"]; version {
	case "1":
		return base64.StdEncoding.EncodeToString(mac(sha1.New, []byte(secret), s.text1())), nil
	case "2":
		return base64.StdEncoding.EncodeToString(mac(sha256.New, []byte(secret), s.text2())), nil
	case "":
		return s.sign4(secret)
	}
	return "", errSignature
}

func (s Signed) text1() string {
	var b strings.Builder
	names := slices.SortedFunc(maps.Keys(s.Params), func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	for _, name := range names {
		b.WriteString(name + s.Params[name])
	}
	return b.String()
}

func (s Signed) text2() string {
	params := maps.Clone(s.Params)
	params["SignatureMethod"] = "HmacSHA256"
	return s.Verb + "\n" + s.Host + "\n" + s.Path + "\n" + canonicalQuery(params)
}

// canonicalQuery renders parameters sorted and percent-encoded (RFC 3986).
func canonicalQuery(params map[string]string) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(params)) {
		pairs = append(pairs, percent(name)+"="+percent(params[name]))
	}
	return strings.Join(pairs, "&")
}

// date4 is the time of a signature of version 4.
func (s Signed) date4() string { return cmp.Or(s.header("x-amz-date"), s.Params["X-Amz-Date"]) }

// sign4 is AWS's version 4: its data are in the header Authorization or in the query.
func (s Signed) sign4(secret string) (string, error) {
	auth := s.header("authorization")
	part := func(name string) string {
		if auth == "" {
			return s.Params["X-Amz-"+name]
		}
		_, rest, _ := strings.Cut(auth, name+"=")
		value, _, _ := strings.Cut(rest, ",")
		return strings.TrimSpace(value)
	}
	if !strings.HasPrefix(auth, "AWS4-HMAC-SHA256") && s.Params["X-Amz-Algorithm"] != "AWS4-HMAC-SHA256" {
		return "", errSignature
	}
	date := s.date4()
	access, scope, _ := strings.Cut(part("Credential"), "/")
	parts := strings.Split(scope, "/")
	if access != s.Access || len(parts) != 4 || !strings.HasPrefix(date, parts[0]) {
		return "", errSignature
	}
	query := ""
	if !strings.EqualFold(s.Verb, "POST") {
		params := maps.Clone(s.Params)
		delete(params, "X-Amz-Signature")
		query = canonicalQuery(params)
	}
	var headers strings.Builder
	for name := range strings.SplitSeq(part("SignedHeaders"), ";") {
		if v := s.header(name); v != "" {
			headers.WriteString(name + ":" + v + "\n")
		}
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{strings.ToUpper(s.Verb), s.Path, query, headers.String(), part("SignedHeaders"), s.BodyHash}, "\n")))
	text := strings.Join([]string{"AWS4-HMAC-SHA256", date, scope, hex.EncodeToString(sum[:])}, "\n")
	return hex.EncodeToString(mac(sha256.New, key4(secret, parts), text)), nil
}

// key4 derives the key of version 4 from date, region, service and "aws4_request".
func key4(secret string, scope []string) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range scope {
		key = mac(sha256.New, key, part)
	}
	return key
}
