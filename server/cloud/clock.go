package cloud

import "time"

// Clock tells the time and wakes people up. It is handed in, so that a test
// decides when time passes.
type Clock interface {
	// Now returns the current time, in UTC.
	Now() time.Time
	// After returns a channel that receives once d has passed.
	After(d time.Duration) <-chan time.Time
}

// RealClock is the machine's clock.
type RealClock struct{}

// Now returns time.Now in UTC.
func (RealClock) Now() time.Time { return time.Now().UTC() }

// After is time.After.
func (RealClock) After(d time.Duration) <-chan time.Time { return time.After(d) }
