package image

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/states/image.md")

var (
	statuses = []Status{Queued, Saving, Uploading, Importing, Active, Deactivated, Killed, PendingDelete}
	events   = []Event{Upload, Stage, Import, Done, Interrupted, Refused, Failed, Deactivate, Reactivate, Delete, DeleteLater, Restore}
)

// docs/states/image.md is rendered from the table; go test -update writes it.
func TestStatesDoc(t *testing.T) {
	const path = "../../docs/states/image.md"
	want := renderDoc(t)
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s is not what the table says (%v): run go test ./server/image -run StatesDoc -update", path, err)
	}
}

func renderDoc(t *testing.T) string {
	meaning := map[Status]string{
		Queued:        "a row without bytes",
		Saving:        "bytes are on their way",
		Uploading:     "bytes are on their way to where an import will find them, or lie there",
		Importing:     "a task brings the bytes into the stores",
		Active:        "has bytes; instances can start from it",
		Deactivated:   "has bytes; no instance starts from it, and only an admin may download them",
		PendingDelete: "nobody sees it; its bytes stay for a while, in case they must be rescued",
		Killed:        "its bytes were refused; only good for deleting",
	}
	var b strings.Builder
	b.WriteString("# The life of an image\n\nRendered from the table in server/image/state.go; do not edit.\n\n")
	b.WriteString("Asked for by users: upload, stage, import, deactivate, reactivate, delete (delete later, where deletion is delayed); by the operator: restore (to deactivated, if it was). Found by the server: done (all bytes are there, durable and of the declared format),\n")
	b.WriteString("interrupted (the client went, the server stopped, the disk is full), refused (the bytes are not what was declared, point at other files, or are not the signed ones),\nfailed (an import found no bytes, or bytes that are refused; its task tells why).\n")
	b.WriteString("An event that a status does not list is refused.\n\n")
	b.WriteString("| status | means | event → status |\n|---|---|---|\n")
	for _, s := range statuses {
		var to []string
		for _, e := range events {
			if n, ok := Next(s, e); ok {
				to = append(to, fmt.Sprintf("%s → %s", e, n))
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", s, meaning[s], strings.Join(to, "<br>"))
	}
	b.WriteString("\nDeleted is told on the wire only: the row is gone. An upload that was interrupted can be made again.\n")
	for s, m := range transitions {
		if !slices.Contains(statuses, s) || meaning[s] == "" {
			t.Errorf("%s is not in the page", s)
		}
		for e := range m {
			if !slices.Contains(events, e) {
				t.Errorf("%s is not in the page", e)
			}
		}
	}
	return b.String()
}
