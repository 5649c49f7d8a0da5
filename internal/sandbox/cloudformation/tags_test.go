// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"strconv"
	"strings"
	"testing"
)

func TestAStackHasUpToFiftyTags(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		n          int
		key, value string
		want       string
	}{
		"fifty":              {50, "k", "v", ""},
		"one more":           {51, "k", "v", "less than or equal to 50"},
		"a long key":         {1, strings.Repeat("k", 128), "v", "between 1 and 128"},
		"a long value":       {1, "k", strings.Repeat("ü", 257), "less than or equal to 256"},
		"the longest value":  {1, "k", strings.Repeat("ü", 256), ""},
		"a key of AWS's own": {1, "AWS:k", "v", "not allowed for external use"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			pairs := []string{"StackName", "access", "TemplateBody", phoneHome(), "Capabilities.member.1", "CAPABILITY_NAMED_IAM"}
			for i := range test.n {
				prefix := "Tags.member." + strconv.Itoa(i+1)
				pairs = append(pairs, prefix+".Key", test.key+strconv.Itoa(i), prefix+".Value", test.value)
			}
			_, err := w.call("CreateStack", pairs...)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
