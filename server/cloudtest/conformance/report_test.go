package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What stestr writes of a run in which everything happens that can.
const written = `=========================
{0} tempest.api.identity.v3.test_tokens.TokensV3Test.test_create_token [0.163801s] ... ok
{1} tempest.api.identity.v3.test_users.UsersTest.test_lockout[id-a7ad,smoke] [5.21s] ... FAILED

Captured traceback:
{0} setUpClass (tempest.api.identity.v2.test_tokens.TokensTest) ... SKIPPED: TokensTest skipped as identity v2 is not available
{1} setUpClass (tempest.api.image.v2.test_images.BasicOperationsImagesTest) [0.000000s] ... FAILED
{1} tearDownClass (tempest.api.image.v2.test_tags.TagsTest) [0.000000s] ... FAILED
{1} tempest.api.image.v2.test_tags.TagsTest.test_update [0.1s] ... ok
{0} tempest.api.image.v2.test_images.Other.test_remote_import ... SKIPPED: There is no other service: no place

======
Totals
`

var listed = []string{
	"tempest.api.identity.v3.test_tokens.TokensV3Test.test_create_token[id-6f8e,smoke]",
	"tempest.api.identity.v3.test_users.UsersTest.test_lockout[id-a7ad,smoke]",
	"tempest.api.identity.v2.test_tokens.TokensTest.test_create_token",
	"tempest.api.image.v2.test_images.BasicOperationsImagesTest.test_delete_image[id-f848]",
	"tempest.api.image.v2.test_images.Other.test_remote_import[id-2d17]",
	"tempest.api.image.v2.test_tags.TagsTest.test_update",
	"tempest.api.image.v2.test_tags.TagsTest.test_killed",
}

func TestResults(t *testing.T) {
	got := map[string]string{}
	for id, r := range results(listed, written) {
		got[strings.TrimPrefix(id, "tempest.api.")] = strings.TrimSpace(r.verdict + " " + r.detail)
	}
	want := map[string]string{
		"identity.v3.test_tokens.TokensV3Test.test_create_token":           "passed",
		"identity.v3.test_users.UsersTest.test_lockout":                    "failed",
		"identity.v2.test_tokens.TokensTest.test_create_token":             "skipped TokensTest skipped as identity v2 is not available",
		"image.v2.test_images.BasicOperationsImagesTest.test_delete_image": "failed",
		"image.v2.test_images.Other.test_remote_import":                    "skipped There is no other service: no place",
		"image.v2.test_tags.TagsTest.test_update":                          "passed",
		"image.v2.test_tags.TagsTest.test_killed":                          "failed it left no result",
		"image.v2.test_tags.TagsTest.tearDownClass":                        "failed",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestReport(t *testing.T) {
	excepted := []exception{{regexp.MustCompile(`^tempest\.api\.identity\.v2\.`), "removed"}, {regexp.MustCompile(`test_remote_import$`), "no remote"}}
	var b bytes.Buffer
	err := report(&b, listed, written, excepted)
	if err == nil || !strings.HasPrefix(err.Error(), "4 tests failed") {
		t.Errorf("four tests failed and the error is %v", err)
	}
	for _, want := range []string{"\nidentity.v2 ", "2 passed, 4 failed, 2 skipped\n", "failed tempest.api.image.v2.test_tags.TagsTest.test_killed it left no result\n", "Captured traceback:"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, &b)
		}
	}
	b.Reset()
	if err := report(&b, listed[:1], strings.SplitAfter(written, "... ok\n")[0], nil); err != nil || strings.Contains(b.String(), "=====") {
		t.Errorf("all passed and the report is an error %v and\n%s", err, &b)
	}
	// Nothing that was skipped may pass unnamed.
	if err := report(&b, listed[2:3], written, nil); err == nil {
		t.Error("a skip that no exception names passed")
	}
}

func TestExceptions(t *testing.T) {
	all, err := exceptions()
	if err != nil || len(all) == 0 {
		t.Fatalf("exceptions.txt: %d, %v", len(all), err)
	}
}
