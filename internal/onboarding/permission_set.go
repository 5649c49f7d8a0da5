// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// PermissionSet is the role that a vendor asks many customers for: their links all
// refer to its record, so that a change is one write.
type PermissionSet struct {
	Hub  string
	Name string

	// RoleName is the name of every customer's role; empty: <hub>-<customer>.
	RoleName string `json:",omitempty"`
	RolePath string

	// TrustedPrincipals and the following fields about the template have the same
	// meaning as in Link.
	TrustedPrincipals  []account.RoleARN `json:",omitempty"`
	AdditionalRoles    []AdditionalRole  `json:",omitempty"`
	TemplateVersion    string
	TemplateURL        string
	TemplateParameters []string `json:",omitempty"`
	// RegisterWithoutStack has the same meaning as in Link.
	RegisterWithoutStack bool `json:",omitempty"`
	// FormerTemplates are earlier templates that may still be in use: see Succeed.
	FormerTemplates []FormerTemplate `json:",omitempty"`
	// Rendered is a digest of the inputs of the template: if they change, the template
	// must be rendered again.
	Rendered string

	// Declared is the vendor's declaration as JSON. The domain does not read it.
	Declared json.RawMessage

	// Incarnation identifies the creation that the record comes from, and Owner is the
	// tool that it belongs to.
	Incarnation Incarnation `json:",omitzero"`
	Owner       Owner       `json:",omitempty"`
	// RetiredAt is when the set was deleted: links that refer to it do not change, and
	// no other link may refer to it. Zero: it was not deleted.
	RetiredAt time.Time `json:",omitzero"`

	CreatedAt time.Time
	Revision  int64 // counts writes, for the registry's optimistic locking
}

// ID returns the set's name for Terraform: hub/name.
func (s PermissionSet) ID() string { return s.Hub + "/" + s.Name }

// Retired reports whether the set was deleted.
func (s PermissionSet) Retired() bool { return !s.RetiredAt.IsZero() }

// RoleOf returns the name of a customer's role.
func (s PermissionSet) RoleOf(customer string) string {
	if s.RoleName != "" {
		return s.RoleName
	}
	return s.Hub + "-" + customer
}

// Succeed returns the set as it is written over an earlier revision: with that
// revision's templates, for as long as customers may still use them.
func (s PermissionSet) Succeed(before PermissionSet, customers []Customer, now time.Time) PermissionSet {
	s.FormerTemplates = nil
	for _, template := range before.templates(now) {
		if template.URL != s.TemplateURL && before.uses(customers, template, now) {
			s.FormerTemplates = append(s.FormerTemplates, template)
		}
	}
	return s
}

// templates returns all known templates of the set, the current one first.
func (s PermissionSet) templates(now time.Time) []FormerTemplate {
	today := FormerTemplate{Version: s.TemplateVersion, URL: s.TemplateURL, RetiredAt: now}
	if s.Retired() {
		today.RetiredAt = s.RetiredAt
	}
	return append([]FormerTemplate{today}, s.FormerTemplates...)
}

// uses reports whether a customer may still use a template of the set.
func (s PermissionSet) uses(customers []Customer, template FormerTemplate, now time.Time) bool {
	return now.Before(template.RetiredAt.Add(Grace)) || slices.ContainsFunc(customers, func(c Customer) bool {
		return c.Link.PermissionSet == s.Name && c.uses(template, now)
	})
}

// WithSet returns the link with all fields that the set defines. FormerTemplates are
// those of the set, and those that the link had before it referred to the set.
func (l Link) WithSet(set PermissionSet) Link {
	own := l.ownTemplates()
	l.PermissionSet, l.Set = set.Name, &set
	l.RoleName, l.RolePath, l.TrustedPrincipals = set.RoleOf(l.CustomerID), set.RolePath, set.TrustedPrincipals
	l.AdditionalRoles = set.AdditionalRoles
	l.TemplateVersion, l.TemplateURL, l.TemplateParameters = set.TemplateVersion, set.TemplateURL, set.TemplateParameters
	l.RenderedFor = ""
	l.RegisterWithoutStack = set.RegisterWithoutStack
	l.FormerTemplates = own
	l.FormerTemplates = append(l.ownTemplates(), set.FormerTemplates...)
	return l
}

// WithoutSet returns the link as it is stored: without the fields that the set defines.
func (l Link) WithoutSet() Link {
	if l.PermissionSet == "" {
		return l
	}
	l.FormerTemplates = l.ownTemplates()
	l.Set = nil
	l.RoleName, l.RolePath, l.TrustedPrincipals, l.AdditionalRoles = "", "", nil, nil
	l.TemplateVersion, l.TemplateURL, l.TemplateParameters = "", "", nil
	l.RegisterWithoutStack = false
	return l
}

// ownTemplates returns the former templates that are not templates of the set.
func (l Link) ownTemplates() []FormerTemplate {
	if l.Set == nil {
		return slices.Clip(l.FormerTemplates)
	}
	var own []FormerTemplate
	for _, template := range l.FormerTemplates {
		sets := template.URL == l.Set.TemplateURL || slices.ContainsFunc(l.Set.FormerTemplates, func(t FormerTemplate) bool { return t.URL == template.URL })
		if !sets {
			own = append(own, template)
		}
	}
	return own
}

// SameRecord reports whether two revisions of a link have the same record: a link
// that refers to a set is not written if only the set has changed.
func (l Link) SameRecord(o Link) bool {
	o.Revision = l.Revision
	a, errA := json.Marshal(l.WithoutSet())
	b, errB := json.Marshal(o.WithoutSet())
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// EqualForLinks reports whether two revisions of the set give the links that refer to
// it the same fields.
func (s PermissionSet) EqualForLinks(o PermissionSet) bool {
	return s.RoleName == o.RoleName && s.RolePath == o.RolePath && slices.Equal(s.TrustedPrincipals, o.TrustedPrincipals) &&
		slices.EqualFunc(s.AdditionalRoles, o.AdditionalRoles, AdditionalRole.equal) &&
		s.TemplateVersion == o.TemplateVersion && s.TemplateURL == o.TemplateURL
}
