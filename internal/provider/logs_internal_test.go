// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import "testing"

// The variables are all those that make Terraform print a provider's logs, and some that
// do not.
func TestLogsAreWrittenIfTerraformPrintsThem(t *testing.T) {
	t.Parallel()
	for variable, want := range map[string]bool{
		"TF_LOG=DEBUG":                   true,
		"TF_LOG=":                        false,
		"TF_LOG_PROVIDER=trace":          true,
		"TF_LOG_PROVIDER_XACCT=info":     true,
		"TF_LOG_SDK_FRAMEWORK=warn":      true,
		"TF_LOG_SDK_PROTO_DATA_DIR=/t":   true,
		"TF_LOG_CORE=TRACE":              false,
		"TF_LOG_PATH=/tmp/terraform.log": false,
		"HOME=/root":                     false,
	} {
		if got := logsAreRead([]string{"PATH=/bin", variable}); got != want {
			t.Errorf("with %s logs are read: %t, want %t", variable, got, want)
		}
	}
}
