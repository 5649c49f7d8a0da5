// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// optionalKeys are the known condition keys that a request has only in some
// cases, for example if a service adds them. Keys that the sandbox would have
// to compute and can't, such as aws:PrincipalOrgPaths, are not among them: a
// policy that uses one is refused.
var optionalKeys = []string{
	"aws:sourcearn", "aws:sourceaccount", "aws:sourceowner", "aws:sourcevpc", "aws:sourcevpce",
	"aws:principalorgid", "aws:resourceorgid",
	"aws:multifactorauthpresent", "aws:multifactorauthage", "aws:federatedprovider",
	"aws:principalservicename", "aws:principalisawsservice", "aws:viaawsservice", "aws:calledvia", "aws:calledviafirst", "aws:calledvialast",
	"aws:username", "aws:userid", "aws:principalaccount", "aws:principalarn", "aws:requestedregion", "aws:resourceaccount",
	"aws:referer", "aws:useragent",
	"kms:viaservice", "kms:calleraccount", "kms:encryptioncontextkeys",
	"sts:externalid", "sts:rolesessionname", "sts:sourceidentity", "aws:sourceidentity",
}

// conditionKeys returns the condition keys of a request, lower-case: those that
// are computed from the authorization, and those that the caller and the
// service add, which take precedence.
func conditionKeys(a kernel.Authorization, now time.Time, organization func(account string) string) map[string][]string {
	keys := map[string][]string{
		// Plain HTTP on loopback counts as TLS. If a call does not
		// (kernel.SecureTransport), the principal's Keys or the Context have
		// "false".
		"aws:securetransport": {"true"},
		"aws:sourceip":        {"127.0.0.1"},
		"aws:currenttime":     {now.UTC().Format(time.RFC3339)},
		"aws:epochtime":       {strconv.FormatInt(now.Unix(), 10)},
	}
	set := func(name, value string) {
		if value != "" {
			keys[name] = []string{value}
		}
	}
	set("aws:resourceaccount", a.ResourceAccount)
	set("aws:resourceorgid", organization(a.ResourceAccount))
	if parts := strings.SplitN(a.Resource, ":", 6); len(parts) == 6 {
		set("aws:requestedregion", parts[3])
	}
	if p := a.Principal; p == nil {
		set("aws:principaltype", "Anonymous")
	} else {
		principalKeys(p, set)
		set("aws:principalorgid", organization(p.Account))
		if len(p.Via) > 0 {
			keys["aws:calledvia"] = slices.Clone(p.Via)
		}
		maps.Copy(keys, p.Keys)
	}
	maps.Copy(keys, a.Context)
	return keys
}

func principalKeys(p *kernel.Principal, set func(name, value string)) {
	set("aws:principalisawsservice", strconv.FormatBool(p.Service != ""))
	set("aws:viaawsservice", strconv.FormatBool(len(p.Via) > 0))
	if len(p.Via) > 0 {
		set("aws:calledviafirst", p.Via[0])
		set("aws:calledvialast", p.Via[len(p.Via)-1])
	}
	if p.Service != "" {
		set("aws:principalservicename", p.Service)
		return
	}
	set("aws:principalaccount", p.Account)
	set("aws:userid", p.UserID)
	switch {
	case p.Root:
		set("aws:principaltype", "Account")
		set("aws:principalarn", p.ARN)
	case p.RoleARN != "":
		set("aws:principaltype", "AssumedRole")
		set("aws:principalarn", p.RoleARN)
	default:
		set("aws:principaltype", "User")
		set("aws:principalarn", p.ARN)
		set("aws:username", p.ARN[strings.LastIndexByte(p.ARN, '/')+1:])
	}
}

// key returns a condition key's values in the request. known is false for a key
// that the sandbox does not implement.
func (q *question) key(name string) (values []string, known bool) {
	name = strings.ToLower(name)
	if values, known := q.keys[name]; known {
		return values, true
	}
	return nil, slices.Contains(optionalKeys, name) || strings.HasPrefix(name, "aws:principaltag/") || strings.HasPrefix(name, "kms:encryptioncontext:")
}
