// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOnlyListedPrincipalsMayCallThroughAFunctionURL(t *testing.T) {
	t.Parallel()
	known, err := NewIAM([]string{"arn:aws:iam::111111111111:role/teams/web/backend=read,write", "arn:aws:iam::111111111111:user/ops/alice=operate"})
	if err != nil {
		t.Fatal(err)
	}
	for arn, want := range map[string]string{
		"arn:aws:sts::111111111111:assumed-role/backend/i-0abc":    "read write",
		"arn:aws:iam::111111111111:user/ops/alice":                 "operate",
		"arn:aws:iam::111111111111:user/alice":                     "-",
		"arn:aws:sts::222222222222:assumed-role/backend/i-0abc":    "-", // same name, another account
		"arn:aws-cn:sts::111111111111:assumed-role/backend/i-0abc": "-",
		"arn:aws:sts::111111111111:assumed-role/backend2/backend":  "-",
		"arn:aws:sts::111111111111:assumed-role/other/backend/i":   "-",
		"arn:aws:sts::111111111111:federated-user/backend":         "-",
		"arn:aws:iam::111111111111:root":                           "-",
		"arn:aws:sts::111111111111:assumed-role/backend/i-0abc\nx": "-",
		" arn:aws:sts::111111111111:assumed-role/backend/i-0abc":   "-",
		"": "-",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("X-Amzn-Principal", "arn:aws:iam::111111111111:user/ops/alice")
		caller, err := known.Authenticate(r.WithContext(WithPrincipal(r.Context(), arn)))
		got := names(caller.Scopes)
		if errors.Is(err, ErrUnknownCaller) {
			got = "-"
		}
		if got != want {
			t.Errorf("%q: %s, want %s", arn, got, want)
		}
	}
	if _, err := known.Authenticate(httptest.NewRequest(http.MethodGet, "/", nil)); !errors.Is(err, ErrUnknownCaller) {
		t.Errorf("a request without a principal: %v", err)
	}
	for _, bad := range []string{
		"", "arn:aws:iam::111111111111:role/backend", "arn:aws:iam::111111111111:role/backend=", "arn:aws:iam::111111111111:role/backend=dance",
		"arn:aws:iam::111111111111:role/*=read", "*=read", "backend=read", "arn:aws:iam::111111111111:root=read", "arn:aws:iam::1111:role/backend=read",
		"arn:aws:sts::111111111111:assumed-role/backend/session=read",
	} {
		if _, err := NewIAM([]string{bad}); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
	if _, err := NewIAM([]string{"arn:aws:iam::111111111111:role/a/backend=read", "arn:aws:iam::111111111111:role/b/backend=write"}); err == nil {
		t.Error("two roles of one name are accepted")
	}
}
