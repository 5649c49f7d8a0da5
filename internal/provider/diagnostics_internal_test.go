// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"testing"
	"unicode/utf8"
)

// Terraform gets a provider's texts as UTF-8, and fails without them if they aren't.
func TestASentenceBeginsWithAWholeCharacter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "it is too long": "It is too long.", "édition is no key": "Édition is no key.", "日本 is no key!": "日本 is no key!",
	} {
		if got := sentence(text); got != want || !utf8.ValidString(got) {
			t.Errorf("sentence(%q) is %q, not %q", text, got, want)
		}
	}
}
