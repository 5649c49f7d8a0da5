// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package phonehome

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// A customer's parameters are untrusted text. Printable parts within the limits are kept, and no
// decision depends on them.
func TestParametersArePrintableText(t *testing.T) {
	for name, c := range map[string]struct {
		sent any
		want map[string]string
	}{
		"values":                 {map[string]any{"bucket": "b", "a_2": "x y"}, map[string]string{"bucket": "b", "a_2": "x y"}},
		"a field left empty":     {map[string]any{"bucket": "", "size": "s"}, map[string]string{"size": "s"}},
		"nothing":                {nil, nil},
		"only empty fields":      {map[string]any{"bucket": ""}, nil},
		"a list":                 {[]any{"b"}, nil},
		"values of other types":  {map[string]any{"a": 1, "b": []any{"x"}, "c": map[string]any{}, "d": nil}, nil},
		"invalid keys":           {map[string]any{"Bucket": "b", "__proto__": "b", "a.b": "b", "": "b", strings.Repeat("k", 42): "b"}, nil},
		"unprintable characters": {map[string]any{"a": "x\x00\x1b[31m\n\u202ey"}, map[string]string{"a": "x��[31m��y"}},
		"invalid UTF-8":          {map[string]any{"a": "x\xffy"}, map[string]string{"a": "x�y"}},
		"too long a value":       {map[string]any{"a": strings.Repeat("é", 3000)}, map[string]string{"a": strings.Repeat("é", 2048)}},
	} {
		if diff := cmp.Diff(c.want, texts(c.sent, parameterLimits)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestTheNumberAndLengthOfParametersIsLimited(t *testing.T) {
	many, long := map[string]any{}, map[string]any{}
	for i := range 1000 {
		many[fmt.Sprintf("k%03d", i)] = "v"
		long[fmt.Sprintf("k%03d", i)] = strings.Repeat("v", 4096)
	}
	if got := texts(many, parameterLimits); len(got) != 50 || got["k000"] == "" {
		t.Errorf("%d are kept", len(got))
	}
	if got := texts(long, parameterLimits); len(got) != 4 {
		t.Errorf("%d long ones are kept", len(got))
	}
	if got := texts(many, reportedLimits); len(got) != 20 {
		t.Errorf("%d reported values are kept", len(got))
	}
	if got := texts(long, reportedLimits); len(got) != 8 || len(got["k000"]) != 1024 {
		t.Errorf("%d long reported values are kept", len(got))
	}
}

func FuzzParametersAreBoundedAndVisible(f *testing.F) {
	f.Add("bucket", "a\x00b")
	f.Fuzz(func(t *testing.T, key, value string) {
		for k, v := range texts(map[string]any{key: value}, parameterLimits) {
			if k != key || len(v) > maxProperty || !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool { return !unicode.IsGraphic(r) }) {
				t.Errorf("%q: %q", k, v)
			}
		}
	})
}
