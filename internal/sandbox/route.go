// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"net"
	"net/http"
	"regexp"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/sigv4"
)

// destination is what a request is for: a service, or something beside the AWS
// API.
type destination struct {
	page        bool // the control API or the console
	certificate bool // SNS's signing certificate, which needs no authentication
	service     string
	region      string
}

// AWS's host names of S3 and SNS in every partition. Those of S3 are path-style or
// virtual-hosted: "s3.eu-west-1.amazonaws.com", "B.s3.amazonaws.com",
// "B.s3-us-west-2.…" (aws-facts 2.2).
var (
	s3Host  = regexp.MustCompile(`(?:^|\.)s3(?:[.-](?:dualstack\.)?([a-z0-9-]+))?\.amazonaws\.(?:com|com\.cn|eu)$`)
	snsHost = regexp.MustCompile(`^sns\.[a-z0-9-]+\.amazonaws\.(?:com|com\.cn|eu)$`)
)

// destinationOf returns the destination of a request: by the host name if it is
// one of AWS's, otherwise by the credential scope of the signature. A request with
// neither is for the pages, or an unsigned request to a service.
func destinationOf(r *http.Request, signature *sigv4.Signature) destination {
	host := hostName(r.Host)
	if m := s3Host.FindStringSubmatch(host); m != nil {
		d := destination{service: "s3", region: m[1]}
		if signature != nil {
			d.region = signature.Region
		}
		if d.region == "" {
			d.region = "us-east-1"
		}
		return d
	}
	if signature == nil && snsHost.MatchString(host) && strings.HasSuffix(r.URL.Path, ".pem") {
		return destination{certificate: true}
	}
	switch {
	case signature != nil:
		return destination{service: signature.Service, region: signature.Region}
	case isPage(r):
		return destination{page: true}
	default:
		return destination{service: unsignedService(r), region: "us-east-1"}
	}
}

// isPage reports whether an unsigned request is for the control API or the
// console. No bucket's name has an underscore, but unsigned requests cannot reach
// a bucket called "console". The root is a page only for GET: SDKs post to it.
func isPage(r *http.Request) bool {
	path := r.URL.Path
	return path == "/" && r.Method == http.MethodGet ||
		path == "/console" || strings.HasPrefix(path, "/console/") || strings.HasPrefix(path, "/_sandbox/")
}

// unsignedService returns the service that handles an unsigned request, or returns
// the error for it.
func unsignedService(r *http.Request) string {
	target := strings.ToLower(r.Header.Get("X-Amz-Target"))
	switch {
	case strings.HasPrefix(target, "amazonsqs"):
		return "sqs"
	case strings.HasPrefix(target, "dynamodb"):
		return "dynamodb"
	case strings.HasPrefix(target, "trentservice"):
		return "kms"
	case strings.HasPrefix(target, "awsevents"):
		return "events"
	case strings.HasPrefix(target, "logs_"):
		return "logs"
	case strings.HasPrefix(target, "awsorganizations"):
		return "organizations"
	case r.Method == http.MethodPost && r.URL.Path == "/":
		return "sts" // all services of the query protocol return the same error
	default:
		return "s3"
	}
}

func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(host)
}
