package main

import (
	"regexp"
	"time"

	"github.com/cloudlet/cloudlet/server/identity"
)

// identityFlags are the settings of tokens, passwords and limits, by the names that
// Keystone's options have ([token] expiration, [oauth1], [credential] user_limit and its
// like, [security_compliance]), with dashes.
type identityFlags struct {
	tokenExpiration, lockoutDuration int // seconds
	requestToken, accessToken        int // seconds
	keyRotation                      time.Duration
	regex, limitModel                string
	most                             [3]int // for each of userLimits
	c                                identity.Compliance
}

// userLimits bound what one user may have, with what they do unless set.
var userLimits = [3]struct {
	name, what string
	most       int
}{
	{"credential-user-limit", "credentials", 100},
	{"application-credential-user-limit", "application credentials", 100},
	{"trust-user-limit", "trusts", 1000},
}

func (f *identityFlags) declare(s *settings) {
	s.IntVar(&f.tokenExpiration, "token-expiration", int(identity.DefaultTokenLife/time.Second), "`seconds` for which a token is valid")
	s.IntVar(&f.requestToken, "request-token-duration", 28800, "`seconds` in which a user may authorize a request of OAuth 1.0a; 0: any time")
	s.IntVar(&f.accessToken, "access-token-duration", 86400, "`seconds` for which an OAuth consumer may act for a user; 0: until the user ends it")
	s.DurationVar(&f.keyRotation, "key-rotation", 30*24*time.Hour, "`duration` for which a key seals tokens before a new one does; 0: until cloudlet admin rotate-keys")
	s.choice(&f.limitModel, "limit-model", "how the limits that are kept for services hang together", string(identity.FlatLimits), string(identity.StrictLimits))
	for n, l := range userLimits {
		s.IntVar(&f.most[n], l.name, l.most, "`number` of "+l.what+" that one user may have; -1: any number")
	}
	s.IntVar(&f.c.LockoutFailureAttempts, "lockout-failure-attempts", 0, "`number` of wrong passwords in a row that lock an account; 0: any number is allowed")
	s.IntVar(&f.lockoutDuration, "lockout-duration", 1800, "`seconds` for which an account stays locked; 0: until its password is set anew")
	s.IntVar(&f.c.DisableUserAccountDaysInactive, "disable-user-account-days-inactive", 0, "`days` without a login after which a user counts as disabled; 0: never")
	s.IntVar(&f.c.PasswordExpiresDays, "password-expires-days", 0, "`days` after which a password must be changed; 0: never")
	s.IntVar(&f.c.UniqueLastPasswordCount, "unique-last-password-count", 0, "`number` of a user's last passwords, the new one included, that must differ; 0: they need not")
	s.IntVar(&f.c.MinimumPasswordAge, "minimum-password-age", 0, "`days` for which users must keep a password; 0: none")
	s.StringVar(&f.regex, "password-regex", "", "regular `expression` (RE2) that a password must match")
	s.StringVar(&f.c.PasswordRegexDescription, "password-regex-description", "", "`text` that tells users what -password-regex asks for")
	s.BoolVar(&f.c.ChangePasswordUponFirstUse, "change-password-upon-first-use", false, "users must change a password that an administrator has set")
}

func (f *identityFlags) check(s *settings) (identity.Settings, error) {
	o := identity.Settings{TokenLife: time.Duration(f.tokenExpiration) * time.Second, Compliance: f.c, KeyRotation: f.keyRotation, LimitModel: identity.LimitModel(f.limitModel),
		RequestTokenLife: time.Duration(f.requestToken) * time.Second, AccessTokenLife: time.Duration(f.accessToken) * time.Second}
	c := &o.Compliance
	c.LockoutDuration = time.Duration(f.lockoutDuration) * time.Second
	for n, field := range []*int{&o.CredentialUserLimit, &o.AppCredentialUserLimit, &o.TrustUserLimit} {
		if *field = f.most[n]; *field < -1 || *field == 0 {
			return o, s.wrong("-%s %d: must be at least 1, or -1 for any number", userLimits[n].name, *field)
		}
	}
	if f.keyRotation < 0 || f.keyRotation > 0 && f.keyRotation < time.Minute {
		return o, s.wrong("-key-rotation %s: must be at least a minute, or 0", f.keyRotation)
	}
	if f.tokenExpiration < 1 {
		return o, s.wrong("-token-expiration %d: must be at least 1", f.tokenExpiration)
	}
	for name, n := range map[string]int{"lockout-failure-attempts": c.LockoutFailureAttempts, "lockout-duration": f.lockoutDuration,
		"request-token-duration": f.requestToken, "access-token-duration": f.accessToken, "minimum-password-age": c.MinimumPasswordAge,
		"disable-user-account-days-inactive": c.DisableUserAccountDaysInactive, "password-expires-days": c.PasswordExpiresDays, "unique-last-password-count": c.UniqueLastPasswordCount} {
		if n < 0 {
			return o, s.wrong("-%s %d: must not be negative", name, n)
		}
	}
	if c.PasswordExpiresDays > 0 && c.MinimumPasswordAge >= c.PasswordExpiresDays {
		return o, s.wrong("-minimum-password-age %d must be less than -password-expires-days %d", c.MinimumPasswordAge, c.PasswordExpiresDays)
	}
	if f.regex == "" {
		return o, nil
	}
	re, err := regexp.Compile(f.regex)
	if err != nil {
		return o, s.wrong("-password-regex: %v", err)
	}
	c.PasswordRegex = re
	if c.PasswordRegexDescription == "" {
		return o, s.wrong("-password-regex needs -password-regex-description, which tells users what is asked of them")
	}
	return o, nil
}
