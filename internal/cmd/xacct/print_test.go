// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
)

func TestNoSignatureIsShown(t *testing.T) {
	const url = "https://bucket.s3.amazonaws.com/a/b?X-Amz-Credential=SECRET%2F1&X-Amz-Security-Token=SECRET//x&X-Amz-Signature=SECRET"
	inJSON := func(v any) string {
		text, err := json.Marshal(v) // & becomes \u0026
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	once := inJSON(map[string]string{"ResponseURL": url, "after": "kept"})
	for name, s := range map[string]string{
		"plain":               url + " kept",
		"in JSON":             once,
		"in JSON in JSON":     inJSON(map[string]string{"Message": once}),
		"three deep":          inJSON([]string{inJSON(map[string]string{"Message": once})}),
		"slashes are escaped": strings.ReplaceAll(once, "/", `\/`),
		"? and = are escaped": strings.ReplaceAll(strings.ReplaceAll(once, "?", `\u003f`), "=", `\u003d`),
		"percent-encoded":     strings.ReplaceAll(url, "=", "%3D") + " kept",
		"in capitals":         strings.ToUpper(url) + " kept",
		"the older kind":      "https://b.s3.amazonaws.com/x?AWSAccessKeyId=SECRET&Expires=1&Signature=SECRET kept",
	} {
		got := withoutSignatures(s)
		if strings.Contains(got, "SECRET") || !strings.Contains(got, "kept") {
			t.Errorf("%s: %s became %s", name, s, got)
		}
	}
}

func TestATerminalObeysNobody(t *testing.T) {
	got := printable("a\x1b[31mb\u009bc\x00d\te\nf\u202eg é漢")
	if want := "a�[31mb�c�d e f�g é漢"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAgesAreInTheLargestUnitThatFits(t *testing.T) {
	at := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	for age, want := range map[time.Duration]string{
		-time.Hour:                         "0s ago", // clocks differ
		59 * time.Second:                   "59s ago",
		90 * time.Minute:                   "1h ago",
		47 * time.Hour:                     "1d ago",
		400*24*time.Hour + 5*time.Minute:   "400d ago",
		59*time.Minute + 59*time.Second:    "59m ago",
		23*time.Hour + 59*time.Minute + 59: "23h ago",
	} {
		if got := ago(&at, at.Add(age)); got != want {
			t.Errorf("after %s: %q, want %q", age, got, want)
		}
	}
	if ago(nil, at) != "" {
		t.Error("no time has an age")
	}
}

func TestAColumnWithNothingInItIsLeftOut(t *testing.T) {
	table := newTable("A", "B", "C")
	table.row("1", "", "x")
	table.row("2", "", "")
	var out strings.Builder
	if err := table.print(&out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("A  C\n1  x\n2  -\n", out.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestAnErrorIsOneLine(t *testing.T) {
	for want, err := range map[string]error{
		"interrupted":   fmt.Errorf("receive: %w", context.Canceled),
		"one two three": errors.New("one\n\n  two\nthree"),
		"arn:x may not do sns:Publish on arn:y: allow it in a policy of that principal": fmt.Errorf("while: %w",
			&awsclient.PermissionError{Caller: "arn:x", Action: "sns:Publish", Resource: "arn:y", Err: errors.New("https response error\nStatusCode: 403")}),
	} {
		if got := oneLine(err); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
