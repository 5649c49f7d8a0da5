// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sns

import "testing"

// FuzzFilterPoliciesNeverPanic checks that no policy and no message make the
// filter panic: both are untrusted.
func FuzzFilterPoliciesNeverPanic(f *testing.F) {
	f.Add(`{"a":["b",1,null,{"prefix":"x"},{"anything-but":["y"]},{"exists":false}]}`, `{"a":"b"}`)
	f.Add(`{"a":{"b":[{"anything-but":{"suffix":"z"}}]}}`, `{"a":[{"b":["c"]}]}`)
	f.Add(`{"a":[{"anything-but":[{}]}]}`, `{"a":[{}]}`)
	f.Fuzz(func(t *testing.T, policy, message string) {
		for _, scope := range []string{scopeAttributes, scopeBody} {
			parsed, err := parseFilter(policy, scope)
			if err != nil {
				continue
			}
			parsed.accepts(&publication{message: message})
		}
	})
}
