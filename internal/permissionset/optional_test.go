// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import "testing"

func TestASwitchsNameDependsOnlyOnItsKey(t *testing.T) {
	for key, want := range map[string]string{
		"billing": "EnableBilling", "restart_hosts": "EnableRestartHosts", "s3_2nd_look": "EnableS32ndLook", "a": "EnableA", "a__b_": "EnableAB",
	} {
		if got := SwitchParameter(key); got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
}
