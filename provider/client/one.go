package client

import "fmt"

// One returns the only element of what a data source found. Otherwise the error
// says how many there are, and of what.
func One[T any](found []T, what string) (one T, err error) {
	switch len(found) {
	case 0:
		return one, fmt.Errorf("the cloud has no %s that is as configured, or you may not see it", what)
	case 1:
		return found[0], nil
	}
	return one, fmt.Errorf("%d %ss are as configured; say more, so that only one is", len(found), what)
}

// Wants reports whether a configured value, "" for none, is met.
func Wants(asked, is string) bool { return asked == "" || asked == is }
