// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package phonehome_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

const certPath = "/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"

func withCertURL(t testing.TB, topic, address string) phonehome.Envelope {
	t.Helper()
	arn, err := account.ParseTopicARN(topic)
	if err != nil {
		t.Fatal(err)
	}
	return phonehome.Envelope{TopicARN: arn, SigningCertURL: address}
}

func TestACertificateComesFromSNSInTheTopicsRegion(t *testing.T) {
	for topic, host := range map[string]string{
		"arn:aws:sns:us-east-1:111111111111:xacct-acme-0":            "sns.us-east-1.amazonaws.com",
		"arn:aws:sns:af-south-1:111111111111:xacct-acme-0":           "sns.af-south-1.amazonaws.com",
		"arn:aws-us-gov:sns:us-gov-west-1:111111111111:xacct-acme-0": "sns.us-gov-west-1.amazonaws.com",
		"arn:aws-cn:sns:cn-north-1:111111111111:xacct-acme-0":        "sns.cn-north-1.amazonaws.com.cn",
		"arn:aws-eusc:sns:eusc-de-east-1:111111111111:xacct-acme-0":  "sns.eusc-de-east-1.amazonaws.eu",
	} {
		got, err := withCertURL(t, topic, "https://"+host+certPath).CertificateURL()
		if err != nil || got.String() != "https://"+host+certPath || got.Host() != host || !strings.Contains(topic, ":"+got.Region().String()+":") {
			t.Errorf("%s: %q, %v", topic, got, err)
		}
	}
}

func TestACertificateFromAnotherURLIsRefused(t *testing.T) {
	const host = "sns.us-east-1.amazonaws.com"
	const hash = "0123456789abcdef0123456789abcdef"
	for name, address := range map[string]string{
		"none":                    "",
		"http":                    "http://" + host + certPath,
		"capital scheme":          "HTTPS://" + host + certPath,
		"no scheme":               "//" + host + certPath,
		"file":                    "file:///etc/ssl/cert.pem",
		"another host":            "https://evil.example" + certPath,
		"look-alike suffix":       "https://" + host + ".evil.example" + certPath,
		"look-alike prefix":       "https://evil-" + host + certPath,
		"subdomain":               "https://x." + host + certPath,
		"a bucket by that name":   "https://sns.us-east-1.s3.amazonaws.com" + certPath,
		"a bucket":                "https://s3.us-east-1.amazonaws.com/sns" + certPath,
		"another Region":          "https://sns.eu-west-1.amazonaws.com" + certPath,
		"no Region":               "https://sns.amazonaws.com" + certPath,
		"another partition":       "https://" + host + ".cn" + certPath,
		"amazonaws.co":            "https://sns.us-east-1.amazonaws.co" + certPath,
		"sns-signing host":        "https://sns-signing.us-east-1.amazonaws.com" + certPath,
		"capitals":                "https://SNS.us-east-1.amazonaws.com" + certPath,
		"trailing dot":            "https://" + host + "." + certPath,
		"Cyrillic s":              "https://ѕns.us-east-1.amazonaws.com" + certPath,
		"user information":        "https://" + host + "@evil.example" + certPath,
		"user information before": "https://user@" + host + certPath,
		"password":                "https://user:pw@" + host + certPath,
		"port 443":                "https://" + host + ":443" + certPath,
		"another port":            "https://" + host + ":8443" + certPath,
		"empty port":              "https://" + host + ":" + certPath,
		"query":                   "https://" + host + certPath + "?x=1",
		"empty query":             "https://" + host + certPath + "?",
		"fragment":                "https://" + host + certPath + "#x",
		"parameters":              "https://" + host + certPath + ";x",
		"backslash":               "https://" + host + `\@evil.example` + certPath,
		"an open redirect":        "https://" + host + "/?Action=ConfirmSubscription&x=" + certPath,
		"dots":                    "https://" + host + "/x/.." + certPath,
		"double slash":            "https://" + host + "/" + certPath,
		"another file":            "https://" + host + "/SimpleNotificationService.pem",
		"short hash":              "https://" + host + "/SimpleNotificationService-" + hash[1:] + ".pem",
		"long hash":               "https://" + host + "/SimpleNotificationService-" + hash + "0.pem",
		"capital hash":            "https://" + host + "/SimpleNotificationService-" + strings.ToUpper(hash) + ".pem",
		"escaped":                 "https://" + host + "/SimpleNotificationService%2D" + hash + ".pem",
		"another ending":          "https://" + host + "/SimpleNotificationService-" + hash + ".pem.exe",
		"NUL":                     "https://" + host + certPath + "\x00",
		"line break":              "https://" + host + certPath + "\n",
		"leading space":           " https://" + host + certPath,
		"trailing space":          "https://" + host + certPath + " ",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := withCertURL(t, "arn:aws:sns:us-east-1:111111111111:xacct-acme-0", address).CertificateURL()
			if !errors.Is(err, phonehome.ErrForged) || !got.IsZero() {
				t.Errorf("%q gives %q, %v", address, got, err)
			}
		})
	}
	if got, err := (phonehome.Envelope{SigningCertURL: "https://" + host + certPath}).CertificateURL(); !errors.Is(err, phonehome.ErrForged) {
		t.Errorf("without a topic: %q, %v", got, err)
	}
}

// FuzzCertificateURL compares accepted URLs with the result of a URL parser.
func FuzzCertificateURL(f *testing.F) {
	f.Add("https://sns.us-east-1.amazonaws.com" + certPath)
	f.Add("https://sns.us-east-1.amazonaws.com:443" + certPath)
	f.Add("https://sns.us-east-1.amazonaws.com@evil.example" + certPath)
	f.Add("https://sns.us-east-1.amazonaws.com.evil.example" + certPath)
	f.Add("https://sns.us-east-1.amazonaws.com" + certPath + "?x#y")
	f.Add("http://[::1]" + certPath)
	f.Fuzz(func(t *testing.T, address string) {
		got, err := withCertURL(t, "arn:aws:sns:us-east-1:111111111111:xacct-acme-0", address).CertificateURL()
		if err != nil {
			if !errors.Is(err, phonehome.ErrForged) {
				t.Fatalf("%q: got %v, want ErrForged", address, err)
			}
			return
		}
		u, err := url.Parse(address)
		if err != nil {
			t.Fatalf("%q was accepted, but is not a URL: %v", address, err)
		}
		if got.String() != address || u.String() != address || u.Scheme != "https" || u.Host != "sns.us-east-1.amazonaws.com" ||
			u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || len(u.Path) != len(certPath) {
			t.Fatalf("%q was accepted", address)
		}
	})
}
