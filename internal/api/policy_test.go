// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/health"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/launch"
	"github.com/xacct/terraform-provider-xacct/internal/leastpolicy"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// limited is a world whose API runs under its own policy.
type limited struct {
	*world
	anyone bool // publishers is anyone
	users  int
	served *awsclient.Clients // the API's clients
}

// limitedWorlds returns the hubs for which the API needs different permissions: one with an event
// bus, a KMS key, and templates that only customers may read; and one with publishers = "anyone"
// and presigned templates. Each has a connected customer.
func limitedWorlds(t *testing.T) []*limited {
	t.Helper()
	closed := &limited{world: newWorldOn(t, func(w *world, s *hub.Spec) {
		regions := s.Regions
		arn, err := w.box.NewKey(t.Context(), sandbox.VendorAccount, home, fmt.Sprintf(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"kms:*","Resource":"*"},%s]}`,
			hub.KeyPolicyStatement("acme", w.clients.Account, region(home), regions)))
		w.must(err)
		s.KMSKey, err = account.ParseKMSKeyARN(arn)
		w.must(err)
		s.EventBus = account.EventBusARN{Region: region(home), Account: w.clients.Account, Name: "default"}
		s.TemplateAccess = onboarding.TemplatesAccounts
	})}
	open := &limited{anyone: true, world: newWorldOn(t, func(_ *world, s *hub.Spec) {
		s.PublisherScope, s.TemplateAccess = onboarding.AnyAccount, onboarding.TemplatesPresigned
	})}
	for _, w := range []*limited{closed, open} {
		w.connectOne()
	}
	return []*limited{closed, open}
}

const expiring = `,"expires_at":"2036-01-01T00:00:00Z"}`

func (w *limited) order(set, id string) string {
	return fmt.Sprintf(`{"permission_set":%q,"account_id":%q`, set, id) + expiring
}

// connectOne connects the customer initech, whose role is verified later.
func (w *limited) connectOne() {
	w.t.Helper()
	w.box.Clock().SetRate(20)
	w.listen()
	w.must(w.box.OpenAccount("333333333333", "aws"))
	w.want(w.call("backend", "PUT", "/v1/customers/initech", w.order("readonly", "333333333333")), http.StatusCreated)
	address, err := w.launchURL(w.clients, "initech")
	w.must(err)
	stack, err := w.box.LaunchURL(w.t.Context(), address, "333333333333", sandbox.LaunchOptions{})
	w.must(err)
	if done, err := w.box.WaitStack(w.t.Context(), stack); err != nil || done.Status != "CREATE_COMPLETE" {
		w.t.Fatalf("the stack is %s: %s, %v\n%s", done.Status, done.StatusReason, err, w.log)
	}
	w.box.Clock().SetRate(1)
}

func (w *limited) policy() iampolicy.Document {
	w.t.Helper()
	parts := leastpolicy.Parts{
		Account: w.record.Account, Region: w.record.Region, Queue: hub.QueueName("acme"), DeadLetterQueue: hub.DeadLetterQueueName("acme"),
		Table: registry.TableName("acme"), Partitions: registry.Partitions(), Bucket: w.record.Bucket, KMSKey: w.record.KMSKey, EventBus: w.record.EventBus,
	}
	for _, region := range w.record.Regions {
		parts.Topics = append(parts.Topics, account.TopicARN{Region: region, Account: w.record.Account, Name: hub.TopicName("acme", 0)})
	}
	policy, err := leastpolicy.API(parts)
	w.must(err)
	return policy
}

// serveUnder runs the API as a new user with a policy.
func (w *limited) serveUnder(policy iampolicy.Document) *awsclient.Clients {
	w.t.Helper()
	w.users++
	w.box.Clock().Advance(25 * time.Second) // the previous user's lease expires after 20 s
	keys, err := w.box.NewUser(sandbox.VendorAccount, fmt.Sprintf("api-%d", w.users), policy.String())
	w.must(err)
	clients, err := trial.ClientsAs(w.t.Context(), w.box, keys, home, func(c *awsclient.Config) { c.MaxRetries = 1 })
	w.must(err)
	manager, err := hub.New(clients, "acme", w.now, rand.Reader)
	w.must(err)
	w.served = clients
	w.serve(func(c *Config) {
		c.Hub = manager
		c.Prover = func(record registry.HubRecord) health.Prover { return registrar.NewProver(clients, record) }
	})
	return clients
}

// story does everything that the API does, for a new customer. It returns the first error.
func (w *limited) story() error {
	w.t.Helper()
	path, id := fmt.Sprintf("/v1/customers/customer-%d", w.users), fmt.Sprintf("4%011d", w.users)
	w.must(w.box.OpenAccount(id, "aws"))
	steps := []struct {
		as, method, path, body, ifMatch string
		status                          int
	}{
		{"backend", "PUT", path, w.order("readonly", id), "", http.StatusCreated},
		{"backend", "PUT", path, w.order("more", id), `"1"`, http.StatusOK},
		{"backend", "POST", path + "/connect", "{}", "", http.StatusOK},
		{"backend", "DELETE", path + "/connect", "", "", http.StatusNoContent},
		{"operator", "POST", path + "/block", "{}", "", http.StatusOK},
		{"operator", "POST", path + "/unblock", "", "", http.StatusOK},
		{"viewer", "GET", "/v1/customers", "", "", http.StatusOK},
		{"viewer", "GET", path, "", "", http.StatusOK},
		{"backend", "DELETE", path, "", "", http.StatusOK},
	}
	if w.anyone {
		open := path + "-open"
		steps = append(steps, []struct {
			as, method, path, body, ifMatch string
			status                          int
		}{
			{"backend", "PUT", open, `{"permission_set":"readonly"` + expiring, "", http.StatusCreated},
			{"backend", "PUT", open, `{"permission_set":"more"` + expiring, `"1"`, http.StatusOK},
		}...)
	}
	for _, s := range steps {
		if a := w.call(s.as, s.method, s.path, s.body, "If-Match", s.ifMatch); a.status != s.status {
			return fmt.Errorf("%s %s: %d %s", s.method, s.path, a.status, a.text)
		}
	}
	proven := w.call("operator", "POST", "/v1/customers/initech/verify?full=true", "")
	var found Verification
	if err := json.Unmarshal([]byte(proven.text), &found); err != nil || len(found.Roles) != 1 || found.Roles[0].Verdict != "works" {
		return fmt.Errorf("verify: %d %s", proven.status, proven.text)
	}
	if !w.anyone {
		return nil
	}
	address, err := w.launchURL(w.served, strings.TrimPrefix(path, "/v1/customers/")+"-open")
	if err == nil {
		_, err = w.box.LaunchURL(w.t.Context(), address, "222222222222", sandbox.LaunchOptions{StackName: fmt.Sprintf("stack-%d", w.users)})
	}
	return err
}

// launchURL returns the launch URL of a customer's link. If the hub requires it, its template's
// URL is presigned with the clients.
func (w *limited) launchURL(clients *awsclient.Clients, customer string) (string, error) {
	signer, err := hub.New(clients, "acme", time.Now, rand.Reader) // the sandbox compares signatures with the real time
	if err != nil {
		return "", err
	}
	found, err := signer.Registry().Customer(w.t.Context(), customer)
	if err != nil {
		return "", err
	}
	if w.record.TemplateAccess.Presigned() {
		signed, err := signer.PresignTemplate(w.t.Context(), w.record, found.Link, presignedLifetime)
		if err != nil {
			return "", err
		}
		found.Link.TemplateURL = signed.URL
	}
	declared, err := declaration.Of(found.Link)
	if err != nil {
		return "", err
	}
	return launch.URL(found.Link, declared, "")
}

func TestTheLeastPolicyAllowsTheAPIAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, w := range limitedWorlds(t) {
		least := w.serveUnder(w.policy())
		if err := w.story(); err != nil {
			t.Errorf("anyone %v: %v\n%s", w.anyone, err, w.log)
		}
		ctx := t.Context()
		_, received := least.SQS(w.record.Region).ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &w.record.QueueURL})
		put := func(pk string) error {
			_, err := least.DynamoDB().PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("xacct-acme"), Item: map[string]types.AttributeValue{
				"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberS{Value: "x"},
			}})
			return err
		}
		_, scanned := least.DynamoDB().Scan(ctx, &dynamodb.ScanInput{TableName: aws.String("xacct-acme")})
		for name, err := range map[string]error{"the queue": received, "the hub": put("HUB"), "the key": put("KEY"), "a set": put("SET#ALL"), "a binding": put("BOUND#globex"), "a stack": put("STACK#x"), "a scan": scanned} {
			if !awsclient.IsAccessDenied(err) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// Without any one of the policy's actions, something must fail.
func TestEveryActionOfThePolicyIsNeeded(t *testing.T) {
	t.Parallel()
	needed, all := map[string]bool{}, map[string]bool{}
	for _, w := range limitedWorlds(t) {
		for i, statement := range w.policy().Statements {
			for _, action := range statement.Action {
				name := statement.Sid + " " + action
				all[name] = true
				if needed[name] {
					continue
				}
				less := w.policy()
				less.Statements[i].Action = slices.DeleteFunc(slices.Clone(statement.Action), func(a string) bool { return a == action })
				if len(less.Statements[i].Action) == 0 {
					less.Statements = slices.Delete(less.Statements, i, i+1)
				}
				w.serveUnder(less)
				needed[name] = w.story() != nil
			}
		}
	}
	for name := range all {
		if !needed[name] {
			t.Errorf("everything works without %s", name)
		}
	}
}
