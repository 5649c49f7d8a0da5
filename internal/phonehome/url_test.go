// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package phonehome

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

const (
	path   = "/arn%3Aaws%3Acloudformation%3Aeu-central-1%3A222222222222%3Astack/acme-access/guid%7CPhoneHome%7Creq-1"
	signed = "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=7200&X-Amz-Signature=c0ffee"
	bucket = "cloudformation-custom-resource-response-"
)

func stackIn(t testing.TB, partition, region string) account.StackARN {
	t.Helper()
	stack, err := account.ParseStackARN("arn:" + partition + ":cloudformation:" + region + ":222222222222:stack/acme-access/guid")
	if err != nil {
		t.Fatal(err)
	}
	return stack
}

func TestResponseURLsOfCloudFormationAreAccepted(t *testing.T) {
	tests := []struct{ partition, region, host string }{
		{"aws", "ap-south-1", bucket + "apsouth1.s3.ap-south-1.amazonaws.com"},
		{"aws", "eu-central-1", bucket + "eucentral1.s3.eu-central-1.amazonaws.com"},
		{"aws", "us-east-1", bucket + "useast1.s3.amazonaws.com"},
		{"aws", "us-east-1", bucket + "useast1.s3.us-east-1.amazonaws.com"},
		{"aws", "us-west-2", bucket + "uswest2.s3-us-west-2.amazonaws.com"},
		{"aws", "us-west-2", bucket + "uswest2.s3.us-west-2.amazonaws.com:443"},
		{"aws-cn", "cn-north-1", bucket + "cnnorth1.s3.cn-north-1.amazonaws.com.cn"},
		{"aws-us-gov", "us-gov-west-1", bucket + "usgovwest1.s3.us-gov-west-1.amazonaws.com"},
		{"aws-eusc", "eusc-de-east-1", bucket + "euscdeeast1.s3.eusc-de-east-1.amazonaws.eu"},
	}
	for _, test := range tests {
		t.Run(test.host, func(t *testing.T) {
			stack := stackIn(t, test.partition, test.region)
			raw := "https://" + test.host + "/" + strings.ReplaceAll(stack.String(), ":", "%3A") + "%7CPhoneHome%7Creq-1" + signed
			u, err := ParseResponseURL(raw, stack, "PhoneHome", "req-1")
			if err != nil {
				t.Fatal(err)
			}
			if u.Signed() != raw {
				t.Errorf("the escaping changed: %s", u.Signed())
			}
		})
	}
}

func TestOtherResponseURLsAreRefused(t *testing.T) {
	const host = bucket + "eucentral1.s3.eu-central-1.amazonaws.com"
	tests := []struct{ name, url string }{
		{"http", "http://" + host + path + signed},
		{"another scheme", "ftp://" + host + path + signed},
		{"no scheme", "//" + host + path + signed},
		{"another host", "https://evil.example" + path + signed},
		{"a look-alike bucket", "https://" + bucket + "eucentral1-x.s3.eu-central-1.amazonaws.com" + path + signed},
		{"a bucket before it", "https://x." + host + path + signed},
		{"a domain after it", "https://" + host + ".evil.example" + path + signed},
		{"another Region's bucket", "https://" + bucket + "euwest1.s3.eu-west-1.amazonaws.com" + path + signed},
		{"our bucket in another Region", "https://" + bucket + "eucentral1.s3.eu-west-1.amazonaws.com" + path + signed},
		{"us-east-1's short form elsewhere", "https://" + bucket + "eucentral1.s3.amazonaws.com" + path + signed},
		{"path style", "https://s3.eu-central-1.amazonaws.com/" + bucket + "eucentral1" + path + signed},
		{"another partition's suffix", "https://" + host + ".cn" + path + signed},
		{"capital letters", "https://" + strings.ToUpper(host) + path + signed},
		{"a dot at the end", "https://" + host + "." + path + signed},
		{"user information", "https://user@" + host + path + signed},
		{"a password", "https://" + host + ":443@evil.example" + path + signed},
		{"a backslash", "https://evil.example\\@" + host + path + signed},
		{"another port", "https://" + host + ":8443" + path + signed},
		{"an empty port", "https://" + host + ":" + path + signed},
		{"two ports", "https://" + host + ":443:443" + path + signed},
		{"a fragment", "https://" + host + path + signed + "#x"},
		{"an empty fragment", "https://" + host + path + signed + "#"},
		{"a space", "https://" + host + path + signed + " "},
		{"a line break", "https://" + host + path + signed + "\r\nHost: evil.example"},
		{"letters beyond ASCII", "https://" + strings.Replace(host, "s3", "ѕ3", 1) + path + signed},
		{"another stack", "https://" + host + strings.Replace(path, "guid", "other", 1) + signed},
		{"another account", "https://" + host + strings.Replace(path, "222222222222", "333333333333", 1) + signed},
		{"another resource", "https://" + host + strings.Replace(path, "PhoneHome", "Other", 1) + signed},
		{"another request", "https://" + host + strings.Replace(path, "req-1", "req-2", 1) + signed},
		{"text after the path", "https://" + host + path + "/x" + signed},
		{"dots in the path", "https://" + host + "/x/.." + path + signed},
		{"no path", "https://" + host + signed},
		{"no signature", "https://" + host + path},
		{"an empty signature", "https://" + host + path + "?X-Amz-Signature="},
		{"an old signature that never expires", "https://" + host + path + "?Signature=x"},
		{"a broken query", "https://" + host + path + signed + "&%zz=1"},
		{"a semicolon in the query", "https://" + host + path + signed + ";x=1"},
		{"too long", "https://" + host + path + signed + strings.Repeat("x", maxURL)},
		{"nothing", ""},
		{"an IP address", "https://169.254.169.254" + path + signed},
	}
	stack := stackIn(t, "aws", "eu-central-1")
	if _, err := ParseResponseURL("https://"+host+path+signed, stack, "PhoneHome", "req-1"); err != nil {
		t.Fatalf("the genuine one is refused: %v", err)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParseResponseURL(test.url, stack, "PhoneHome", "req-1")
			if err == nil {
				t.Fatalf("accepted: %s", test.url)
			}
			if strings.Contains(err.Error(), "c0ffee") {
				t.Errorf("the error contains the signature: %s", err)
			}
		})
	}
}

func TestTheSignatureIsNeverPrinted(t *testing.T) {
	stack := stackIn(t, "aws", "eu-central-1")
	u, err := ParseResponseURL("https://"+bucket+"eucentral1.s3.eu-central-1.amazonaws.com"+path+signed, stack, "PhoneHome", "req-1")
	if err != nil {
		t.Fatal(err)
	}
	request := Request{ResponseURL: u, Stack: stack}
	var logged bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&logged, nil))
	logger.Info("x", "url", u, "request", request)
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "url", u, "request", request)
	encoded, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	for name, shown := range map[string]string{
		"%v": fmt.Sprintf("%v %v", u, request), "%+v": fmt.Sprintf("%+v %+v", u, request), "%#v": fmt.Sprintf("%#v %#v", u, request),
		"%s": fmt.Sprintf("%s %s", u, request), "%q": fmt.Sprintf("%q", u), "pointer": fmt.Sprintf("%+v", &request),
		"JSON": string(encoded), "slog": logged.String(),
	} {
		if strings.Contains(shown, "c0ffee") {
			t.Errorf("%s shows the signature: %s", name, shown)
		}
	}
	if !strings.Contains(u.String(), "eucentral1") {
		t.Errorf("%s does not contain the host", u)
	}
}

func FuzzParseResponseURL(f *testing.F) {
	f.Add("https://" + bucket + "eucentral1.s3.eu-central-1.amazonaws.com" + path + signed)
	f.Add("https://" + bucket + "eucentral1.s3-eu-central-1.amazonaws.com:443" + path + "?Signature=a&Expires=1")
	f.Add("https://user@evil.example" + path + signed)
	stack := stackIn(f, "aws", "eu-central-1")
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := ParseResponseURL(raw, stack, "PhoneHome", "req-1")
		if err != nil {
			return
		}
		rest, ok := strings.CutPrefix(u.Signed(), "https://"+bucket+"eucentral1.s3")
		if !ok {
			t.Fatalf("accepted %s", raw)
		}
		host, _, _ := strings.Cut(rest, "/")
		if h := strings.TrimSuffix(host, ":443"); h != ".eu-central-1.amazonaws.com" && h != "-eu-central-1.amazonaws.com" {
			t.Fatalf("accepted %s", raw)
		}
	})
}
