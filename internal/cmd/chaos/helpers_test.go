// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// responsePut is the call by which a bucket receives an answer.
func responsePut(t *testing.T, key, body string) *kernel.Call {
	t.Helper()
	r := httptest.NewRequest(http.MethodPut, "http://bucket.s3.amazonaws.com/", nil)
	r.URL.Path = "/" + key
	return &kernel.Call{
		Service: "s3", Action: "PutObject", Request: r, Body: []byte(body),
		Principal: &kernel.Principal{Service: "cloudformation.amazonaws.com"},
	}
}

func stackOf(t *testing.T, c *customer) account.StackARN {
	t.Helper()
	stack, err := account.ParseStackARN("arn:aws:cloudformation:us-east-1:" + c.link.Account.String() +
		":stack/acme-access-1/11258180-0db0-48d3-aca2-ed27237f5312")
	if err != nil {
		t.Fatal(err)
	}
	return stack
}

func changed(r onboarding.Registration, change func(*onboarding.Registration)) onboarding.Registration {
	change(&r)
	return r
}
