// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package quickcreate builds and parses links to the CloudFormation console of every
// partition: links with which a customer creates a stack, and links that update or show
// a stack.
//
// The package only handles text: it publishes no template and does not check whether a
// stack exists.
package quickcreate

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Link is a quick-create link. It opens the console on a page with all fields filled
// in, on which only *Create stack* must be pressed (aws-facts 3.1, 3.2).
type Link struct {
	Region      account.Region
	TemplateURL string
	StackName   string // may be empty: the customer chooses one

	// Parameters are the values of the template's parameters, by name.
	Parameters map[string]string
}

// MaxLength is the maximum length, in characters, of a link that URL returns. No limit
// is documented; browsers, mail programs and chat tools may truncate longer links
// (aws-facts 3.3).
const MaxLength = 8192

const (
	createRoute = "/stacks/quickcreate"
	reviewRoute = "/stacks/create/review" // the older name of the same page
	updateRoute = "/stacks/update/template"

	templateName    = "templateURL"
	parameterPrefix = "param_"
)

// URL returns the link as a URL. consoleOverride is the base URL of a console other
// than AWS's own, such as http://127.0.0.1:4566/console, and usually empty. Errors are
// *TooLongError and those of invalid values.
func (l Link) URL(consoleOverride string) (string, error) {
	if err := l.check(); err != nil {
		return "", err
	}
	query := []pair{{templateName, l.TemplateURL}}
	if l.StackName != "" {
		query = append(query, pair{"stackName", l.StackName})
	}
	names := make([]string, 0, len(l.Parameters))
	for name := range l.Parameters {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		query = append(query, pair{parameterPrefix + name, l.Parameters[name]})
	}
	return consoleURL(consoleOverride, l.Region, createRoute, query)
}

const (
	maxTemplateURL    = 5120 // aws-facts 3.5
	maxParameters     = 200  // 3.9
	maxParameterValue = 4096 // 3.9
)

func (l Link) check() error {
	if l.Region.IsZero() {
		return fmt.Errorf("a launch link needs a Region")
	}
	if err := CheckTemplateURL(l.TemplateURL); err != nil {
		return err
	}
	if l.StackName != "" {
		if err := account.CheckStackName(l.StackName); err != nil {
			return err
		}
	}
	if len(l.Parameters) > maxParameters {
		return fmt.Errorf("a template has %d parameters at most, not %d", maxParameters, len(l.Parameters))
	}
	for name, value := range l.Parameters {
		if !isParameterName(name) {
			return fmt.Errorf("%q is not the name of a template's parameter: it has 1 to 255 letters and digits", clip(name))
		}
		if len(value) > maxParameterValue || !utf8.ValidString(value) {
			return fmt.Errorf("the value of parameter %s is not text of at most %d bytes", name, maxParameterValue)
		}
	}
	return nil
}

// CheckTemplateURL returns an error if the address of a template is not valid
// (aws-facts 3.5).
func CheckTemplateURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Host == "" || len(text) > maxTemplateURL || !utf8.ValidString(text) {
		address, _, _ := strings.Cut(text, "?") // the rest may be a signature, which must not get into an error
		return fmt.Errorf("%q is not the URL of a template: it begins with https:// and has at most %d characters, and not %d", clip(address), maxTemplateURL, len(text))
	}
	return nil
}

// isParameterName reports whether a name is valid for a parameter in CloudFormation: 1
// to 255 letters and digits.
func isParameterName(name string) bool {
	notAlphanumeric := func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	return name != "" && len(name) <= 255 && strings.IndexFunc(name, notAlphanumeric) < 0
}

// UpdateURL returns a link to the update page of a stack, with the new template filled
// in. The console keeps the stack's parameters (aws-facts 3.7, observed and not
// documented), so the link contains none.
func UpdateURL(consoleOverride string, stack account.StackARN, templateURL string) (string, error) {
	if stack.IsZero() {
		return "", fmt.Errorf("an update link needs a stack")
	}
	if err := CheckTemplateURL(templateURL); err != nil {
		return "", err
	}
	return consoleURL(consoleOverride, stack.Region, updateRoute, []pair{{"stackId", stack.String()}, {templateName, templateURL}})
}

type pair struct{ name, value string }

// consoleURL returns a link to a page of the console. The route and query are in the
// fragment, which a browser never sends: the console's script reads it. The sandbox's
// console does the same, so its links have the same form.
func consoleURL(override string, region account.Region, route string, query []pair) (string, error) {
	base := "https://" + region.String() + "." + region.Partition().ConsoleHost()
	if override != "" {
		u, err := url.Parse(override)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return "", fmt.Errorf("%q is not the URL of a console, such as http://127.0.0.1:4566/console", clip(override))
		}
		base = strings.TrimRight(override, "/")
	}
	var b strings.Builder
	b.WriteString(base + "/cloudformation/home?region=" + region.String() + "#" + route)
	for i, p := range query {
		b.WriteByte("?&"[min(i, 1)])
		b.WriteString(p.name + "=" + escape(p.value))
	}
	if b.Len() > MaxLength {
		tooLong := &TooLongError{Length: b.Len()}
		for _, p := range query {
			if p.name == templateName {
				tooLong.Template, tooLong.Signed = len(escape(p.value)), isSigned(p.value)
			}
		}
		return "", tooLong
	}
	return b.String(), nil
}

// TooLongError indicates that a link is longer than MaxLength, so that some programs
// would truncate it.
type TooLongError struct {
	Length   int  // of the whole link, in characters
	Template int  // of the template's address in it
	Signed   bool // whether that address carries a signature
}

func (e *TooLongError) Error() string {
	if e.Signed {
		return fmt.Sprintf("the link would have %d characters, and more than %d are truncated for some customers: %d of them are the signed address of the template, "+
			"most of which is the session token of the credentials that it was signed with: sign with those of a session without tags and policies, or of an IAM user", e.Length, MaxLength, e.Template)
	}
	return fmt.Sprintf("the link would have %d characters, and more than %d are truncated for some customers: shorten the values of its parameters", e.Length, MaxLength)
}

// isSigned reports whether an S3 URL is presigned.
func isSigned(templateURL string) bool { return strings.Contains(templateURL, "X-Amz-Signature=") }

// escape percent-encodes everything but letters, digits and -_.~; a space
// becomes %20, because the console's script would keep a + (aws-facts 3.3).
func escape(value string) string {
	return strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
}

// clip shortens text for an error message.
func clip(s string) string {
	const limit = 200
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "…"
}
