// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
)

func TestFormerCustomersMayPublishForAWeek(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	hub := w.Provider() + hubHCL()
	mayPublish := func(account string, want bool) {
		t.Helper()
		topic := "arn:aws:sns:us-east-1:111111111111:xacct-acme-0"
		out, err := w.Clients.SNS(w.Clients.Region).GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: &topic})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(out.Attributes["Policy"], account); got != want {
			t.Errorf("account %s is in the topic's policy: %v, want %v", account, got, want)
		}
	}
	runWith(t, clocked(w), []resource.TestStep{
		{Config: hub + linkHCL(globex) + linkHCL(initech) + linkHCL(umbrella)},
		{Config: hub + linkHCL(initech) + linkHCL(umbrella)},
		{
			PreConfig: func() {
				mayPublish(globex.account, true)
				w.Clock().Advance(6 * 24 * time.Hour)
			},
			Config: hub + linkHCL(umbrella),
		},
		{
			PreConfig: func() {
				mayPublish(globex.account, true)
				w.Clock().Advance(2 * 24 * time.Hour)
			},
			Config: hub,
		},
		{
			PreConfig: func() {
				mayPublish(globex.account, false)
				mayPublish(initech.account, true)
				mayPublish(umbrella.account, true)
			},
			Config: hub,
		},
	}...)
}
