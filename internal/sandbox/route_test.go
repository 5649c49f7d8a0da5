// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"net/http/httptest"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/sigv4"
)

func TestEveryRequestReachesItsService(t *testing.T) {
	signedFor := func(service string) *sigv4.Signature { return &sigv4.Signature{Service: service, Region: "eu-west-1"} }
	s3 := func(region string) destination { return destination{service: "s3", region: region} }
	for _, test := range []struct {
		name, method, address string
		signature             *sigv4.Signature
		want                  destination
	}{
		{"by the signature", "POST", "http://127.0.0.1:1/", signedFor("sns"), destination{service: "sns", region: "eu-west-1"}},
		{"path-style S3", "GET", "http://127.0.0.1:1/bucket/key", signedFor("s3"), s3("eu-west-1")},
		{"a bucket called console, signed", "GET", "http://127.0.0.1:1/console/key", signedFor("s3"), s3("eu-west-1")},
		{"anonymous S3, path-style", "GET", "http://127.0.0.1:1/bucket/key", nil, s3("us-east-1")},
		{"anonymous S3, by host", "GET", "http://b.s3.eu-north-1.amazonaws.com/console/", nil, s3("eu-north-1")},
		{"the global host", "GET", "http://b.s3.amazonaws.com/k", nil, s3("us-east-1")},
		{"the legacy host", "GET", "http://b.s3-us-west-2.amazonaws.com/k", nil, s3("us-west-2")},
		{"dualstack", "GET", "http://b.s3.dualstack.us-west-2.amazonaws.com/k", nil, s3("us-west-2")},
		{"China", "GET", "http://b.s3.cn-north-1.amazonaws.com.cn/k", nil, s3("cn-north-1")},
		{"the European Sovereign Cloud", "GET", "http://b.s3.eusc-de-east-1.amazonaws.eu/k", nil, s3("eusc-de-east-1")},
		{"a bucket with dots", "GET", "http://a.b.s3.eu-west-1.amazonaws.com/k", signedFor("s3"), s3("eu-west-1")},
		{"a certificate", "GET", "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem", nil, destination{certificate: true}},
		{"SNS by host, signed", "POST", "http://sns.eu-west-1.amazonaws.com/", signedFor("sns"), destination{service: "sns", region: "eu-west-1"}},
		{"the console", "GET", "http://127.0.0.1:1/console/home", nil, destination{page: true}},
		{"the control API", "POST", "http://localhost:1/_sandbox/launch", nil, destination{page: true}},
		{"a browser at the root", "GET", "http://127.0.0.1:1/", nil, destination{page: true}},
		{"an unsigned call", "POST", "http://127.0.0.1:1/", nil, destination{service: "sts", region: "us-east-1"}},
		{"a host that only looks like AWS's", "GET", "http://b.s3.eu-west-1.amazonaws.com.evil.example/console/", nil, destination{page: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := destinationOf(httptest.NewRequest(test.method, test.address, nil), test.signature); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}
