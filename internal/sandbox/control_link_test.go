// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestQuickCreateLinksAreParsedAsByTheConsole(t *testing.T) {
	const (
		tail = "#/stacks/create/review?templateURL=https%3A%2F%2Fb.s3.eu-west-1.amazonaws.com%2Ft.json&stackName=acme-access&param_ExternalId=a%2Bb%20c%26d&param_Plus=a+b"
		own  = "http://127.0.0.1:4566"
	)
	want := quickCreate{
		region: "eu-west-1", templateURL: "https://b.s3.eu-west-1.amazonaws.com/t.json", stackName: "acme-access",
		parameters: map[string]string{"ExternalId": "a+b c&d", "Plus": "a+b"},
	}
	for _, link := range []string{
		"https://eu-west-1.console.aws.amazon.com/cloudformation/home?region=eu-west-1" + tail,
		"https://console.aws.amazon.com/cloudformation/home?region=eu-west-1" + tail,
		"https://eu-west-1.console.aws.amazon.com/cloudformation/home" + tail,
		"https://eu-west-1.console.aws.amazon.com/cloudformation/home?region=eu-west-1" + strings.Replace(tail, "create/review", "quickcreate", 1),
		own + "/console/cloudformation/home?region=eu-west-1" + tail,
	} {
		got, err := parseQuickCreate(link, own)
		if err != nil {
			t.Errorf("%s: %v", link, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(quickCreate{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", link, diff)
		}
	}
	for _, host := range []string{"us-gov-west-1.console.amazonaws-us-gov.com", "cn-north-1.console.amazonaws.cn", "eusc-de-east-1.console.amazonaws-eusc.eu"} {
		region, _, _ := strings.Cut(host, ".")
		got, err := parseQuickCreate("https://"+host+"/cloudformation/home?region="+region+tail, own)
		if err != nil || got.region != region {
			t.Errorf("%s: %+v, %v", host, got, err)
		}
	}
}

func TestAnInvalidQuickCreateLinkIsRefused(t *testing.T) {
	const good = "https://eu-west-1.console.aws.amazon.com/cloudformation/home?region=eu-west-1#/stacks/create/review?templateURL=https://b/t"
	for old, replacement := range map[string]string{
		"https://eu":           "http://eu",
		"console.aws.amazon":   "console.aws.example",
		"/cloudformation/home": "/ec2/home",
		"region=eu-west-1":     "region=us-east-1",
		"https://eu-west-1.console.aws.amazon.com/cloudformation/home?region=eu-west-1": "https://console.aws.amazon.com/cloudformation/home?region=cn-north-1",
		"/stacks/create/review": "/stacks/events",
		"templateURL":           "templateUrl", // names are case-sensitive
		"#":                     "%23",
		"https://b/t":           "%zz",
	} {
		link := strings.Replace(good, old, replacement, 1)
		if _, err := parseQuickCreate(link, "http://127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "this is not a quick-create link: ") {
			t.Errorf("%s: the error is %v", link, err)
		}
	}
}

func TestAnUpdateLinkNamesAStackAndItsTemplate(t *testing.T) {
	const (
		id   = "arn:aws:cloudformation:eu-west-1:222222222222:stack/acme-access/5f0e1a40"
		good = "https://eu-west-1.console.aws.amazon.com/cloudformation/home?region=eu-west-1#/stacks/update/template?stackId=arn%3Aaws%3Acloudformation%3Aeu-west-1%3A222222222222%3Astack%2Facme-access%2F5f0e1a40&templateURL=https%3A%2F%2Fb%2Ft"
	)
	got, err := parseUpdate(good, "http://127.0.0.1:1")
	if err != nil || got.stackID != id || got.templateURL != "https://b/t" || got.region != "eu-west-1" {
		t.Errorf("read %+v, %v", got, err)
	}
	for old, replacement := range map[string]string{
		"update/template":    "create/review",
		"stackId":            "stackid", // names are case-sensitive
		"templateURL":        "templateUrl",
		"console.aws.amazon": "console.aws.example",
	} {
		link := strings.Replace(good, old, replacement, 1)
		if _, err := parseUpdate(link, "http://127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "this is not an update link: ") {
			t.Errorf("%s: the error is %v", link, err)
		}
	}
}
