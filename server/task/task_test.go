package task

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

// clock is one that a test moves.
type clock struct {
	mu      sync.Mutex
	now     time.Time
	waiting []waiter
	asked   chan struct{} // gets one for every After
}

type waiter struct {
	at time.Time
	ch chan time.Time
}

func newClock() *clock {
	return &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), asked: make(chan struct{}, 1000)}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := make(chan time.Time, 1)
	c.waiting = append(c.waiting, waiter{c.now.Add(d), ch})
	c.asked <- struct{}{}
	return ch
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for _, w := range c.waiting {
		if !w.at.After(c.now) {
			select {
			case w.ch <- c.now:
			default:
			}
		}
	}
}

// note is a row that steps change, to see what was committed.
type note struct {
	ID    string
	Texts []string
}

var notes = statestore.NewTable(statestore.TableDef[note]{Name: "note", Version: 1, Key: func(n *note) string { return n.ID }})

var tables = []statestore.AnyTable{Tasks, notes}

func write(text string) func(tx *statestore.Txn) error {
	return func(tx *statestore.Txn) error {
		n, _ := notes.Get(tx, "n")
		n.ID, n.Texts = "n", append(append([]string(nil), n.Texts...), text)
		notes.Put(tx, n)
		return nil
	}
}

func newWorld(t *testing.T) (*statestore.Store, *clock) {
	c := newClock()
	return storetest.OpenStore(t, storetest.NewDisk().MustOpen(t), statestore.Options{Tables: tables, Now: c.Now}), c
}

// serve runs an engine until the test ends or stop is called.
func serve(t *testing.T, s *statestore.Store, c cloud.Clock, ks ...Kind) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		e := New(Options{Store: s, Kinds: ks, Clock: c, Log: slog.New(slog.DiscardHandler)})
		if err := e.Serve(ctx); err == nil {
			t.Error("Serve returned nil")
		}
	})
	stop = func() { cancel(); done.Wait() }
	t.Cleanup(stop)
	return stop
}

func create(t *testing.T, s *statestore.Store, spec Spec) (id string) {
	t.Helper()
	err := s.Write(context.Background(), func(tx *statestore.Txn) error {
		got, err := Create(tx, cloud.Caller{UserID: "ann", ProjectID: "p1", RequestID: "req-1"}, spec)
		id = got.ID
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// await returns the task once ok says so.
func await(t *testing.T, s *statestore.Store, id string, ok func(Task) bool) Task {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		snap, watch := s.Watch()
		got, there := Tasks.Get(snap, id)
		if there && ok(got) {
			return got
		}
		if err := watch.Wait(ctx); err != nil {
			t.Fatalf("the task is %+v: %v", got, err)
		}
	}
}

func ended(x Task) bool { return !x.State.Open() }

func texts(s *statestore.Store) string {
	n, _ := notes.Get(s.Snapshot(), "n")
	return fmt.Sprint(n.Texts)
}

func TestSteps(t *testing.T) {
	s, c := newWorld(t)
	k := Kind{Name: "k", Steps: map[string]Step{
		"a": func(_ context.Context, r *Run) (Outcome, error) {
			var in string
			if err := r.Decode(&in, nil); err != nil {
				return Outcome{}, err
			}
			return Next("b").With(map[string]string{"from": in}).Commit(write("a")), nil
		},
		"b": func(_ context.Context, r *Run) (Outcome, error) {
			data := map[string]string{}
			if err := r.Decode(nil, &data); err != nil {
				return Outcome{}, err
			}
			return Done().Commit(write("b:" + data["from"])).Saying("all is well"), nil
		},
	}}
	serve(t, s, c, k)
	id := create(t, s, Spec{Kind: "k", Subject: "thing", Input: "in", Step: "a"})
	got := await(t, s, id, ended)
	if got.State != Success || got.Message != "all is well" || got.ProjectID != "p1" || got.RequestID != "req-1" || texts(s) != "[a b:in]" {
		t.Errorf("%+v, %s", got, texts(s))
	}
	for {
		snap, watch := s.Watch()
		if Tasks.Len(snap) == 0 {
			break
		}
		<-c.asked // the engine sleeps
		c.advance(DefaultKeep)
		if err := watch.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWait(t *testing.T) {
	s, c := newWorld(t)
	n := 0
	serve(t, s, c, Kind{Name: "k", Steps: map[string]Step{"a": func(context.Context, *Run) (Outcome, error) {
		if n++; n == 1 {
			return Wait("a", time.Hour).Commit(write("first")), nil
		}
		return Done().Commit(write("second")), nil
	}}})
	id := create(t, s, Spec{Kind: "k", Step: "a"})
	await(t, s, id, func(x Task) bool { return x.State == Processing })
	<-c.asked
	if texts(s) != "[first]" {
		t.Errorf("before its time: %s", texts(s))
	}
	c.advance(time.Hour)
	await(t, s, id, ended)
	if texts(s) != "[first second]" {
		t.Errorf("after its time: %s", texts(s))
	}
}

func TestErrorsAreTriedAgain(t *testing.T) {
	s, c := newWorld(t)
	tries := make(chan int, 100)
	n := 0
	serve(t, s, c, Kind{Name: "k", Steps: map[string]Step{"a": func(context.Context, *Run) (Outcome, error) {
		n++
		tries <- n
		if n%2 == 0 {
			panic("at the disco")
		}
		return Outcome{}, errors.New("not yet")
	}}, Patience: time.Minute, Failed: func(tx *statestore.Txn, x Task, msg string) { _ = write("failed " + x.Subject)(tx) }})
	id := create(t, s, Spec{Kind: "k", Subject: "thing", Step: "a"})
	for want := 1; ; want++ {
		x := await(t, s, id, func(x Task) bool { return x.Tries == want || ended(x) })
		if ended(x) {
			break
		}
		if d := x.NotBefore.Sub(c.Now()); d > Backoff(want) || x.FailingSince.IsZero() {
			t.Errorf("after %d tries the next is in %v", want, d)
		}
		<-c.asked
		c.advance(Backoff(want))
	}
	x := await(t, s, id, ended)
	if x.State != Failure || texts(s) != "[failed thing]" || len(tries) < 5 || len(tries) > 8 {
		t.Errorf("%+v after %d tries; %s", x, len(tries), texts(s))
	}
}

func TestFailures(t *testing.T) {
	s, c := newWorld(t)
	serve(t, s, c, Kind{Name: "k", Steps: map[string]Step{"never": func(context.Context, *Run) (Outcome, error) {
		return Fail(cloud.Errorf(cloud.Invalid, "thing", "It is bad.")), nil
	}}})
	for _, spec := range []Spec{{Kind: "k", Step: "never"}, {Kind: "k", Step: "unknown"}, {Kind: "unknown", Step: "a"}} {
		x := await(t, s, create(t, s, spec), ended)
		if x.State != Failure || x.Message == "" || spec.Step == "never" && x.Message != "It is bad." {
			t.Errorf("%+v: %+v", spec, x)
		}
	}
}

func TestDeletedTasksStop(t *testing.T) {
	s, c := newWorld(t)
	began, ended := make(chan struct{}), make(chan struct{})
	serve(t, s, c, Kind{Name: "k", Steps: map[string]Step{"a": func(ctx context.Context, _ *Run) (Outcome, error) {
		close(began)
		<-ctx.Done()
		defer close(ended)
		return Done().Commit(write("too late")), nil
	}}})
	id := create(t, s, Spec{Kind: "k", Step: "a"})
	<-began
	if err := s.Write(t.Context(), func(tx *statestore.Txn) error { Tasks.Delete(tx, id); return nil }); err != nil {
		t.Fatal(err)
	}
	<-ended
	if texts(s) != "[]" {
		t.Errorf("a deleted task has written %s", texts(s))
	}
}

func TestManyAtOnce(t *testing.T) {
	s, c := newWorld(t)
	var mu sync.Mutex
	now, most := 0, 0
	count := func(d int) {
		mu.Lock()
		defer mu.Unlock()
		now += d
		most = max(most, now)
	}
	serve(t, s, c, Kind{Name: "k", Steps: map[string]Step{"a": func(context.Context, *Run) (Outcome, error) {
		count(1)
		defer count(-1)
		return Done().Commit(write("x")), nil
	}}})
	var ids []string
	for range 50 {
		ids = append(ids, create(t, s, Spec{Kind: "k", Step: "a"}))
	}
	for _, id := range ids {
		await(t, s, id, ended)
	}
	if n, _ := notes.Get(s.Snapshot(), "n"); len(n.Texts) != 50 || most > DefaultWorkers {
		t.Errorf("%d of 50 were committed, %d ran at once", len(n.Texts), most)
	}
}

// TestCrash kills the process at every commit, before and after it is durable:
// the next one ends the task, and every step's changes are there once.
func TestCrash(t *testing.T) {
	step := func(name string, o Outcome) Step {
		return func(context.Context, *Run) (Outcome, error) { return o.Commit(write(name)), nil }
	}
	k := Kind{Name: "k", Steps: map[string]Step{"a": step("a", Next("b")), "b": step("b", Next("c")), "c": step("c", Done())}}
	for _, side := range []storetest.Side{storetest.BeforeDurable, storetest.AfterDurable} {
		for at := 1; at <= 5; at++ {
			t.Run(fmt.Sprintf("%s commit %d", side, at), func(t *testing.T) {
				disk := storetest.NewDisk()
				crashy := storetest.NewCrashy(disk.MustOpen(t), at, side)
				s, err := statestore.Open(t.Context(), crashy, statestore.Options{Tables: tables, OnFatal: func(error) {}})
				if err != nil {
					t.Fatal(err)
				}
				stop := serve(t, s, cloud.RealClock{}, k)
				acknowledged := s.Write(t.Context(), func(tx *statestore.Txn) error {
					_, err := Create(tx, cloud.Caller{}, Spec{Kind: "k", Step: "a"})
					return err
				}) == nil
				if acknowledged && at <= 4 {
					<-crashy.Down()
				}
				stop()
				s.Close()
				disk.PowerCycle()
				s = storetest.OpenStore(t, disk.MustOpen(t), statestore.Options{Tables: tables})
				serve(t, s, cloud.RealClock{}, k)
				n := 0
				for x := range Tasks.All(s.Snapshot()) {
					n++
					await(t, s, x.ID, ended)
				}
				if acknowledged && n != 1 || n == 1 && texts(s) != "[a b c]" {
					t.Errorf("acknowledged %v, %d tasks, %s", acknowledged, n, texts(s))
				}
			})
		}
	}
}

// Tasks of one project that do not end leave places to others.
func TestProjectsDoNotStarveEachOther(t *testing.T) {
	s, c := newWorld(t)
	ran := make(chan string, 100)
	kind := Kind{Name: "k", Steps: map[string]Step{"slow": func(ctx context.Context, r *Run) (Outcome, error) {
		ran <- r.ProjectID
		<-ctx.Done()
		return Outcome{}, ctx.Err()
	}, "quick": func(_ context.Context, r *Run) (Outcome, error) {
		ran <- r.ProjectID
		return Done(), nil
	}}}
	for range 3 * DefaultWorkers {
		create(t, s, Spec{Kind: "k", Step: "slow", Owner: "greedy"})
	}
	serve(t, s, c, kind)
	for range DefaultWorkers * 3 / 4 {
		if who := <-ran; who != "greedy" {
			t.Fatal(who)
		}
	}
	create(t, s, Spec{Kind: "k", Step: "quick", Owner: "patient"})
	if who := <-ran; who != "patient" {
		t.Errorf("%s has more than its places", who)
	}
}
