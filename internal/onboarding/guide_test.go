// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Every quote in the guide must be part of a message in messages.go, and every message must be
// quoted.
func TestTheTroubleshootingGuideHasEveryMessage(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../templates/guides/troubleshooting.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile("messages.go")
	if err != nil {
		t.Fatal(err)
	}
	var messages []string
	for _, found := range regexp.MustCompile(`m\.format\("((?:[^"\\]|\\.)*)"`).FindAllStringSubmatch(string(code), -1) {
		messages = append(messages, found[1])
	}
	var quotes []string
	for _, found := range regexp.MustCompile(`“([^”]+)”`).FindAllStringSubmatch(string(guide), -1) {
		quotes = append(quotes, found[1])
	}
	if len(messages) < 15 || len(quotes) < 15 {
		t.Fatalf("found %d messages and %d quotes", len(messages), len(quotes))
	}
	told := map[string]bool{}
	for _, quote := range quotes {
		found := false
		for _, message := range messages {
			if strings.Contains(message, quote) {
				told[message], found = true, true
			}
		}
		if !found {
			t.Errorf("no message contains %q", quote)
		}
	}
	for _, message := range messages {
		if !told[message] {
			t.Errorf("the guide does not have the message %q", message)
		}
	}
}
