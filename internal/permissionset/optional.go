// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import "strings"

// The values of the parameter that switches an optional permission.
const (
	SwitchedOn  = "Yes"
	SwitchedOff = "No"
)

// SwitchParameter returns the name of the parameter that switches the optional
// permission of a key. It follows from the key alone, so that a switch keeps
// its position when others come and go; no other parameter begins like that.
func SwitchParameter(key string) string { return "Enable" + LogicalName(key) }

// LogicalName makes RestartHosts of restart_hosts or restart-hosts: names in a
// template have letters and digits only.
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
