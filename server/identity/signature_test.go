package identity

import (
	"testing"
	"time"
)

func TestPasscode(t *testing.T) { // RFC 6238, appendix B: the last six digits
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"} {
		if got := passcode([]byte("12345678901234567890"), at/30); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}

// The signatures were made by keystoneclient.contrib.ec2.utils.Ec2Signer.
func TestSignatures(t *testing.T) {
	at := time.Date(2026, 11, 25, 0, 10, 0, 0, time.UTC)
	params := func(version, b string) map[string]string {
		return map[string]string{"SignatureVersion": version, "AWSAccessKeyId": "AK", "Action": "Describe Things", "Timestamp": "2026-11-25T00:00:00Z", "b": b}
	}
	v4 := Signed{Access: "AK", Verb: "GET", Host: "h", Path: "/x", Params: map[string]string{"Action": "Describe Things"},
		Headers: map[string]string{"Host": "h:8773", "X-Amz-Date": "20261125T000000Z",
			"Authorization": "AWS4-HMAC-SHA256 Credential=AK/20261125/us-east-1/ec2/aws4_request, SignedHeaders=host;x-amz-date, Signature=x"},
		BodyHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}
	for name, c := range map[string]struct {
		s    Signed
		want string
	}{
		"version 1": {Signed{Verb: "GET", Host: "h:8773", Path: "/", Params: params("1", "é/~")}, "rhK15UDHE8sTe46MaJxDcciKE3U="},
		"version 2": {Signed{Verb: "GET", Host: "h:8773", Path: "/x", Params: params("2", "é/~*+")}, "otmXVkpt3FrA5xa8s7XoPdGffGVx5MZBpo15HEJd5mI="},
		"version 4": {v4, "fbc780f16d269d2f2474c20123f935293fa40e7c896bc71a666f119a4f8185c6"},
	} {
		if got, err := c.s.sign("secret"); got != c.want || err != nil {
			t.Errorf("%s: %s, %v; want %s", name, got, err, c.want)
		}
		if !c.s.fresh(at) || c.s.fresh(at.Add(signatureLife)) || c.s.fresh(at.Add(-time.Hour)) {
			t.Errorf("%s counts at the wrong times", name)
		}
	}
	for _, version := range []string{"1", "2"} { // they do not sign headers
		late := Signed{Params: params(version, ""), Headers: map[string]string{"X-Amz-Date": "20261126T000000Z"}}
		if late.fresh(time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("a header that version %s does not sign makes an old request new", version)
		}
	}
	v4.Headers["X-Amz-Date"] = "20261126T000000Z"
	if _, err := v4.sign("secret"); err == nil {
		t.Error("a date that the scope does not have passes")
	}
}

// The example of RFC 5849, section 3.4.1.1.
func TestOAuthBaseString(t *testing.T) {
	q := OAuthRequest{Method: "post", URL: "http://EXAMPLE.COM:80/request",
		Params: [][2]string{{"b5", "=%3D"}, {"a3", "a"}, {"c@", ""}, {"a2", "r b"}, {"c2", ""}, {"a3", "2 q"}},
		OAuth: map[string]string{"oauth_consumer_key": "9djdj82h48djs9d2", "oauth_token": "kkk9d7dh3k39sjv7", "oauth_signature_method": "HMAC-SHA1",
			"oauth_timestamp": "137131201", "oauth_nonce": "7d8f3e4a", "oauth_signature": "bYT5CMsGcbgUdFHObYMEfcx6bsw="}}
	const want = "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26" +
		"oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
	if got := q.base(); got != want {
		t.Errorf("the base string is\n%s, want\n%s", got, want)
	}
}
