package front

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// A plan session is a fork of the cloud's state under a name that a client
// chose. Every request that names it in the Cloudlet-Plan header reads and
// writes the fork, through the handlers that would change the cloud, and
// commits nothing. A session belongs to the user and scope that began it.
const (
	planHeader        = "Cloudlet-Plan"
	planWarningHeader = "Cloudlet-Plan-Warning"

	planIdle       = 10 * time.Minute // a session ends this long after its last request
	plansPerCaller = 32               // the oldest idle one is ended for a further one
	plansInAll     = 512
	planNameMax    = 64

	// planBytes bounds what the live sessions of one user took in, in bytes: nothing of it comes to
	// a disk. A change counts as planChange and its body.
	planBytes  = 128 << 20
	planChange = 2 << 10
)

type planKey struct{ user, project, domain, name string }

type session struct {
	name  string
	user  string
	store *statestore.Store
	used  time.Time
	taken int64 // bytes, as planBytes counts them
}

type plans struct {
	store    *statestore.Store
	clock    cloud.Clock
	standIns []func(tx *statestore.Txn)

	mu   sync.Mutex
	live map[planKey]*session
}

func newPlans(s *statestore.Store, c cloud.Clock, standIns []func(tx *statestore.Txn)) *plans {
	return &plans{store: s, clock: c, standIns: standIns, live: map[planKey]*session{}}
}

// enterPlan puts a request into the session of that name, which it begins if
// there is none.
func (f *Front) enterPlan(rq *Request, name string) error {
	if len(name) > planNameMax || name != oneLine(name) {
		return cloud.Errorf(cloud.Invalid, "", "The header %s must be a name of at most %d printable characters.", planHeader, planNameMax)
	}
	c, reads := rq.Caller, rq.HTTP.Method == http.MethodGet || rq.HTTP.Method == http.MethodHead
	if rq.route.Rule == Public && !reads {
		return cloud.Errorf(cloud.Invalid, "", "This call proves who somebody is, which is not planned: a session would forget attempts and what they use up. Make it without the header %s.", planHeader)
	}
	s, err := f.plans.get(planKey{c.UserID, c.ProjectID, c.DomainID, name})
	if err != nil {
		return err
	}
	rq.session, rq.store, rq.snap = s, s.store, nil
	if reads {
		return nil
	}
	return f.plans.take(s, planChange)
}

// take counts what a session is to take in. Error kind: Quota if those of its user have too much.
func (p *plans) take(s *session, bytes int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := bytes
	for _, other := range p.live {
		if other.user == s.user {
			all += other.taken
		}
	}
	if all > planBytes {
		return cloud.Errorf(cloud.Quota, "plan session", "Your plan sessions have taken in more than %d bytes; one ends %s after its last request.", int64(planBytes), planIdle)
	}
	s.taken += bytes
	return nil
}

func (p *plans) get(k planKey) (*session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	mine, oldest, oldestKey := 0, now, planKey{}
	for key, s := range p.live {
		if now.Sub(s.used) > planIdle {
			delete(p.live, key)
			continue
		}
		if key.user == k.user && key.project == k.project {
			mine++
			if s.used.Before(oldest) {
				oldest, oldestKey = s.used, key
			}
		}
	}
	if s := p.live[k]; s != nil {
		s.used = now
		return s, nil
	}
	if mine >= plansPerCaller {
		delete(p.live, oldestKey)
	} else if len(p.live) >= plansInAll {
		return nil, cloud.Errorf(cloud.Unavailable, "plan session", "There are too many plan sessions; one ends %s after its last request.", planIdle)
	}
	fork := p.store.Fork()
	err := fork.Write(context.Background(), func(tx *statestore.Txn) error {
		for _, fill := range p.standIns {
			fill(tx)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s := &session{name: k.name, user: k.user, store: fork, used: now}
	p.live[k] = s
	return s, nil
}
