// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package leastpolicy_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/deadletters"
	"github.com/xacct/terraform-provider-xacct/internal/health"
	"github.com/xacct/terraform-provider-xacct/internal/leastpolicy"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// operatorStory does what the commands for customers do. A script of internal/cmd/xacct/command runs the
// commands themselves under the printed policy.
func (w *world) operatorStory() error {
	ctx := w.t.Context()
	link, anyone, record := w.forOperators()
	records := registry.New(w.caller.DynamoDB(), "acme", w.Clock().Now, registry.WithPrincipal(w.caller.CallerARN))
	table := "arn:aws:dynamodb:us-east-1:111111111111:table/xacct-acme"
	explained := func(name string, err error) error { return step(name, w.caller.Explain(err, table)) }

	if _, err := records.Hub(ctx); err != nil {
		return explained("open the hub", err)
	}
	if _, err := records.Customers(ctx); err != nil {
		return explained("list the customers", err)
	}
	if _, err := records.Heartbeats(ctx); err != nil {
		return explained("read the heartbeats", err)
	}
	if _, _, err := records.LastRound(ctx); err != nil {
		return explained("read the last round of proofs", err)
	}
	for _, url := range []string{record.QueueURL, record.DeadLetterQueueURL} {
		if _, err := w.caller.SQS(virginia).GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url}); err != nil {
			return step("count the messages", w.caller.Explain(err, "arn:aws:sqs:us-east-1:111111111111:"+url[strings.LastIndex(url, "/")+1:]))
		}
	}
	if _, err := w.readable(link); err != nil {
		return step("sign the link", err)
	}
	if err := w.adopt(ctx, records, record, link); err != nil {
		return explained("adopt the role", err)
	}
	config := health.Config{Registry: records, Prover: registrar.NewProver(w.caller, record), Clock: w.Clock().Now, Full: true}
	found, err := health.Customer(ctx, config, "globex")
	if err == nil && (len(found) != 1 || found[0].Verdict != health.Works) {
		err = fmt.Errorf("it found %v", found)
	}
	if err != nil {
		return explained("verify the role", err)
	}
	if _, err := records.History(ctx, "globex"); err != nil {
		return explained("read the history", err)
	}
	for _, l := range []onboarding.Link{link, anyone} {
		l.Blocked, l.BlockedAt = true, w.Clock().Now()
		if _, err := records.UpdateLink(ctx, l); err != nil {
			return explained("block "+l.CustomerID, err)
		}
	}
	letters := deadletters.New(w.caller.SQS(virginia), record.DeadLetterQueueURL, record.QueueURL)
	if err := letters.Read(ctx, func(deadletters.Letter) bool { return true }); err != nil {
		return step("read the dead letters", w.caller.Explain(err, "arn:aws:sqs:us-east-1:111111111111:xacct-acme-dead-letters"))
	}
	if _, _, err := letters.RedriveAll(ctx); err != nil {
		return step("redrive the dead letters", w.caller.Explain(err, "arn:aws:sqs:us-east-1:111111111111:xacct-acme"))
	}
	return nil
}

// forOperators creates what operators work with: globex with a role that existed before its link,
// initech with a link for anyone, and a dead letter.
func (w *world) forOperators() (link, anyone onboarding.Link, record registry.HubRecord) {
	ctx := w.t.Context()
	w.Clock().SetRate(50) // so that a long poll of an empty queue ends soon
	h := w.openHub(w.admin())
	state, err := h.Create(ctx, w.spec(nil, virginia))
	if err == nil {
		link, err = declare(ctx, h, "Reads", onboarding.Link{})
	}
	if err == nil {
		anyone = onboarding.Link{
			Hub: "acme", CustomerID: "initech", Scope: onboarding.ScopeAnyone, Generation: 1, RoleName: "acme-initech", RolePath: "/",
			ExternalID: onboarding.ExternalID([]byte("a key that is no secret"), "acme", "initech", 1), TemplateURL: link.TemplateURL,
		}
		anyone, err = h.Registry().CreateLink(ctx, anyone)
	}
	if err == nil {
		_, err = w.admin().SQS(virginia).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &state.Record.DeadLetterQueueURL, MessageBody: aws.String("no request at all")})
	}
	if err != nil {
		w.t.Fatal(err)
	}
	keys, err := w.Credentials(globex.String())
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = iam.New(iam.Options{
		Region: virginia.String(), HTTPClient: awsclient.HTTPClient(), BaseEndpoint: aws.String(w.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, ""),
	}).CreateRole(ctx, &iam.CreateRoleInput{RoleName: &link.RoleName, AssumeRolePolicyDocument: aws.String(fmt.Sprintf(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"sts:AssumeRole",
		"Condition":{"StringEquals":{"sts:ExternalId":%q}}}]}`, link.ExternalID))})
	if err != nil {
		w.t.Fatal(err)
	}
	w.Clock().Advance(time.Minute) // until the role is known everywhere in IAM
	return link, anyone, state.Record
}

// adopt adopts globex's role.
func (w *world) adopt(ctx context.Context, records *registry.Registry, record registry.HubRecord, link onboarding.Link) error {
	role := link.Role(virginia.Partition())
	proof := registrar.NewProver(w.caller, record).Prove(ctx, onboarding.Probe{CustomerID: "globex", Role: role, ExternalID: link.ExternalID})
	reg, entry, err := onboarding.Adopt(link, nil, role, proof, w.Clock().Now())
	if err == nil {
		_, err = records.PutHealth(ctx, reg, *entry)
	}
	return err
}

func TestAnOperatorCanNeitherChangeTheHubNorIssueExternalIDsNorAllowPublishers(t *testing.T) {
	t.Parallel()
	h := acme()
	h.EventBus = account.EventBusARN{Region: virginia, Account: vendor, Name: "default"}
	policy, err := leastpolicy.Operator(h)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorldWithoutKey(t, policy)
	if _, err := w.openHub(w.admin()).Create(t.Context(), w.spec(nil, virginia)); err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(secrets, readable, registrars, elsewhere)
	others := func(but ...string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(pk string) bool { return slices.Contains(but, pk) })
	}
	read := []string{"BOUND#globex", "CUSTOMER-HISTORY#globex", "HEALTH-ROUND", "HUB", "LINK#0", "LINK-HISTORY#globex", "LIVE#0", "OUTBOX", "REGISTRARS", "SET#acme"}
	written := []string{"CUSTOMER-HISTORY#globex", "LINK#0", "LINK-HISTORY#globex", "LIVE#0", "OUTBOX"}
	w.may(attempts(read, reads))
	w.may(attempts(written, writes))
	w.may(attempts([]string{"BOUND#globex"}, checks))
	w.may(attempts([]string{"OUTBOX"}, deletes))

	w.mayNot(scan)
	w.mayNot(attempts(others(read...), reads))
	w.mayNot(attempts(others(written...), writes))
	w.mayNot(attempts(others("BOUND#globex"), checks))
	w.mayNot(attempts(others("OUTBOX"), deletes))
	w.mayNot(attempts(all, updates, batches))
}
