// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"slices"
	"time"
)

// FormerTemplate is an earlier template of a link or permission set.
type FormerTemplate struct {
	Version   string
	URL       string
	RetiredAt time.Time // when another one replaced it
}

// TemplatesInUse returns the addresses of the templates that may still be used,
// sorted and each once: those of permission sets that are not retired and of links
// that are not closed, those with which live stacks were created, and those for which
// the last of these reasons ended within the grace period.
func TemplatesInUse(sets []PermissionSet, customers []Customer, now time.Time) []string {
	var urls []string
	for _, set := range sets {
		for _, template := range set.templates(now) { // the set may retire now
			if now.Before(template.RetiredAt.Add(Grace)) {
				urls = append(urls, template.URL)
			}
		}
	}
	for _, customer := range customers {
		for _, template := range customer.Link.templates(now) {
			if customer.uses(template, now) {
				urls = append(urls, template.URL)
			}
		}
	}
	slices.Sort(urls)
	return slices.Compact(urls)
}

// KeepTemplates returns the link that replaces the customer's current one. Its
// FormerTemplates include the earlier templates for as long as they are in use.
func (c Customer) KeepTemplates(link Link, now time.Time) Link {
	link.FormerTemplates = nil
	for _, template := range c.Link.templates(now) {
		if template.URL != link.TemplateURL && c.uses(template, now) {
			link.FormerTemplates = append(link.FormerTemplates, template)
		}
	}
	return link
}

// templates returns all known templates of the link, the current one first. The
// RetiredAt of the current one is now, or when the link was closed.
func (l Link) templates(now time.Time) []FormerTemplate {
	if l.TemplateURL == "" {
		return l.FormerTemplates
	}
	today := FormerTemplate{Version: l.TemplateVersion, URL: l.TemplateURL, RetiredAt: now}
	if l.Closed {
		today.RetiredAt = l.ClosedAt
	}
	return append([]FormerTemplate{today}, l.FormerTemplates...)
}

// uses reports whether the customer may still use a template.
func (c Customer) uses(template FormerTemplate, now time.Time) bool {
	if now.Before(template.RetiredAt.Add(Grace)) {
		return true
	}
	return slices.ContainsFunc(c.Registrations, func(r Registration) bool {
		return r.mayUse(c.Link, template.Version, now)
	})
}

// mayUse reports whether the registration's stacks may have been created with the
// template of a version. It returns true if that is unknown: for superseded stacks,
// whose versions were not stored, and for a version that the link does not know. A
// stack that changed recently may have had any version before, and return to it.
func (r Registration) mayUse(link Link, version string, now time.Time) bool {
	switch {
	case len(r.Superseded) > 0:
		return true
	case r.Adopted():
		return false // there is no stack
	case now.Before(r.ChangedAt.Add(Grace)):
		return true
	case !r.Live():
		return false
	}
	known := slices.ContainsFunc(link.templates(now), func(t FormerTemplate) bool { return t.Version == r.TemplateVersion })
	return !known || version == r.TemplateVersion
}
