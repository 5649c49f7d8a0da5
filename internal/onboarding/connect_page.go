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

// ConnectPage is the logo, the color and the return addresses of the page that
// customers see. Templates do not contain them, so changing them does not make a link
// outdated.
type ConnectPage struct {
	LogoURL    string   `json:",omitempty"` // https; empty: none
	Color      string   `json:",omitempty"` // #rrggbb; empty: the default
	ReturnURLs []string `json:",omitempty"` // https addresses that the page may link back to, including all paths below them
}

const (
	maxReturnURLs  = 20
	maxPageAddress = 500 // bytes
)

// IsZero reports whether no field is set.
func (p ConnectPage) IsZero() bool {
	return p.LogoURL == "" && p.Color == "" && len(p.ReturnURLs) == 0
}

// Equal reports whether two pages have the same fields. The order of addresses is
// ignored.
func (p ConnectPage) Equal(other ConnectPage) bool {
	return p.LogoURL == other.LogoURL && p.Color == other.Color &&
		slices.Equal(slices.Sorted(slices.Values(p.ReturnURLs)), slices.Sorted(slices.Values(other.ReturnURLs)))
}

// With returns the page with the fields that are set in other replaced by those.
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

// Check returns the errors of all fields, joined in the order of the fields; nil if
// there are none.
func (p ConnectPage) Check() error {
	var all []error
	if p.LogoURL != "" {
		all = append(all, CheckLogoURL(p.LogoURL))
	}
	if p.Color != "" {
		all = append(all, CheckPageColor(p.Color))
	}
	if len(p.ReturnURLs) > maxReturnURLs {
		all = append(all, fmt.Errorf("there are %d return URLs, but at most %d are allowed", len(p.ReturnURLs), maxReturnURLs))
	}
	for _, address := range p.ReturnURLs {
		all = append(all, CheckReturnURL(address))
	}
	return errors.Join(all...)
}

// CheckPageColor returns an error unless the color has the form #rrggbb. Any such
// color is allowed: text on it is black or white, whichever has the contrast that
// WCAG requires.
func CheckPageColor(color string) error {
	digits, found := strings.CutPrefix(color, "#")
	if !found || len(digits) != 6 || strings.Trim(digits, "0123456789abcdefABCDEF") != "" {
		return fmt.Errorf("%q is not a colour such as #0b5fff", color)
	}
	return nil
}

// CheckLogoURL returns an error unless the address is a valid address of a logo.
func CheckLogoURL(address string) error {
	_, err := pageAddress(address)
	return err
}

// CheckReturnURL returns an error unless the page may link back to the address.
func CheckReturnURL(address string) error {
	parsed, err := pageAddress(address)
	if err == nil && parsed.RawQuery != "" {
		return fmt.Errorf("%q has a query: return URLs are matched by their path only", address)
	}
	return err
}

// userInfo matches the part of a URL that may contain a password, which no error may
// repeat.
var userInfo = regexp.MustCompile(`//[^/]*@`)

// pageAddress parses an https address. Its host must be a plain name, because it
// becomes part of the page's content security policy, in which an asterisk would
// allow every host.
func pageAddress(address string) (*url.URL, error) {
	parsed, err := url.Parse(address)
	shown := userInfo.ReplaceAllString(address, "//xxxxx@")
	switch {
	case err != nil || parsed.Scheme != "https" || parsed.Opaque != "" || parsed.Hostname() == "":
		return nil, fmt.Errorf("%q does not begin with https:// and a host", shown)
	case len(address) > maxPageAddress:
		return nil, fmt.Errorf("%q has more than %d characters", shown[:40]+"…", maxPageAddress)
	case parsed.User != nil || parsed.Fragment != "":
		return nil, fmt.Errorf("%q has a user or a fragment, which is not allowed", shown)
	case strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`;,'"<>\`+"`", r) }):
		return nil, fmt.Errorf("%q has a character that has to be written as %%XX", shown)
	case strings.Contains(parsed.Path, ".."):
		return nil, fmt.Errorf("%q has a path with two dots", shown)
	case strings.Trim(strings.ToLower(parsed.Hostname()), "abcdefghijklmnopqrstuvwxyz0123456789-.") != "":
		return nil, fmt.Errorf("%q has a host that is not a name of letters, digits, hyphens and dots", shown)
	}
	return parsed, nil
}

// CheckWebhookURL returns an error unless the address is a valid address of a
// webhook.
func CheckWebhookURL(address string) error {
	_, err := pageAddress(address)
	return err
}

// LogoOrigin returns the scheme and host of the logo's address; empty if there is no
// logo.
func (p ConnectPage) LogoOrigin() string {
	parsed, err := pageAddress(p.LogoURL)
	if err != nil {
		return ""
	}
	return "https://" + parsed.Host
}

// MayReturn reports whether an address equals one of the return addresses, or is
// below one.
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
