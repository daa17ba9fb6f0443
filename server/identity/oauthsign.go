package identity

import (
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloudlet/cloudlet/statestore"
)

// OAuthRequest is a request that a consumer signed (RFC 5849), as the service saw it.
type OAuthRequest struct {
	Method, URL string            // URL without its query, as the client spelled it
	Params      [][2]string       // of the query, and of a body that is a form
	OAuth       map[string]string // of the header Authorization, without the realm
}

// oauthPurpose is by what token a request has to be signed.
type oauthPurpose int

const (
	requestOfConsumer oauthPurpose = iota // by none
	requestOfVerified                     // by a request token that is authorized, with its verifier
	requestOfAccess                       // by an access token
)

// oauthWindow is by how much the time of a request may be off.
const oauthWindow = 10 * time.Minute

// OAuthNonce is a request that was taken: no other may have the same time and nonce.
type OAuthNonce struct {
	At                         int64 // its oauth_timestamp
	ConsumerID, TokenID, Nonce string
}

// OAuthNonces has those of the last while, in order of time.
var OAuthNonces = statestore.NewTable(statestore.TableDef[OAuthNonce]{Name: "oauth_nonce", Version: 1,
	Key: func(n *OAuthNonce) string { return n.key() }})

func (n OAuthNonce) key() string {
	return statestore.Key(fmt.Sprintf("%020d", n.At), n.ConsumerID, n.TokenID, n.Nonce)
}

// prove returns the token by which a request was signed; of requestOfConsumer one
// that has the consumer alone. Error kind: Unauthenticated, without a hint of what was wrong.
func (q OAuthRequest) prove(r statestore.Reader, now time.Time, p oauthPurpose) (OAuthToken, error) {
	at, known := q.moment()
	consumer, ok := Consumers.Get(r, q.OAuth["oauth_consumer_key"])
	if !ok || !known || now.Sub(at).Abs() > oauthWindow || q.OAuth["oauth_signature_method"] != "HMAC-SHA1" {
		return OAuthToken{}, errToken()
	}
	if v, given := q.OAuth["oauth_version"]; given && v != "1.0" {
		return OAuthToken{}, errToken()
	}
	if n := len(q.OAuth["oauth_nonce"]); n == 0 || n > 128 {
		return OAuthToken{}, errToken()
	}
	t, secret := OAuthToken{ConsumerID: consumer.ID}, ""
	if p != requestOfConsumer {
		t, ok = OAuthTokens.Get(r, q.OAuth["oauth_token"])
		b, opened := decrypt(r, t.aad(), t.Sealed)
		if !ok || !opened || t.ConsumerID != consumer.ID || t.Access != (p == requestOfAccess) || t.UserID == "" || !t.live(now) {
			return OAuthToken{}, errToken()
		}
		secret = string(b)
	}
	given, err := base64.StdEncoding.DecodeString(q.OAuth["oauth_signature"])
	want := mac(sha1.New, []byte(percent(consumer.Secret(r))+"&"+percent(secret)), q.base())
	if err != nil || subtle.ConstantTimeCompare(given, want) != 1 {
		return OAuthToken{}, errToken()
	}
	if p == requestOfVerified && subtle.ConstantTimeCompare([]byte(t.Verifier), []byte(q.OAuth["oauth_verifier"])) != 1 {
		return OAuthToken{}, errToken()
	}
	return t, nil
}

func (q OAuthRequest) moment() (time.Time, bool) {
	n, err := strconv.ParseInt(q.OAuth["oauth_timestamp"], 10, 64)
	return time.Unix(n, 0), err == nil && n > 0
}

// spend takes a request that was proven, and forgets those that would be too old by now. Error
// kind: Unauthenticated if it was taken before.
func (q OAuthRequest) spend(tx *statestore.Txn) error {
	var old []OAuthNonce
	for n := range OAuthNonces.All(tx) {
		if tx.Now().Sub(time.Unix(n.At, 0)) <= oauthWindow {
			break
		}
		old = append(old, n)
	}
	for _, n := range old {
		OAuthNonces.Delete(tx, n.key())
	}
	at, _ := q.moment()
	n := OAuthNonce{at.Unix(), q.OAuth["oauth_consumer_key"], q.OAuth["oauth_token"], q.OAuth["oauth_nonce"]}
	if _, taken := OAuthNonces.Get(tx, n.key()); taken {
		return errToken()
	}
	OAuthNonces.Put(tx, n)
	return nil
}

// base is the text that is signed: RFC 5849, section 3.4.1.
func (q OAuthRequest) base() string {
	var pairs [][2]string
	add := func(name, value string) { pairs = append(pairs, [2]string{percent(name), percent(value)}) }
	for _, p := range q.Params {
		add(p[0], p[1])
	}
	for name, value := range q.OAuth {
		if name != "oauth_signature" {
			add(name, value)
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	joined := make([]string, len(pairs))
	for n, p := range pairs {
		joined[n] = p[0] + "=" + p[1]
	}
	return strings.ToUpper(q.Method) + "&" + percent(baseURL(q.URL)) + "&" + percent(strings.Join(joined, "&"))
}

// baseURL is a URL with scheme and host in lower case, and without the scheme's own port.
func baseURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	host := strings.ToLower(u.Host)
	if port := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]; port != "" {
		host = strings.TrimSuffix(host, port)
	}
	return u.Scheme + "://" + host + u.EscapedPath()
}

// percent encodes all but the unreserved characters of RFC 3986.
func percent(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
