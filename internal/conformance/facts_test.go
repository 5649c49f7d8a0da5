// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const factsFile = "internal/aws-facts.md"

func facts(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../aws-facts.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var anyMark = regexp.MustCompile(`\[(?:I|R|\?|I, strong|D/I|R/I)\]`)

// TestEveryMarkOfAnAssumptionHasACheckOrAManualTest fails for a new assumption in
// aws-facts.md without a check here or an entry in ManualAssumptions.
func TestEveryMarkOfAnAssumptionHasACheckOrAManualTest(t *testing.T) {
	t.Parallel()
	text := facts(t)
	_, body, _ := strings.Cut(text, "\n## 0 ")
	start := len(text) - len(body)
	covered := map[int]string{}
	cover := func(id, mark string) {
		if mark == "" {
			return
		}
		if n := strings.Count(text, mark); n != 1 {
			t.Errorf("%s: aws-facts.md has %d times %q", id, n, mark)
			return
		}
		begin, end := markAt(mark)
		if end == 0 {
			t.Errorf("%s: there is no mark in %q", id, mark)
			return
		}
		covered[strings.Index(text, mark)+begin] = id
	}
	ids := map[string]bool{}
	for _, c := range All() {
		if ids[c.ID] {
			t.Errorf("two checks are called %s", c.ID)
		}
		ids[c.ID] = true
		cover(c.ID, c.Mark)
		if c.Title == "" || c.Place == "" {
			t.Errorf("%s has no title, or names no code that depends on it", c.ID)
		}
	}
	for _, g := range ManualAssumptions() {
		cover(g.ID, g.Mark)
	}
	for _, at := range anyMark.FindAllStringIndex(text, -1) {
		if at[0] >= start && covered[at[0]] == "" {
			t.Errorf("no check and no entry of ManualAssumptions is about the mark in: …%s", text[max(0, at[0]-100):at[1]])
		}
	}
}

func resultsOf(outcome Outcome, seen string, ids ...string) Report {
	r := Report{Ended: time.Date(2027, 2, 3, 4, 5, 6, 0, time.UTC)}
	for _, id := range ids {
		r.Results = append(r.Results, Result{ID: id, Outcome: outcome, Seen: seen})
	}
	return r
}

func TestAPatchUpdatesMarksAndAppliesToTheFacts(t *testing.T) {
	t.Parallel()
	text := facts(t)
	patch, err := Patch(factsFile, text,
		resultsOf(Holds, "", "5.3", "5.4a", "1.18a", "1.18b", "1.18c", "1.18d", "10.2a", "10.2b"),
		resultsOf(Differs, "the first\nwriter's statement is still there", "5.5"),
		resultsOf(NotTried, "needs a second Region", "2.4"), resultsOf(Failed, "timeout", "7.8"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, factsFile)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	apply := exec.CommandContext(t.Context(), "git", "apply", "-")
	apply.Dir, apply.Stdin = dir, strings.NewReader(patch)
	if out, err := apply.CombinedOutput(); err != nil {
		t.Fatalf("git apply: %v\n%s\n%s", err, out, patch)
	}
	patched, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for want, times := range map[string]int{
		"success in moto/LocalStack; AWS [O 2027-02-03].": 1,
		"- [O 2027-02-03] Account-root principal follows": 1,
		"404 if the key is gone [O 2027-02-03])":          1,
		"Strong read-after-write [O 2027-02-03].":         1,
		"5.5 [not so, 2027-02-03: the first writer's statement is still there; wrong in internal/hub/permissions.go (one writer at a time)]": 1,
		"block every later SetTopicAttributes [I]": 1, // of two checks only one was tried
		"2.4 Rule [I]": 1,
		"7.8 [I]":      1,
	} {
		if n := strings.Count(string(patched), want); n != times {
			t.Errorf("%q occurs %d times:\n%s", want, n, patch)
		}
	}
}

func TestAReportOfASandboxPatchesNothing(t *testing.T) {
	t.Parallel()
	r := resultsOf(Holds, "", "5.3")
	r.Endpoint = "http://127.0.0.1:4566"
	if patch, err := Patch(factsFile, facts(t), r); err == nil || patch != "" {
		t.Errorf("a patch of %d bytes, %v", len(patch), err)
	}
}

func TestAReportHoldsNoAccountAndNoSignature(t *testing.T) {
	t.Parallel()
	r := redactor{accounts: []string{"123456789012", "210987654321", "", "", "", ""}}
	for in, want := range map[string]string{
		"arn:aws:iam::123456789012:root, 210987654321,345678901234 and 12345678901234":                                       "arn:aws:iam::111111111111:root, 222222222222,999999999999 and 12345678901234",
		`"ResponseURL":"https://b.s3.amazonaws.com/x?X-Amz-Expires=7200&X-Amz-Credential=ASIAX%2F2026&X-Amz-Signature=0a1b"`: `"ResponseURL":"https://b.s3.amazonaws.com/x?X-Amz-Expires=7200&X-Amz-Credential=REDACTED&X-Amz-Signature=REDACTED"`,
		`{\"X-Amz-Security-Token=FwoG\u0026X-Amz-Date=1`:                                                                     `{\"X-Amz-Security-Token=REDACTED\u0026X-Amz-Date=1`,
		`"Signature" : "abc+/=","SignatureVersion" : "1"`:                                                                    `"Signature" : "REDACTED","SignatureVersion" : "1"`,
		"<AWSAccessKeyId>AKIAIOSFODNN7EXAMPLE</AWSAccessKeyId><SignatureProvided>x</SignatureProvided>":                      "<AWSAccessKeyId>REDACTED</AWSAccessKeyId><SignatureProvided>REDACTED</SignatureProvided>",
		"User: arn:aws:sts::123456789012:assumed-role/Admin/alice@example.com is not":                                        "User: arn:aws:sts::111111111111:assumed-role/REDACTED is not",
		"arn:aws:sts::123456789012:assumed-role/xacct-conformance-a-as-api/xacct-conformance may":                            "arn:aws:sts::111111111111:assumed-role/xacct-conformance-a-as-api/xacct-conformance may",
	} {
		if got := r.text(in); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
