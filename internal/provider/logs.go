// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"os"
	"strings"
)

// logLevels are the environment variables for the log levels of plugin-go and the
// framework. If its variable is not set, a logger writes everything.
var logLevels = [...]string{"TF_LOG_SDK", "TF_LOG_SDK_PROTO", "TF_LOG_SDK_FRAMEWORK"}

// DropUnreadLogs turns the loggers of plugin-go and the framework off in this
// process unless a variable of Terraform asks for a provider's logs. Otherwise they
// write several lines of JSON for each attribute of each resource to Terraform, which
// parses them and drops them: a quarter of the provider's CPU time, and more of
// Terraform's. A panic still reaches Terraform: the runtime writes it.
func DropUnreadLogs() error {
	if logsAreRead(os.Environ()) {
		return nil
	}
	for _, name := range logLevels {
		if err := os.Setenv(name, "off"); err != nil {
			return err
		}
	}
	return nil
}

// logsAreRead reports whether a variable is set that makes Terraform or OpenTofu print
// a provider's logs: TF_LOG, TF_LOG_PROVIDER, or one that names a provider or a part
// of the SDK. TF_LOG_CORE and TF_LOG_PATH alone print no provider's logs.
func logsAreRead(environment []string) bool {
	for _, variable := range environment {
		name, value, _ := strings.Cut(variable, "=")
		if value != "" && (name == "TF_LOG" || strings.HasPrefix(name, "TF_LOG_PROVIDER") || strings.HasPrefix(name, "TF_LOG_SDK")) {
			return true
		}
	}
	return false
}
