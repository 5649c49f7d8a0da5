// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// Version is the template_version: a digest of what the role may do and of who
// may assume it. It is not a digest of the template's bytes, because a new
// release, a new Region or another wording must make no customer outdated; and
// two ways of writing the same policy are one version.
//
// Customers' stacks report it, so its input may only ever grow by fields that
// are left out while they are empty.
func Version(s Specification) string {
	sum := sha256.Sum256(versionInput(s))
	return hex.EncodeToString(sum[:])[:16]
}

type versioned struct {
	Vendor             string            `json:"vendor"`
	Partition          string            `json:"partition"`
	TrustedPrincipals  []string          `json:"trusted_principals,omitempty"`
	Path               string            `json:"path"`
	Description        string            `json:"description,omitempty"`
	ManagedPolicies    []string          `json:"managed_policies,omitempty"`
	InlinePolicies     map[string]string `json:"inline_policies,omitempty"`
	Boundary           string            `json:"boundary,omitempty"`
	MaxSessionDuration int               `json:"max_session_duration"`
	Tags               map[string]string `json:"tags,omitempty"`

	OptionalPermissions map[string]versionedOptional `json:"optional_permissions,omitempty"`
}

// versionedOptional is what an optional permission grants. How it is described
// and which position its switch begins in makes nobody outdated.
type versionedOptional struct {
	ManagedPolicies []string          `json:"managed_policies,omitempty"`
	InlinePolicies  map[string]string `json:"inline_policies,omitempty"`
}

func versionInput(s Specification) []byte {
	v := versioned{
		Vendor:             s.Vendor.String(),
		Partition:          s.Partition.String(),
		TrustedPrincipals:  principalTexts(s),
		Path:               s.Role.path(),
		Description:        s.Role.Description,
		ManagedPolicies:    sortedSet(s.Role.ManagedPolicyARNs),
		Boundary:           s.Role.PermissionsBoundaryARN,
		MaxSessionDuration: int(time.Hour / time.Second),
		Tags:               s.Role.Tags,
		InlinePolicies:     canonical(s.Role.InlinePolicies),
	}
	for key, permission := range s.OptionalPermissions {
		if v.OptionalPermissions == nil {
			v.OptionalPermissions = make(map[string]versionedOptional, len(s.OptionalPermissions))
		}
		v.OptionalPermissions[key] = versionedOptional{sortedSet(permission.ManagedPolicyARNs), canonical(permission.InlinePolicies)}
	}
	if s.Role.MaxSessionDuration != 0 {
		v.MaxSessionDuration = int(s.Role.MaxSessionDuration / time.Second)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // strings and numbers cannot fail
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// canonical has every policy in the one form that all ways of writing it share.
func canonical(policies map[string]string) map[string]string {
	same := make(map[string]string, len(policies))
	for name, text := range policies {
		same[name] = text // as it is, where it is no policy: Validate says so
		if d, err := iampolicy.ParseIdentity(text); err == nil {
			same[name] = d.Canonical()
		}
	}
	return same
}

func principalTexts(s Specification) []string {
	arns := make([]string, len(s.TrustedPrincipals))
	for i, principal := range s.TrustedPrincipals {
		arns[i] = principal.String()
	}
	return sortedSet(arns)
}

// sortedSet is a sorted copy in which nothing occurs twice.
func sortedSet(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}
