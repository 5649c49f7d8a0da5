// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package quickcreate

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Parse parses a quick-create link of any console, AWS's own or another, as the console
// does: names are case-sensitive and unknown ones are ignored (aws-facts 3.2). It also
// returns an error for links that the console would open but that could not work as
// intended: with a console of another partition than the Region's, with two Regions, or
// with a repeated name.
func Parse(link string) (Link, error) {
	fail := func(format string, args ...any) (Link, error) {
		return Link{}, fmt.Errorf("%q is not a quick-create link: %s", clip(link), fmt.Sprintf(format, args...))
	}
	if len(link) > MaxLength {
		return fail("it has %d characters, and the limit is %d", len(link), MaxLength)
	}
	// The fragment is removed first: url.Parse would decode all of it, and an encoded &
	// would become a separator.
	page, fragment, _ := strings.Cut(link, "#")
	u, err := url.Parse(page)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" || !strings.HasSuffix(u.Path, "/cloudformation/home") {
		return fail("it does not lead to /cloudformation/home of a console")
	}
	pageQuery, err := readQuery(u.RawQuery)
	if err != nil {
		return fail("%s", err)
	}
	region, err := account.ParseRegion(pageQuery["region"])
	if err != nil {
		return fail("%s", err)
	}
	if err := checkHost(u, region); err != nil {
		return fail("%s", err)
	}
	route, rawQuery, _ := strings.Cut(fragment, "?")
	if route != createRoute && route != reviewRoute {
		return fail("the part after its # does not lead to %s", createRoute)
	}
	query, err := readQuery(rawQuery)
	if err != nil {
		return fail("%s", err)
	}
	l := Link{Region: region, TemplateURL: query["templateURL"], StackName: query["stackName"], Parameters: map[string]string{}}
	for name, value := range query {
		if parameter, ok := strings.CutPrefix(name, parameterPrefix); ok {
			l.Parameters[parameter] = value
		}
	}
	if err := l.check(); err != nil {
		return fail("%s", err)
	}
	return l, nil
}

// Console returns the base URL of the console in a link, for building another link to
// the same console; empty for AWS's own. Parse must have accepted the link.
func Console(link string) string {
	page, _, _ := strings.Cut(link, "#")
	u, err := url.Parse(page)
	if err != nil || !consoleOf(u.Hostname()).IsZero() {
		return ""
	}
	page, _, _ = strings.Cut(page, "?")
	return strings.TrimSuffix(page, "/cloudformation/home")
}

// checkHost returns an error if the host is one of AWS's consoles but not of the
// Region's. A console that is not AWS's may have any name (aws-facts 3.4).
func checkHost(u *url.URL, region account.Region) error {
	partition, host := consoleOf(u.Hostname()), strings.ToLower(u.Hostname())
	if partition.IsZero() {
		return nil
	}
	if u.Scheme != "https" || u.Port() != "" {
		return fmt.Errorf("AWS's console is https, without a port")
	}
	console := partition.ConsoleHost()
	// Without a Region in the host name, the console uses the fragment's
	// Region.
	if host != console && host != region.String()+"."+console || partition != region.Partition() {
		return fmt.Errorf("the console %s is not that of Region %s", host, region)
	}
	return nil
}

// consoleOf returns the partition whose console has the given host, or the zero value
// if the host is not one of AWS's consoles.
func consoleOf(host string) account.Partition {
	host = strings.ToLower(host)
	for _, id := range []string{"aws", "aws-us-gov", "aws-cn", "aws-eusc"} {
		partition, err := account.ParsePartition(id)
		if err == nil && (host == partition.ConsoleHost() || strings.HasSuffix(host, "."+partition.ConsoleHost())) {
			return partition
		}
	}
	return account.Partition{}
}

// readQuery parses name=value pairs. A + is not decoded as a space, as in the console's
// script.
func readQuery(raw string) (map[string]string, error) {
	values := map[string]string{}
	for _, part := range strings.Split(raw, "&") {
		if part == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(part, "=")
		name, err := url.PathUnescape(rawName)
		if err != nil {
			return nil, fmt.Errorf("a name is not percent-encoded: %w", err)
		}
		value, err := url.PathUnescape(rawValue)
		if err != nil {
			return nil, fmt.Errorf("the value of %s is not percent-encoded: %w", clip(name), err)
		}
		if _, ok := values[name]; ok {
			return nil, fmt.Errorf("%s occurs twice", clip(name))
		}
		values[name] = value
	}
	return values, nil
}
