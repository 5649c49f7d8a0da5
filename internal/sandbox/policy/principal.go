// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package policy

import (
	_ "embed"
	"regexp"
	"strings"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

//go:embed services.txt
var serviceList string

// knownServices returns the services that may be principals, without the suffix
// ".amazonaws.com".
var knownServices = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(serviceList) {
		if name := strings.TrimSpace(line); name != "" && !strings.HasPrefix(name, "#") {
			all[name] = true
		}
	}
	return all
})

// regional matches the Region in a service principal such as
// "sns.af-south-1.amazonaws.com".
var regional = regexp.MustCompile(`\.[a-z]{2,}(-[a-z]+)+-[0-9]$`)

// ServiceExists reports whether AWS has a service principal, such as
// "sns.amazonaws.com" or "sns.af-south-1.amazonaws.com".
func ServiceExists(principal string) bool {
	name, isAWS := strings.CutSuffix(strings.TrimSuffix(principal, ".cn"), ".amazonaws.com")
	return isAWS && (knownServices()[name] || knownServices()[regional.ReplaceAllString(name, "")])
}

// Exists reports whether a principal of a resource policy exists in a partition:
// AWS refuses policies that name others (aws-facts 5.4, 13.8).
func (p Principal) Exists(accounts kernel.Accounts, partition string) bool {
	switch p.Type {
	case "AWS":
		return accounts == nil || kernel.PrincipalExists(accounts, partition, p.Value)
	case "Service":
		return ServiceExists(p.Value)
	default:
		return true
	}
}
