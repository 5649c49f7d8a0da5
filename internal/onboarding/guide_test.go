// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestTheGuideOnTroubleshootingHasEverySentence compares the guide with the
// texts of sentences.go: what it quotes is a part of a sentence that customers
// read, and every such sentence has a row.
func TestTheGuideOnTroubleshootingHasEverySentence(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../templates/guides/troubleshooting.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile("sentences.go")
	if err != nil {
		t.Fatal(err)
	}
	var sentences []string
	for _, found := range regexp.MustCompile(`v\.say\("((?:[^"\\]|\\.)*)"`).FindAllStringSubmatch(string(code), -1) {
		sentences = append(sentences, found[1])
	}
	var quotes []string
	for _, found := range regexp.MustCompile(`“([^”]+)”`).FindAllStringSubmatch(string(guide), -1) {
		quotes = append(quotes, found[1])
	}
	if len(sentences) < 15 || len(quotes) < 15 {
		t.Fatalf("found %d sentences and %d quotes", len(sentences), len(quotes))
	}
	told := map[string]bool{}
	for _, quote := range quotes {
		found := false
		for _, sentence := range sentences {
			if strings.Contains(sentence, quote) {
				told[sentence], found = true, true
			}
		}
		if !found {
			t.Errorf("no customer ever reads %q", quote)
		}
	}
	for _, sentence := range sentences {
		if !told[sentence] {
			t.Errorf("the guide does not tell what to do about %q", sentence)
		}
	}
}
