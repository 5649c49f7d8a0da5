// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package leastpolicy_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/leastpolicy"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

func TestMain(m *testing.M) { acctest.Main(m) }

var (
	vendor   = parse(account.ParseID, sandbox.VendorAccount)
	globex   = parse(account.ParseID, acctest.Globex)
	virginia = parse(account.ParseRegion, acctest.Region)
	ireland  = parse(account.ParseRegion, "eu-west-1")
	oregon   = parse(account.ParseRegion, "us-west-2")
)

func parse[T any](parse func(string) (T, error), s string) T {
	v, err := parse(s)
	if err != nil {
		panic(err)
	}
	return v
}

// acme returns the parts of the tests' hub, in some Regions.
func acme(regions ...account.Region) leastpolicy.Parts {
	h := leastpolicy.Parts{
		Account: vendor, Region: virginia,
		Queue: hub.QueueName("acme"), DeadLetterQueue: hub.DeadLetterQueueName("acme"), Table: registry.TableName("acme"),
		Partitions: registry.Partitions(),
		Bucket:     hub.BucketPattern("acme", vendor, virginia),
	}
	for _, region := range regions {
		h.Topics = append(h.Topics, account.TopicARN{Region: region, Account: vendor, Name: hub.TopicName("acme", 0)})
	}
	return h
}

// world is a vendor whose work is done by a caller under a policy.
type world struct {
	*sandbox.Sandbox
	*witness
	t       *testing.T
	keys    sandbox.Credentials // the caller's
	caller  *awsclient.Clients
	key     account.KMSKeyARN // the key of table and queues; zero means AWS's keys
	commits chan struct{}     // one for each commit of the registrar
	rounds  bool              // whether the registrar also proves roles again
}

// newWorld returns a world with a KMS key for the hub, whose key policy is what a plan suggests.
func newWorld(t *testing.T, policy func(key account.KMSKeyARN) iampolicy.Document) *world {
	t.Helper()
	box := trial.Sandbox(t)
	acctest.Trust(t, box)
	arn, err := box.NewKey(t.Context(), sandbox.VendorAccount, virginia.String(), fmt.Sprintf(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"kms:*","Resource":"*"},%s]}`,
		hub.KeyPolicyStatement("acme", vendor, virginia, []account.Region{virginia, ireland, oregon})))
	if err != nil {
		t.Fatal(err)
	}
	key := parse(account.ParseKMSKeyARN, arn)
	w := newCaller(t, box, policy(key))
	w.key = key
	return w
}

// newCaller creates the caller. From then on IAM is eventually consistent, as in AWS, so a message is
// requeued at least once; time passes while it is.
func newCaller(t *testing.T, box *sandbox.Sandbox, policy iampolicy.Document) *world {
	t.Helper()
	box.IAM().Settle(10 * time.Second)
	box.Faults().After(func(c *kernel.Call) error {
		if c.Action == "ChangeMessageVisibility" {
			box.Clock().Advance(30 * time.Second)
		}
		return nil
	})
	w := &world{Sandbox: box, t: t, commits: make(chan struct{}, 100)}
	var err error
	if w.keys, err = box.NewUser(sandbox.VendorAccount, "worker", policy.String()); err != nil {
		t.Fatal(err)
	}
	w.caller = w.clients(w.keys)
	w.witness = watch(t, box, w.caller.CallerARN)
	return w
}

// readable returns a link whose template URL its customer can read, presigned by the caller if needed.
func (w *world) readable(link onboarding.Link) (onboarding.Link, error) {
	h, err := hub.New(w.caller, "acme", time.Now, rand.Reader) // the sandbox compares signatures with the real time
	if err != nil {
		return link, err
	}
	record, err := h.Registry().Hub(w.t.Context())
	if err != nil || !record.TemplateAccess.Presigned() {
		return link, err
	}
	signed, err := h.PresignTemplate(w.t.Context(), record, link, time.Hour)
	link.TemplateURL = signed.URL
	return link, err
}

func (w *world) clients(keys sandbox.Credentials) *awsclient.Clients {
	w.t.Helper()
	clients, err := trial.ClientsAs(w.t.Context(), w.Sandbox, keys, virginia.String())
	if err != nil {
		w.t.Fatal(err)
	}
	return clients
}

// admin returns the clients of a principal that may do everything.
func (w *world) admin() *awsclient.Clients {
	w.t.Helper()
	keys, err := w.Credentials(sandbox.VendorAccount)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.clients(keys)
}

// makeRole creates a role of the vendor that trusts the vendor's account and may assume every role.
func (w *world) makeRole(name string) {
	w.t.Helper()
	keys, err := w.Credentials(sandbox.VendorAccount)
	if err != nil {
		w.t.Fatal(err)
	}
	client := iam.New(iam.Options{
		Region: virginia.String(), HTTPClient: awsclient.HTTPClient(), BaseEndpoint: aws.String(w.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, ""),
	})
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"sts:AssumeRole"}]}`
	if _, err := client.CreateRole(w.t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust}); err != nil {
		w.t.Fatal(err)
	}
	proofs := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}`
	if _, err := client.PutRolePolicy(w.t.Context(), &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("proofs"), PolicyDocument: &proofs}); err != nil {
		w.t.Fatal(err)
	}
	w.Clock().Advance(time.Minute) // until the role is known everywhere in IAM
}

// openHub returns the hub with the clients' permissions. Its waits take no time.
func (w *world) openHub(clients *awsclient.Clients) *hub.Manager {
	w.t.Helper()
	h, err := hub.New(clients, "acme", w.Clock().Now, rand.Reader, hub.WithSleep(func(ctx context.Context, d time.Duration) error {
		w.Clock().Advance(d)
		return ctx.Err()
	}))
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

func (w *world) spec(tags map[string]string, regions ...account.Region) hub.Spec {
	return hub.Spec{
		DisplayName: "Acme", Regions: regions, PublisherScope: onboarding.KnownAccounts, TemplateAccess: onboarding.TemplatesPresigned, KMSKey: w.key,
		ResponseTimeout: 15 * time.Minute, Capacity: 1500, Shards: 1, Tags: tags,
	}
}

// declare creates a link for globex, or changes it, in the provider's order: template, record, permission
// to publish.
func declare(ctx context.Context, h *hub.Manager, description string, before onboarding.Link, trusted ...account.RoleARN) (onboarding.Link, error) {
	link := before
	record, err := h.Registry().HubAndKey(ctx)
	if err != nil {
		return link, err
	}
	spec := stacktemplate.Specification{
		Hub: "acme", Vendor: record.Account, Partition: virginia.Partition(), Regions: record.Regions, ResponseTimeout: record.ResponseTimeout,
		Set: permissionset.Set{Role: permissionset.Role{Description: description, ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/SecurityAudit"}}},
	}
	for _, principal := range trusted {
		spec.TrustedPrincipals = append(spec.TrustedPrincipals, principal.String())
	}
	template, err := stacktemplate.Render(spec)
	if err != nil {
		return link, err
	}
	if link.TemplateURL, err = h.PublishTemplate(ctx, record, template.JSON()); err != nil {
		return link, err
	}
	link.TemplateVersion, link.TrustedPrincipals = stacktemplate.Version(spec), trusted
	if before.Revision != 0 {
		return h.Registry().UpdateLink(ctx, link)
	}
	link.Hub, link.CustomerID, link.Generation, link.Account = "acme", "globex", 1, globex
	link.ExternalID = onboarding.ExternalID(record.Key.Bytes(), "acme", "globex", 1)
	link.RoleName, link.RolePath = "acme-globex", "/"
	link.Declared = json.RawMessage(`{"region":"us-east-1","stack_name":"acme-access"}`)
	if link, err = h.Registry().CreateLink(ctx, link); err != nil {
		return link, err
	}
	return link, h.Permissions().Allow(ctx, 0, globex)
}

// actions returns the actions of a policy, without duplicates.
func actions(policy iampolicy.Document) []string {
	var all []string
	for _, s := range policy.Statements {
		all = append(all, s.Action...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// without returns a policy without one action.
func without(policy iampolicy.Document, action string) iampolicy.Document {
	var left []iampolicy.Statement
	for _, s := range policy.Statements {
		s.Action = slices.DeleteFunc(slices.Clone(s.Action), func(a string) bool { return a == action })
		if len(s.Action) > 0 {
			left = append(left, s)
		}
	}
	policy.Statements = left
	return policy
}
