package identity

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

const day = 24 * time.Hour

// Compliance are the rules of passwords and accounts: Keystone's section
// [security_compliance], under its names. The zero value asks for nothing.
type Compliance struct {
	LockoutFailureAttempts         int           // wrong passwords in a row that lock an account; 0: any number
	LockoutDuration                time.Duration // for so long
	DisableUserAccountDaysInactive int           // 0: never
	PasswordExpiresDays            int           // 0: never
	UniqueLastPasswordCount        int           // how many of a user's last passwords, the new one included, differ; 0 and 1: no matter
	MinimumPasswordAge             int           // days before a user may change a password again
	PasswordRegex                  *regexp.Regexp
	PasswordRegexDescription       string // told to who chose another
	ChangePasswordUponFirstUse     bool   // one that an administrator set has expired at once
}

// PasswordCheck refuses a password that the rules do not allow a user; own tells
// that the user chose it. It blocks for a hash for each password before. Error kind:
// Invalid.
func (a Authority) PasswordCheck(ctx context.Context, u User, password string, own bool) error {
	c := a.Compliance
	refuse := func(format string, args ...any) error {
		return cloud.Errorf(cloud.Invalid, "user", format, args...).At("/user/password")
	}
	if c.PasswordRegex != nil && !c.PasswordRegex.MatchString(password) {
		return refuse("The password does not match the requirements: %s.", c.PasswordRegexDescription)
	}
	if !own {
		return nil
	}
	if u.Options.On(LockPassword) {
		return refuse("You cannot change your password at this time due to password policy disallowing password changes. Please contact your administrator to reset your password.")
	}
	expired := !u.PasswordExpiresAt.IsZero() && !a.Clock.Now().Before(u.PasswordExpiresAt)
	if old := time.Duration(c.MinimumPasswordAge)*day - a.Clock.Now().Sub(u.PasswordChangedAt); old > 0 && !u.PasswordChangedAt.IsZero() && !expired {
		return refuse("You cannot change your password at this time due to the minimum password age. Once you change your password, it must be used for %d day(s) before it can be changed. Please try again in %d day(s) or contact your administrator to reset your password.",
			c.MinimumPasswordAge, int(old/day)+1)
	}
	if c.UniqueLastPasswordCount < 2 {
		return nil
	}
	before := append([]string{u.PasswordHash}, u.PasswordHistory...)
	for _, hash := range before[:min(len(before), c.UniqueLastPasswordCount-1)] {
		same, err := passwordMatches(ctx, hash, password)
		if err != nil {
			return err
		}
		if same {
			return refuse("The new password cannot be identical to a previous password. The total number which includes the new password must be unique is %d.", c.UniqueLastPasswordCount)
		}
	}
	return nil
}

// PasswordSet gives a user the password of a hash; own tells that the user chose
// it. If not, an account that was locked is no longer.
func (a Authority) PasswordSet(u *User, hash string, own bool) {
	c, now := a.Compliance, a.Clock.Now()
	if u.PasswordHash != "" && c.UniqueLastPasswordCount > 1 {
		u.PasswordHistory = append([]string{u.PasswordHash}, u.PasswordHistory...)
	}
	u.PasswordHistory = u.PasswordHistory[:min(len(u.PasswordHistory), max(c.UniqueLastPasswordCount-1, 0))]
	u.PasswordHash, u.PasswordChangedAt, u.PasswordExpiresAt = hash, now, time.Time{}
	if !own {
		u.FailedLogins, u.FailedAt = 0, time.Time{}
	}
	switch {
	case !own && c.ChangePasswordUponFirstUse && !u.Options.On(IgnoreFirstUse):
		u.PasswordExpiresAt = now
	case c.PasswordExpiresDays > 0 && !u.Options.On(IgnoreExpiry):
		u.PasswordExpiresAt = now.Add(time.Duration(c.PasswordExpiresDays) * day)
	}
}

// PasswordReset gives the user of that name, in the domain of that name, the
// password of a hash, and enables and unlocks the account: an operator's way in.
// Error kind: NotFound.
func (a Authority) PasswordReset(tx *statestore.Txn, domain, name, hash string) error {
	d, ok := Domains.First(tx, "name", folded(domain))
	if !ok {
		return missing("domain", domain)
	}
	u, ok := Users.First(tx, "name", folded(d.ID, name))
	if !ok {
		return missing("user", name)
	}
	a.PasswordSet(&u, hash, true)
	a.Active(&u)
	u.Enabled, u.FailedLogins, u.FailedAt = true, 0, time.Time{}
	_, err := UserPut(tx, u)
	return err
}

// Enabled reports whether a user is enabled and has not been away for too long.
func (a Authority) Enabled(u User) bool {
	away := time.Duration(a.Compliance.DisableUserAccountDaysInactive) * day
	return u.Enabled && (away == 0 || u.ActiveAt.IsZero() || u.Options.On(IgnoreInactivity) || a.Clock.Now().Sub(u.ActiveAt) < away)
}

// Active starts the time anew after which a user who is away counts as disabled.
func (a Authority) Active(u *User) {
	if a.Compliance.DisableUserAccountDaysInactive > 0 {
		u.ActiveAt = a.Clock.Now().Truncate(day)
	}
}

// expired reports whether the password has to be changed.
func (a Authority) expired(u User) bool {
	return !u.PasswordExpiresAt.IsZero() && !u.Options.On(IgnoreExpiry) && !a.Clock.Now().Before(u.PasswordExpiresAt)
}

func (a Authority) locked(u User) bool {
	c := a.Compliance
	return c.LockoutFailureAttempts > 0 && u.FailedLogins >= c.LockoutFailureAttempts && !u.Options.On(IgnoreLockout) &&
		(c.LockoutDuration <= 0 || a.Clock.Now().Sub(u.FailedAt) < c.LockoutDuration)
}

// wrongProof is the cause of a refusal by which Noted tells whose password or passcode was wrong.
type wrongProof struct{ userID string }

// Error implements error.
func (wrongProof) Error() string { return "wrong password or passcode" }

// Noted returns what is to be kept of an attempt to prove who one is, by c.Methods, which
// ended with err: the transaction that does, nil if nothing is. The transaction fails
// with Unauthenticated if the account was locked meanwhile, as by attempts at the same time. What is
// less than the user's rules ask for does not make up for wrong attempts.
func (a Authority) Noted(r statestore.Reader, c Credentials, err error) func(*statestore.Txn) error {
	counts := a.Compliance.LockoutFailureAttempts > 0
	if wrong, ok := errors.AsType[wrongProof](err); ok && counts {
		return func(tx *statestore.Txn) error {
			if u, ok := Users.Get(tx, wrong.userID); ok && !a.locked(u) {
				if u.FailedLogins >= a.Compliance.LockoutFailureAttempts { // the lock before is over
					u.FailedLogins = 0
				}
				u.FailedLogins, u.FailedAt = u.FailedLogins+1, a.Clock.Now()
				Users.Put(tx, u)
			}
			return nil
		}
	}
	who := c.UserRef
	if who == (UserRef{}) {
		who = c.Passcode.UserRef
	}
	u, ok := findUser(r, who)
	if err != nil || !ok || !counts && a.Compliance.DisableUserAccountDaysInactive <= 0 {
		return nil
	}
	return func(tx *statestore.Txn) error {
		u, ok := Users.Get(tx, u.ID)
		if !ok || a.locked(u) {
			return errToken()
		}
		was := u
		if a.Active(&u); len(unmet(u, c.Methods)) == 0 {
			u.FailedLogins, u.FailedAt = 0, time.Time{}
		}
		if u.FailedLogins != was.FailedLogins || !u.ActiveAt.Equal(was.ActiveAt) {
			Users.Put(tx, u)
		}
		return nil
	}
}
