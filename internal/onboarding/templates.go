// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"slices"
	"time"
)

// FormerTemplate is one that a link had before today's.
type FormerTemplate struct {
	Version   string
	URL       string
	RetiredAt time.Time // when another one took its place
}

// TemplatesInUse returns the addresses of the templates that may still be wanted,
// in order and each once: those of permission sets and links that are not
// retired or closed, those that living stacks were made with, and those for which
// the last of these ended within the grace period.
func TemplatesInUse(sets []PermissionSet, customers []Customer, now time.Time) []string {
	var urls []string
	for _, set := range sets {
		for _, template := range set.templates(now) { // a set that isn't retired may retire now
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

// Follow returns the link that takes the place of the customer's. It remembers the
// templates before its own for as long as they are in use.
func (c Customer) Follow(link Link, now time.Time) Link {
	link.FormerTemplates = nil
	for _, template := range c.Link.templates(now) {
		if template.URL != link.TemplateURL && c.uses(template, now) {
			link.FormerTemplates = append(link.FormerTemplates, template)
		}
	}
	return link
}

// templates returns all that are known of the link, today's first. It has not
// retired, unless the link has: a retirement now is one that begins.
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

func (c Customer) uses(template FormerTemplate, now time.Time) bool {
	if now.Before(template.RetiredAt.Add(Grace)) {
		return true
	}
	return slices.ContainsFunc(c.Registrations, func(r Registration) bool {
		return r.mayUse(c.Link, template.Version, now)
	})
}

// mayUse reports whether a template of a version may be one that the
// registration's stacks were made with. If that can't be told, it may: for
// stacks that another one has superseded, whose versions were not written
// down, and for a version that the link does not remember. A stack that changed
// lately may come from any version, and return to it.
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
