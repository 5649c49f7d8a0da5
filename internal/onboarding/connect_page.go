// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// ConnectPage is the logo, the colour and the return addresses of the page that
// customers see. No template contains them, so changing them makes no link outdated.
type ConnectPage struct {
	LogoURL    string   `json:",omitempty"` // https; empty: none
	Color      string   `json:",omitempty"` // #rrggbb; empty: the page's own
	ReturnURLs []string `json:",omitempty"` // https addresses that it may lead back to, with all below them
}

const (
	mostReturnURLs = 20
	maxPageAddress = 500 // bytes
)

// IsZero reports whether nothing is said of the page.
func (p ConnectPage) IsZero() bool {
	return p.LogoURL == "" && p.Color == "" && len(p.ReturnURLs) == 0
}

// Equal reports whether two pages are the same: the order of addresses means nothing.
func (p ConnectPage) Equal(other ConnectPage) bool {
	return p.LogoURL == other.LogoURL && p.Color == other.Color &&
		slices.Equal(slices.Sorted(slices.Values(p.ReturnURLs)), slices.Sorted(slices.Values(other.ReturnURLs)))
}

// With returns the page with what another one says in its place.
func (p ConnectPage) With(other ConnectPage) ConnectPage {
	if other.LogoURL != "" {
		p.LogoURL = other.LogoURL
	}
	if other.Color != "" {
		p.Color = other.Color
	}
	if len(other.ReturnURLs) > 0 {
		p.ReturnURLs = other.ReturnURLs
	}
	return p
}

// Check returns what is wrong with a page, the fields in their order.
func (p ConnectPage) Check() error {
	var all []error
	if p.LogoURL != "" {
		all = append(all, CheckLogoURL(p.LogoURL))
	}
	if p.Color != "" {
		all = append(all, CheckPageColor(p.Color))
	}
	if len(p.ReturnURLs) > mostReturnURLs {
		all = append(all, fmt.Errorf("%d addresses to return to, but %d at most", len(p.ReturnURLs), mostReturnURLs))
	}
	for _, address := range p.ReturnURLs {
		all = append(all, CheckReturnURL(address))
	}
	return errors.Join(all...)
}

// CheckPageColor returns an error unless a colour is #rrggbb. Every colour will do:
// text on it is black or white, whichever has the contrast that WCAG asks for.
func CheckPageColor(color string) error {
	digits, found := strings.CutPrefix(color, "#")
	if !found || len(digits) != 6 || strings.Trim(digits, "0123456789abcdefABCDEF") != "" {
		return fmt.Errorf("%q is not a colour such as #0b5fff", color)
	}
	return nil
}

// CheckLogoURL returns an error unless an address may be that of a logo.
func CheckLogoURL(address string) error {
	_, err := pageAddress(address)
	return err
}

// CheckReturnURL returns an error unless an address may be one that the page leads
// back to.
func CheckReturnURL(address string) error {
	parsed, err := pageAddress(address)
	if err == nil && parsed.RawQuery != "" {
		return fmt.Errorf("%q has a query: what is below an address is told by its path alone", address)
	}
	return err
}

// userInfo is the part of a URL that has a password, which no error repeats.
var userInfo = regexp.MustCompile(`//[^/]*@`)

// pageAddress parses an https address. Its host is a plain name, because it will stand
// in the page's security policy, in which a star would let in every host.
func pageAddress(address string) (*url.URL, error) {
	parsed, err := url.Parse(address)
	shown := userInfo.ReplaceAllString(address, "//xxxxx@")
	switch {
	case err != nil || parsed.Scheme != "https" || parsed.Opaque != "" || parsed.Hostname() == "":
		return nil, fmt.Errorf("%q does not begin with https:// and a host", shown)
	case len(address) > maxPageAddress:
		return nil, fmt.Errorf("%q has more than %d characters", shown[:40]+"…", maxPageAddress)
	case parsed.User != nil || parsed.Fragment != "":
		return nil, fmt.Errorf("%q has a user or a fragment, which such an address must not have", shown)
	case strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`;,'"<>\`+"`", r) }):
		return nil, fmt.Errorf("%q has a character that has to be written as %%XX", shown)
	case strings.Contains(parsed.Path, ".."):
		return nil, fmt.Errorf("%q has a path with two dots", shown)
	case strings.Trim(strings.ToLower(parsed.Hostname()), "abcdefghijklmnopqrstuvwxyz0123456789-.") != "":
		return nil, fmt.Errorf("%q has a host that is not a name of letters, digits, hyphens and dots", shown)
	}
	return parsed, nil
}

// CheckWebhookURL returns an error unless an address may be that of a webhook.
func CheckWebhookURL(address string) error {
	_, err := pageAddress(address)
	return err
}

// LogoOrigin returns scheme and host of the logo; empty if there is none.
func (p ConnectPage) LogoOrigin() string {
	parsed, err := pageAddress(p.LogoURL)
	if err != nil {
		return ""
	}
	return "https://" + parsed.Host
}

// MayReturn reports whether an address is, or is below, one that the page may lead
// back to.
func (p ConnectPage) MayReturn(address string) bool {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme != "https" || parsed.User != nil || parsed.Opaque != "" ||
		strings.ContainsAny(address, "\\\r\n\t ") || strings.Contains(parsed.Path, "..") {
		return false
	}
	return slices.ContainsFunc(p.ReturnURLs, func(text string) bool {
		allowed, err := pageAddress(text)
		return err == nil && parsed.Host == allowed.Host &&
			(parsed.Path == allowed.Path || strings.HasPrefix(parsed.Path, strings.TrimSuffix(allowed.Path, "/")+"/"))
	})
}
