package image

import (
	"strings"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/task"
	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

func limited(t *testing.T, l Limits) world {
	return world{t, storetest.NewStore(t, testTables), openContent(t, t.TempDir(), ContentOptions{Limits: func(statestore.Reader, string) Limits { return l }})}
}

func (w world) createLimited() (Image, error) {
	raw, bare := "raw", "bare"
	return get(w, func(tx *statestore.Txn) (Image, error) {
		return w.c.ImageCreate(tx, ann, "", ImageChange{DiskFormat: &raw, ContainerFormat: &bare})
	})
}

func TestLimits(t *testing.T) {
	w := limited(t, Limits{SizeTotal: 1, StageTotal: 1, CountTotal: 3, Uploading: 1})
	var ids []string
	for range 3 {
		i, err := w.createLimited()
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, i.ID)
	}
	if _, err := w.createLimited(); !cloud.Is(err, cloud.Quota) {
		t.Errorf("a fourth image: %v", err)
	}
	big := strings.Repeat("x", mib+1)
	if _, err := w.upload(ids[0], strings.NewReader(big)); !cloud.Is(err, cloud.Quota) || w.status(ids[0]) != Queued {
		t.Errorf("too large: %v, %s", err, w.status(ids[0]))
	}
	if err := w.c.Stage(w.write, ann, ids[0], strings.NewReader(big)); !cloud.Is(err, cloud.Quota) || w.status(ids[0]) != Queued {
		t.Errorf("too much staged: %v, %s", err, w.status(ids[0]))
	}
	if all := w.everything(); len(all) != 0 {
		t.Errorf("refused bytes leave %v", all)
	}
	busy := readerFunc(func() {
		if _, err := w.upload(ids[1], strings.NewReader("x")); !cloud.Is(err, cloud.Quota) {
			t.Errorf("two uploads at once: %v", err)
		}
	})
	if _, err := w.upload(ids[0], &prefixed{"x", busy}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.upload(ids[1], strings.NewReader(big[:mib-1])); err != nil {
		t.Fatal(err)
	}
	if _, err := w.upload(ids[2], strings.NewReader("x")); !cloud.Is(err, cloud.Quota) || w.status(ids[2]) != Queued {
		t.Errorf("the stores are full: %v", err)
	}
	if u := UsageGet(w.s.Snapshot(), "p1"); u != (Usage{Size: mib, Count: 3}) {
		t.Errorf("%+v", u)
	}
	if err := w.start(ids[2], ImportRequest{Method: Web, URI: "http://x/"}); !cloud.Is(err, cloud.Quota) {
		t.Errorf("an import into full stores: %v", err)
	}
}

// prefixed reads a text and does something at its end.
type prefixed struct {
	text string
	then readerFunc
}

func (p *prefixed) Read(b []byte) (int, error) {
	if p.text == "" {
		return p.then.Read(b)
	}
	n := copy(b, p.text)
	p.text = p.text[n:]
	return n, nil
}

func TestDelayedDelete(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := storetest.OpenStore(t, storetest.NewDisk().MustOpen(t), statestore.Options{Tables: testTables, Now: func() time.Time { return now }})
	w := world{t, s, openContent(t, t.TempDir(), ContentOptions{DeleteDelay: time.Hour})}
	i, err := w.upload(w.queued("raw").ID, strings.NewReader("bytes"))
	if err != nil {
		t.Fatal(err)
	}
	gone, err := get(w, func(tx *statestore.Txn) (Image, error) { return w.c.ImageDelete(tx, ann, i.ID) })
	if err == nil {
		err = w.c.Forget(t.Context(), w.write, gone)
	}
	if err == nil {
		err = w.c.Sweep(t.Context(), s)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ImageGet(s.Snapshot(), admin, i.ID); !cloud.Is(err, cloud.NotFound) || w.status(i.ID) != PendingDelete {
		t.Errorf("a deleted image is seen: %v, %s", err, w.status(i.ID))
	}
	for range ImagesVisible(s.Snapshot(), admin) {
		t.Error("a deleted image is listed")
	}
	w.wantFiles(i.SHA256)
	for x := range task.Tasks.By(s.Snapshot(), "open", "1") {
		if !x.NotBefore.Equal(now.Add(time.Hour)) {
			t.Errorf("%+v", x)
		}
	}
	w.serve(time.Minute) // its clock is the machine's: the hour is over
	w.settled()
	w.wantFiles()
	if w.status(i.ID) != Deleted {
		t.Errorf("%s", w.status(i.ID))
	}
}
