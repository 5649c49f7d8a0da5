// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import "strings"

// The values of a parameter that switches an optional permission.
const (
	SwitchedOn  = "Yes"
	SwitchedOff = "No"
)

// SwitchParameter returns the name of the parameter that switches the optional
// permission with a key. It depends only on the key, so that a switch keeps its
// position when other permissions are added or removed. No other parameter's name
// begins like that.
func SwitchParameter(key string) string { return "Enable" + LogicalName(key) }

// LogicalName converts a key to a name in a template, which has only letters and
// digits: restart_hosts and restart-hosts become RestartHosts.
func LogicalName(key string) string {
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(key, notAlphanumeric) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

func notAlphanumeric(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}
