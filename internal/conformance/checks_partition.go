// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"context"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// partitionChecks need one account in another partition, which is both vendor and
// customer there.
var partitionChecks = []Check{
	elsewhere("2.2-govcloud", "In GovCloud the answer goes to <bucket>.s3.<region>.amazonaws.com, and messages verify", "`B.s3.us-gov-*.amazonaws.com`, `B.s3.eusc-de-east-1.amazonaws.eu` | [I]", Govcloud),
	elsewhere("2.2-china", "In China the answer goes to <bucket>.s3.<region>.amazonaws.com.cn, and messages verify", "", China),
	elsewhere("2.2-eusc", "In the European Sovereign Cloud the answer goes to <bucket>.s3.<region>.amazonaws.eu, and messages verify", "`B.s3.us-gov-*.amazonaws.com`, `B.s3.eusc-de-east-1.amazonaws.eu` | [I]", Sovereign),
	{
		ID: "5.10", Title: "In the European Sovereign Cloud certificates come from a host under amazonaws.eu",
		Mark:  "amazonaws\\.com(\\.cn)?$`; add `amazonaws.eu` [I]",
		Place: "internal/phonehome/signature_url.go", Makes: "a topic, a queue, a stack", Needs: []Need{Sovereign}, run: sovereignCertificates,
	},
	{
		ID: "5.7b", Title: "A queue of another partition cannot be subscribed to a topic",
		Mark:  "SNSDG sns-cross-region-delivery.html. Not across partitions [I]",
		Place: "internal/provider/hub_plan.go (one partition for a hub)", Makes: "a topic", Needs: []Need{Govcloud}, run: subscribeElsewhere,
	},
	{
		ID: "7.8", Title: "No role of another partition can be assumed",
		Mark:  "7.8 [I]",
		Place: "internal/provider/link_plan.go (one partition for a link)", Needs: []Need{Govcloud}, run: assumeElsewhere,
	},
}

func elsewhere(id, title, mark string, need Need) Check {
	return Check{
		ID: id, Title: title, Mark: mark, Place: "internal/phonehome/url.go, internal/snscert", Makes: "a topic, a queue, a stack", Needs: []Need{need},
		run: func(ctx context.Context, t *trial) error {
			p := t.Extra[need]
			r, _, err := t.regional(ctx, p, p, p.Region)
			if err != nil {
				return err
			}
			u, err := url.Parse(r.ResponseURL)
			if err != nil {
				return err
			}
			t.remark("%s", u.Host)
			bucket := "cloudformation-custom-resource-response-" + strings.ReplaceAll(p.Region.String(), "-", "")
			if want := bucket + ".s3." + p.Region.String() + "." + p.Region.Partition().DNSSuffix(); u.Host != want {
				return instead("the host is %s, and not %s", u.Host, want)
			}
			verifier, err := t.verifier(p)
			if err != nil {
				return err
			}
			if err := verifier.Verify(ctx, []byte(r.body)); err != nil {
				return instead("the message does not verify: %v", err)
			}
			return nil
		},
	}
}

func sovereignCertificates(ctx context.Context, t *trial) error {
	p := t.Extra[Sovereign]
	r, _, err := t.regional(ctx, p, p, p.Region)
	if err != nil {
		return err
	}
	envelope, err := phonehome.DecodeEnvelope([]byte(r.body))
	if err != nil {
		return err
	}
	from, err := envelope.CertificateURL()
	if err != nil {
		return instead("the certificate's address is not taken: %v", err)
	}
	t.remark("%s", from.Host())
	if !strings.HasSuffix(from.Host(), ".amazonaws.eu") {
		return instead("the certificate is at %s", from.Host())
	}
	return nil
}

func subscribeElsewhere(ctx context.Context, t *trial) error {
	p := t.Extra[Govcloud]
	in, err := t.intake(ctx, p, p.Region)
	if err != nil {
		return err
	}
	queue := "arn:aws:sqs:" + t.home().String() + ":" + t.Vendor.Account.String() + ":" + t.name("intake")
	_, err = p.SNS(p.Region).Subscribe(ctx, &sns.SubscribeInput{TopicArn: &in.topic, Protocol: aws.String("sqs"), Endpoint: &queue})
	return t.refused("a queue of another partition", err, "InvalidParameter", "InvalidParameterException", "AuthorizationError")
}

func assumeElsewhere(ctx context.Context, t *trial) error {
	p := t.Extra[Govcloud]
	role := "arn:aws:iam::" + t.Vendor.Account.String() + ":role/" + t.name("elsewhere")
	_, err := assume(ctx, p, sts.AssumeRoleInput{RoleArn: &role})
	return t.refused("a role of another partition", err, "AccessDenied", "ValidationError", "InvalidParameterValue")
}
