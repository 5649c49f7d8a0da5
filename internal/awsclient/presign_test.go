// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package awsclient

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/xacct/terraform-provider-xacct/internal/account"
)

func TestAPresignedURLExpiresNoLaterThanItsCredentials(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 12, 0, 0, 999, time.UTC)
	second := now.Truncate(time.Second)
	region, err := account.ParseRegion("eu-central-1")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		keys    aws.Credentials
		life    time.Duration
		lives   time.Duration // zero if it must be refused
		unknown bool
	}{
		"a user's key, as long as asked for":         {aws.Credentials{}, 2 * time.Hour, 2 * time.Hour, false},
		"a user's key, for no longer than S3 allows": {aws.Credentials{}, 1000 * time.Hour, 7 * 24 * time.Hour, false},
		"a session that ends before":                 {aws.Credentials{SessionToken: "token", CanExpire: true, Expires: second.Add(time.Hour)}, 2 * time.Hour, time.Hour, false},
		"a session that ends later":                  {aws.Credentials{SessionToken: "token", CanExpire: true, Expires: second.Add(time.Hour)}, time.Minute, time.Minute, false},
		"a session that doesn't say when it ends":    {aws.Credentials{SessionToken: "token"}, time.Hour, time.Hour, true},
		"a session that has ended":                   {aws.Credentials{SessionToken: "token", CanExpire: true, Expires: second}, time.Hour, 0, false},
		"for zero seconds":                           {aws.Credentials{}, 0, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.keys.AccessKeyID, c.keys.SecretAccessKey = "AKIDEXAMPLE", "secret"
			clients := &Clients{config: aws.Config{Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return c.keys, nil })}}
			got, err := clients.Presign(t.Context(), region, "https://b.s3.eu-central-1.amazonaws.com/templates/x.json", now, c.life)
			if c.lives == 0 {
				if err == nil {
					t.Errorf("signed until %s", got.ExpiresAt)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.ExpiresAt != second.Add(c.lives) || got.SessionEndUnknown != c.unknown {
				t.Errorf("it expires at %s (unknown: %t), want after %s (%t)", got.ExpiresAt, got.SessionEndUnknown, c.lives, c.unknown)
			}
			for _, part := range []string{
				"https://b.s3.eu-central-1.amazonaws.com/templates/x.json?", fmt.Sprintf("X-Amz-Expires=%d&", int(c.lives.Seconds())),
				"X-Amz-Date=20260501T120000Z", "X-Amz-SignedHeaders=host",
			} {
				if !strings.Contains(got.URL, part) {
					t.Errorf("no %s in %s", part, got.URL)
				}
			}
			if strings.Contains(got.URL, "X-Amz-Security-Token=token") != (c.keys.SessionToken != "") {
				t.Errorf("the session's token is not in the URL: %s", got.URL)
			}
			if printed := fmt.Sprintf("%v %+v %s %#v", got, got, got, &got); strings.Contains(printed, "X-Amz") {
				t.Errorf("formatting it shows the URL: %s", printed)
			}
		})
	}
}
