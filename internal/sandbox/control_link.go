// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// quickCreate is the content of a quick-create link (aws-facts 3.1, 3.2) or an
// update link. The sandbox does not use the project's own parser of links, so that
// a mistake in one of the two is found.
type quickCreate struct {
	region, templateURL, stackName string
	stackID                        string // only in an update link (aws-facts 3.7)
	parameters                     map[string]string
}

var consoleHost = regexp.MustCompile(`^(?:([a-z0-9-]+)\.)?console\.(aws\.amazon\.com|amazonaws-us-gov\.com|amazonaws\.cn|amazonaws-eusc\.eu)$`)

// consoles contains the host name of each partition's console (aws-facts 3.4).
var consoles = map[string]string{
	"aws": "aws.amazon.com", "aws-us-gov": "amazonaws-us-gov.com", "aws-cn": "amazonaws.cn", "aws-eusc": "amazonaws-eusc.eu",
}

// The console's pages that links lead to.
const (
	createRoute = "/stacks/create/review"
	olderRoute  = "/stacks/quickcreate"
	updateRoute = "/stacks/update/template"
)

// parseQuickCreate parses a quick-create link as the console does. base is the
// URL of the sandbox, which has a console too.
func parseQuickCreate(link, base string) (quickCreate, error) {
	q, err := parseLink(link, base, createRoute, olderRoute)
	if err != nil {
		return q, fmt.Errorf("this is not a quick-create link: %w: %s", err, link)
	}
	return q, nil
}

// parseUpdate parses an update link (aws-facts 3.7).
func parseUpdate(link, base string) (quickCreate, error) {
	q, err := parseLink(link, base, updateRoute)
	if err == nil && q.stackID == "" {
		err = errors.New("it has no stackId")
	}
	if err != nil {
		return q, fmt.Errorf("this is not an update link: %w: %s", err, link)
	}
	return q, nil
}

// parseLink parses a link to one of the pages in routes.
func parseLink(link, base string, routes ...string) (q quickCreate, err error) {
	u, err := url.Parse(link)
	if err != nil {
		return q, err
	}
	host := consoleHost.FindStringSubmatch(u.Host)
	own := strings.HasPrefix(link, base+"/console/")
	switch {
	case !own && (u.Scheme != "https" || host == nil):
		return q, errors.New("its host is not an AWS console")
	case !strings.HasSuffix(u.Path, "/cloudformation/home"):
		return q, errors.New("its path is not /cloudformation/home")
	}
	region := u.Query().Get("region")
	if region == "" && host != nil {
		region = host[1]
	}
	switch {
	case region == "":
		return q, errors.New("it names no Region")
	case host != nil && host[1] != "" && host[1] != region:
		return q, errors.New("its host and its query name different Regions")
	case host != nil && host[2] != consoles[kernel.Partition(region)]:
		return q, errors.New("its host is not the console of the partition of " + region)
	}
	// u.Fragment is already decoded, and its values would be decoded twice.
	_, fragment, _ := strings.Cut(link, "#")
	route, query, _ := strings.Cut(fragment, "?")
	if !slices.Contains(routes, route) {
		return q, errors.New("its page is " + route)
	}
	if q, err = readQuickCreate(query); err != nil {
		return q, err
	}
	q.region = region
	if q.templateURL == "" {
		return q, errors.New("it has no templateURL (the name is case-sensitive)")
	}
	return q, nil
}

// readQuickCreate parses the query that follows the page's name. As in the
// console's decodeURIComponent, a plus sign is a plus sign, and a space must be
// written %20 (aws-facts 3.3).
func readQuickCreate(query string) (quickCreate, error) {
	q := quickCreate{parameters: map[string]string{}}
	for _, pair := range strings.Split(query, "&") {
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, err := url.PathUnescape(rawName)
		if err != nil {
			return q, err
		}
		value, err := url.PathUnescape(rawValue)
		if err != nil {
			return q, err
		}
		parameter, isParameter := strings.CutPrefix(name, "param_")
		switch {
		case isParameter:
			q.parameters[parameter] = value
		case name == "region":
			q.region = value
		case name == "templateURL":
			q.templateURL = value
		case name == "stackName":
			q.stackName = value
		case name == "stackId":
			q.stackID = value
		}
	}
	return q, nil
}
