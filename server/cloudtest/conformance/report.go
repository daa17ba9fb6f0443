package main

import (
	_ "embed"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
)

//go:embed exceptions.txt
var exceptionsText string

// exception is a line of exceptions.txt: tests that may fail or be skipped.
type exception struct {
	match  *regexp.Regexp
	reason string
}

func exceptions() ([]exception, error) {
	var all []exception
	for l := range strings.Lines(exceptionsText) {
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		pattern, reason, ok := strings.Cut(l, " — ")
		if !ok || reason == "" {
			return nil, fmt.Errorf("exceptions.txt: no reason in %q", l)
		}
		re, err := regexp.Compile(pattern)
		if err != nil {
			return nil, fmt.Errorf("exceptions.txt: %w", err)
		}
		all = append(all, exception{re, reason})
	}
	return all, nil
}

// result is how one test ended: passed, failed or skipped, and why.
type result struct{ verdict, detail string }

var (
	resultLine = regexp.MustCompile(`(?m)^\{\d+\} (.+?)(?: \[[\d.]+s\])? \.\.\. (ok|FAILED|SKIPPED)(?:: ?(.*))?$`)
	fixture    = regexp.MustCompile(`^(setUp|tearDown)Class \((.*)\)$`)
)

// results reads what stestr wrote, by id without its tags. Each listed test has a
// result: its own, or that of its class where that was not set up. A class that was
// not taken down fails under the fixture's own name.
func results(listed []string, out string) map[string]result {
	all, classes := map[string]result{}, map[string]result{}
	for _, m := range resultLine.FindAllStringSubmatch(out, -1) {
		r := result{map[string]string{"ok": "passed", "FAILED": "failed", "SKIPPED": "skipped"}[m[2]], m[3]}
		f := fixture.FindStringSubmatch(m[1])
		switch {
		case f == nil:
			name, _, _ := strings.Cut(m[1], "[")
			all[name] = r
		case f[1] == "setUp":
			classes[f[2]] = r
		case r.verdict == "failed":
			all[f[2]+".tearDownClass"] = r
		}
	}
	for _, id := range listed {
		name, _, _ := strings.Cut(id, "[")
		if _, ok := all[name]; ok {
			continue
		}
		r, ok := classes[name[:strings.LastIndex(name, ".")]]
		if !ok {
			r = result{"failed", "it left no result"}
		}
		all[name] = r
	}
	return all
}

// suite is such as identity.admin.v3: the packages that a test is in.
func suite(id string) string {
	parts := strings.Split(strings.TrimPrefix(id, "tempest.api."), ".test_")
	return parts[0]
}

// report writes the table and the closing line, and what stestr wrote if not all
// is well: a test failed or was skipped that no exception names, which is the error
// it returns.
func report(to io.Writer, listed []string, out string, excepted []exception) error {
	all := results(listed, out)
	counts := map[string]map[string]int{}
	total := map[string]int{}
	unexpected := 0
	for _, id := range slices.Sorted(maps.Keys(all)) {
		r := all[id]
		s := suite(id)
		if counts[s] == nil {
			counts[s] = map[string]int{}
		}
		counts[s][r.verdict]++
		total[r.verdict]++
		if r.verdict == "passed" || slices.ContainsFunc(excepted, func(e exception) bool { return e.match.MatchString(id) }) {
			continue
		}
		unexpected++
		fmt.Fprintf(to, "%s %s %s\n", r.verdict, id, r.detail)
	}
	if unexpected > 0 {
		fmt.Fprintln(to, out)
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "suite\tpassed\tfailed\tskipped")
	for _, s := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\n", s, counts[s]["passed"], counts[s]["failed"], counts[s]["skipped"])
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(to, "%d passed, %d failed, %d skipped\n", total["passed"], total["failed"], total["skipped"])
	if unexpected > 0 {
		return fmt.Errorf("%d tests failed or were skipped that exceptions.txt does not name", unexpected)
	}
	return nil
}
