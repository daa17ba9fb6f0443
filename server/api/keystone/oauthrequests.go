package keystone

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

// oauthRoutes are how a consumer gets an access token. Those without a rule bear
// the consumer's signature instead of a token.
func (a *api) oauthRoutes() []front.Route {
	return []front.Route{
		{Method: "POST", Path: "/OS-OAUTH1/request_token", Rule: front.Public, Handle: a.requestTokenCreate},
		{Method: "PUT", Path: "/OS-OAUTH1/authorize/{token}", Rule: "identity:request_token:authorize", Handle: a.lasting(requestTokenAuthorize)},
		{Method: "POST", Path: "/OS-OAUTH1/access_token", Rule: front.Public, Handle: a.accessTokenCreate},
	}
}

const formType = "application/x-www-form-urlencoded"

// oauthOf reads what a consumer signed. must are the parameters that it has to have. Error kind: Invalid.
func oauthOf(rq *front.Request, must ...string) (q identity.OAuthRequest, err error) {
	path, query, _ := strings.Cut(rq.HTTP.RequestURI, "?")
	if q.OAuth, err = oauthHeader(rq.HTTP.Header.Get("Authorization")); err != nil {
		return q, err
	}
	for _, name := range append([]string{"oauth_consumer_key"}, must...) {
		if q.OAuth[name] == "" {
			return q, expecting(name, "the header Authorization", "")
		}
	}
	forms := []string{query}
	if rq.HTTP.Header.Get("Content-Type") == formType {
		body, err := rq.Body()
		if err != nil {
			return q, err
		}
		forms = append(forms, string(body))
	}
	for _, form := range forms {
		values, err := url.ParseQuery(form)
		if err != nil {
			return q, cloud.Errorf(cloud.Invalid, "", "The query and the form of a signed request must be percent-encoded.").Because(err)
		}
		for name, vs := range values {
			for _, v := range vs {
				q.Params = append(q.Params, [2]string{name, v})
			}
		}
	}
	q.Method, q.URL = rq.HTTP.Method, rq.BaseURL()+path
	return q, nil
}

// oauthHeader reads a header such as OAuth oauth_nonce="7d8f", …; nil for one of another
// scheme. Error kind: Invalid.
func oauthHeader(text string) (map[string]string, error) {
	scheme, list, _ := strings.Cut(text, " ")
	if !strings.EqualFold(scheme, "OAuth") {
		return nil, nil
	}
	params := map[string]string{}
	for part := range strings.SplitSeq(list, ",") {
		name, quoted, _ := strings.Cut(strings.TrimSpace(part), "=")
		value, err := url.PathUnescape(strings.Trim(quoted, `"`))
		if _, twice := params[name]; err != nil || twice {
			return nil, cloud.Errorf(cloud.Invalid, "", "The header Authorization must have each parameter once, percent-encoded.")
		}
		if name != "realm" {
			params[name] = value
		}
	}
	return params, nil
}

// oauthAnswer tells a consumer its new token. more are further members.
func oauthAnswer(t identity.OAuthToken, secret, more string) *front.Response {
	form := "oauth_token=" + t.ID + "&oauth_token_secret=" + secret + more
	if !t.ExpiresAt.IsZero() {
		form += "&oauth_expires_at=" + stamp(t.ExpiresAt) // as it is: no client of Keystone unescapes it
	}
	return (&front.Response{Status: http.StatusCreated, Raw: []byte(form)}).With("Content-Type", formType)
}

func (a *api) requestTokenCreate(rq *front.Request) (*front.Response, error) {
	q, err := oauthOf(rq)
	if err != nil {
		return nil, err
	}
	project := rq.HTTP.Header.Get("Requested-Project-Id")
	if project == "" {
		return nil, expecting("Requested-Project-Id", "the headers", "")
	}
	var t identity.OAuthToken
	secret := identity.NewSecret()
	err = rq.Write(func(tx *statestore.Txn) (err error) {
		t, err = a.Authority.RequestTokenMake(tx, q, project, secret)
		return err
	})
	return oauthAnswer(t, secret, "&oauth_callback_confirmed=true"), err
}

func (a *api) accessTokenCreate(rq *front.Request) (*front.Response, error) {
	q, err := oauthOf(rq, "oauth_token", "oauth_verifier")
	if err != nil {
		return nil, err
	}
	var t identity.OAuthToken
	secret := identity.NewSecret()
	err = rq.Write(func(tx *statestore.Txn) (err error) {
		t, err = a.Authority.AccessTokenMake(tx, q, secret)
		return err
	})
	return oauthAnswer(t, secret, ""), err
}

func requestTokenAuthorize(rq *front.Request) (*front.Response, error) {
	var b struct {
		Roles []roleRef `json:"roles"`
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	roles, err := rolesNamed(rq.Read(), b.Roles, "/roles")
	if err != nil {
		return nil, err
	}
	verifier := identity.NewVerifier()
	err = rq.Write(func(tx *statestore.Txn) error {
		return identity.RequestTokenAuthorize(tx, rq.PathValue("token"), rq.Caller.UserID, roles, verifier)
	})
	return front.OK(map[string]any{"token": map[string]string{"oauth_verifier": verifier}}), err
}
