// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package s3

import (
	"net"
	"net/http"
	"regexp"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// address is the bucket and object that a request's host and path name.
type address struct {
	bucket string // empty: the service itself
	key    string // empty: the bucket
	region string // in the host name; empty if it names none
	suffix string // of AWS's own host names; empty for the sandbox's address
}

// awsHost matches the host names of S3, with and without a bucket in front
// (aws-facts 2.2): "B.s3.eu-west-1.amazonaws.com", "B.s3.amazonaws.com",
// "B.s3-us-west-2.amazonaws.com", "s3.cn-north-1.amazonaws.com.cn".
var awsHost = regexp.MustCompile(`^(?:(.+)\.)?s3(?:[.-](?:dualstack\.)?([a-z0-9-]+))?\.amazonaws\.(com|com\.cn|eu)$`)

func addressOf(r *http.Request) address {
	host := strings.ToLower(r.Host)
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	path := strings.TrimPrefix(r.URL.Path, "/")
	var a address
	if m := awsHost.FindStringSubmatch(host); m != nil {
		a = address{bucket: m[1], region: m[2], suffix: m[3]}
		if a.region == "" {
			a.region = "us-east-1" // the global endpoint
		}
	}
	if a.bucket == "" {
		a.bucket, path, _ = strings.Cut(path, "/")
	}
	a.key = path
	return a
}

// partition returns the partition of the host if it is one of AWS's, else of
// the Region that the request was signed for.
func (a address) partition(region string) string {
	if a.region != "" {
		region = a.region
	}
	return kernel.Partition(region)
}

func (a address) level() string {
	switch {
	case a.bucket == "":
		return "service"
	case a.key == "":
		return "bucket"
	default:
		return "object"
	}
}
