// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/launch"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/quickcreate"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// world is a script's sandbox with a vendor and a hub.
type world struct {
	box     *sandbox.Sandbox
	clients *awsclient.Clients
	hub     *hub.Manager
	record  registry.HubRecord
	restore func() // ends the failures of fail
}

const home = "us-east-1"

// setUp creates a script's world, and sets its environment to that of the
// vendor.
func setUp(env *testscript.Env) error {
	box, err := sandbox.Start()
	if err != nil {
		return err
	}
	env.Defer(func() { _ = box.Close() })
	w := &world{box: box}
	env.Values[worldKey{}] = w
	vendor, err := box.Environment(sandbox.VendorAccount, home)
	if err != nil {
		return err
	}
	for name, value := range vendor {
		env.Setenv(name, value)
	}
	env.Setenv(nowVariable, now)
	return w.makeHub(context.Background())
}

type worldKey struct{}

func (w *world) makeHub(ctx context.Context) error {
	var err error
	if w.clients, err = trial.Clients(ctx, w.box, sandbox.VendorAccount, home); err != nil {
		return err
	}
	if w.hub, err = hub.New(w.clients, "acme", time.Now, rand.Reader); err != nil {
		return err
	}
	state, err := w.hub.Create(ctx, hubSpec("public"))
	w.record = state.Record
	return err
}

func hubSpec(templateAccess onboarding.TemplateAccess) hub.Spec {
	return hub.Spec{
		DisplayName: "Acme", Regions: []account.Region{must(account.ParseRegion(home)), must(account.ParseRegion("eu-central-1"))},
		PublisherScope: onboarding.KnownAccounts, TemplateAccess: templateAccess, ResponseTimeout: 15 * time.Minute, Capacity: 1500, Shards: 1,
	}
}

// template-access VALUE changes who may read the hub's templates.
func (w *world) templateAccess(ts *testscript.TestScript, args []string) {
	state, err := w.hub.Update(context.Background(), hubSpec(onboarding.TemplateAccess(args[0])))
	ts.Check(err)
	w.record = state.Record
}

// script returns a script command that calls a method. It can't be negated.
func (*world) script(do func(*world, *testscript.TestScript, []string)) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg {
			ts.Fatalf("this command can't be negated")
		}
		w, _ := ts.Value(worldKey{}).(*world)
		do(w, ts, args)
	}
}

// as NAME ACTION... makes the script a vendor's user with only these
// permissions.
func (w *world) as(ts *testscript.TestScript, args []string) {
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*","Action":["%s"]}]}`, strings.Join(args[1:], `","`))
	keys, err := w.box.NewUser(sandbox.VendorAccount, args[0], policy)
	ts.Check(err)
	ts.Setenv("AWS_ACCESS_KEY_ID", keys.AccessKeyID)
	ts.Setenv("AWS_SECRET_ACCESS_KEY", keys.SecretAccessKey)
}

// as-printed NAME makes the script a vendor's user with the policy that the last
// command printed.
func (w *world) asPrinted(ts *testscript.TestScript, args []string) {
	keys, err := w.box.NewUser(sandbox.VendorAccount, args[0], ts.ReadFile("stdout"))
	ts.Check(err)
	ts.Setenv("AWS_ACCESS_KEY_ID", keys.AccessKeyID)
	ts.Setenv("AWS_SECRET_ACCESS_KEY", keys.SecretAccessKey)
}

// role CUSTOMER ACCOUNT STATE creates a registered role in a customer's
// account, or changes it: "good" requires the external ID, "open" requires
// none, "wrong" another one, "gone" deletes the role.
func (w *world) role(ts *testscript.TestScript, args []string) {
	ctx := context.Background()
	customer, accountID, state := args[0], args[1], args[2]
	client, name := w.iam(ts, accountID), aws.String("acme-"+customer)
	_, _ = client.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name}) // there may be no role yet
	condition := map[string]string{
		"good":  fmt.Sprintf(`,"Condition":{"StringEquals":{"sts:ExternalId":%q}}`, w.link(customer, accountID).ExternalID),
		"wrong": `,"Condition":{"StringEquals":{"sts:ExternalId":"somebody-elses"}}`,
	}[state]
	if state != "gone" {
		_, err := client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::111111111111:root"}` + condition + `}]}`)})
		ts.Check(err)
	}
	w.box.Clock().Advance(time.Minute) // IAM settles
	records := w.hub.Registry()
	if _, err := records.Customer(ctx, customer); err == nil {
		return
	}
	link, err := records.CreateLink(ctx, w.link(customer, accountID))
	ts.Check(err)
	registration := w.registration(link, onboarding.Active, "us-east-1")
	_, err = records.PutHealth(ctx, registration, quiet(registration))
	ts.Check(err)
}

// quiet returns a history entry that publishes no event.
func quiet(r onboarding.Registration) onboarding.HistoryEntry {
	return onboarding.HistoryEntry{At: r.ChangedAt, CustomerID: r.CustomerID, Account: r.Account, Outcome: onboarding.OutcomeTombstone}
}

func (w *world) iam(ts *testscript.TestScript, accountID string) *iam.Client {
	keys, err := w.box.Credentials(accountID)
	ts.Check(err)
	return iam.New(iam.Options{
		Region: home, HTTPClient: awsclient.HTTPClient(), BaseEndpoint: aws.String(w.box.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, ""),
	})
}

// invite CUSTOMER ACCOUNT [KEY...] creates a real link, whose URL is then in
// $LINK. The keys are optional permissions, switched on unless the customer
// switches them off.
func (w *world) invite(ts *testscript.TestScript, args []string) {
	url, err := w.inviteOne(context.Background(), args[0], args[1], args[2:]...)
	ts.Check(err)
	ts.Setenv("LINK", url)
}

// organization CUSTOMER ORGANIZATION makes a customer's link one for all
// accounts of an organization.
func (w *world) organization(ts *testscript.TestScript, args []string) {
	found, err := w.hub.Registry().Customer(context.Background(), args[0])
	ts.Check(err)
	found.Link.Scope, found.Link.Account = onboarding.ScopeOrganization, account.ID{}
	found.Link.Organization, err = account.ParseOrganizationID(args[1])
	ts.Check(err)
	_, err = w.hub.Registry().UpdateLink(context.Background(), found.Link)
	ts.Check(err)
}

func (w *world) inviteOne(ctx context.Context, customer, accountID string, optional ...string) (url string, err error) {
	declared := declaration.Declaration{StackName: "acme-access", Region: home}
	declared.OptionalPermissions = map[string]permissionset.OptionalPermission{}
	for _, key := range optional {
		declared.OptionalPermissions[key] = permissionset.OptionalPermission{
			Description: "Read " + key, DefaultEnabled: true, InlinePolicies: map[string]string{
				key: fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::%s/*"}]}`, key),
			},
		}
	}
	specification := w.specification()
	specification.Choices = declared.Choices
	template, err := stacktemplate.Render(specification)
	if err != nil {
		return "", err
	}
	link := w.link(customer, accountID)
	link.Declared, link.TemplateVersion = declared.Encode(), stacktemplate.Version(specification)
	link.TemplateParameters = template.LinkParameters()
	if link.TemplateURL, err = w.hub.PublishTemplate(ctx, w.record, template.JSON()); err != nil {
		return "", err
	}
	if _, err = w.hub.Registry().CreateLink(ctx, link); err != nil {
		return "", err
	}
	if err := w.hub.Permissions().Allow(ctx, link.Shard, link.Account); err != nil {
		return "", err
	}
	return quickcreate.Link{
		Region: must(account.ParseRegion(home)), TemplateURL: link.TemplateURL, StackName: "acme-access",
		Parameters: launch.Parameters(link),
	}.URL("")
}

func (w *world) specification() stacktemplate.Specification {
	return stacktemplate.Specification{
		Hub: "acme", DisplayName: "Acme", Vendor: w.record.Account, Partition: w.record.Region.Partition(),
		Regions: w.record.Regions, ResponseTimeout: w.record.ResponseTimeout,
		Set: permissionset.Set{Role: permissionset.Role{Path: "/", ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}}},
	}
}

// heartbeat AGE OLDEST writes the heartbeat of a registrar, which is as old as AGE and
// whose oldest message is as old as OLDEST.
func (w *world) heartbeat(ts *testscript.TestScript, args []string) {
	at := must(time.Parse(time.RFC3339, now))
	beat := at.Add(-must(time.ParseDuration(args[0])))
	records := registry.New(w.clients.DynamoDB(), "acme", func() time.Time { return beat })
	ts.Check(records.Beat(context.Background(), "registrar-1", at.Add(-must(time.ParseDuration(args[1])))))
}

// round WORKS BROKEN writes a round of proofs that ended two hours ago.
func (w *world) round(ts *testscript.TestScript, args []string) {
	at := must(time.Parse(time.RFC3339, now)).Add(-2 * time.Hour)
	found := onboarding.RoundSummary{EndedAt: at, Works: must(strconv.Atoi(args[0])), Broken: must(strconv.Atoi(args[1]))}
	ts.Check(w.hub.Registry().EndRound(context.Background(), 0, found, at.Add(24*time.Hour)))
}

// letter REASON BODY puts a dead letter into the queue; the body is a file's.
func (w *world) letter(ts *testscript.TestScript, args []string) {
	_, err := w.clients.SQS(w.clients.Region).SendMessage(context.Background(), &sqs.SendMessageInput{
		QueueUrl: &w.record.DeadLetterQueueURL, MessageBody: aws.String(ts.ReadFile(args[1])),
		MessageAttributes: map[string]sqstypes.MessageAttributeValue{"Reason": {DataType: aws.String("String"), StringValue: &args[0]}},
	})
	ts.Check(err)
	w.box.Clock().Advance(time.Second) // so that the next one is later
}

// queue N checks that the hub's queue has N messages; queue gone deletes the queue
// and its dead-letter queue.
func (w *world) queue(ts *testscript.TestScript, args []string) {
	ctx, client := context.Background(), w.clients.SQS(w.clients.Region)
	if args[0] == "gone" {
		for _, url := range []string{w.record.QueueURL, w.record.DeadLetterQueueURL} {
			_, err := client.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &url})
			ts.Check(err)
		}
		return
	}
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &w.record.QueueURL, AttributeNames: []sqstypes.QueueAttributeName{"ApproximateNumberOfMessages"},
	})
	ts.Check(err)
	if got := out.Attributes["ApproximateNumberOfMessages"]; got != args[0] {
		ts.Fatalf("the hub's queue has %s messages, not %s", got, args[0])
	}
}

// fail SERVICE ACTION CODE makes an AWS call fail, until fail off.
func (w *world) fail(_ *testscript.TestScript, args []string) {
	if args[0] == "off" {
		w.restore()
		return
	}
	w.restore = w.box.Faults().Before(func(c *kernel.Call) error {
		if c.Service == args[0] && c.Action == args[1] {
			return kernel.Errorf(http.StatusForbidden, args[2], "on purpose")
		}
		return nil
	})
}

// hasten makes the sandbox's time run fast, so that a long poll of an empty
// queue ends soon.
func (w *world) hasten(*testscript.TestScript, []string) { w.box.Clock().SetRate(50) }

// newer makes the hub's record one that a newer release wrote.
func (w *world) newer(ts *testscript.TestScript, _ []string) {
	key := map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "HUB"}, "sk": &types.AttributeValueMemberS{Value: "HUB"}}
	_, err := w.clients.DynamoDB().UpdateItem(context.Background(), &dynamodb.UpdateItemInput{
		TableName: aws.String("xacct-acme"), Key: key, UpdateExpression: aws.String("SET #schema = :newer"),
		ExpressionAttributeNames:  map[string]string{"#schema": "schema"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":newer": &types.AttributeValueMemberN{Value: "99"}},
	})
	ts.Check(err)
}

// capture VARIABLE REGEXP keeps the first group of what the last command printed.
func (w *world) capture(ts *testscript.TestScript, args []string) {
	match := regexp.MustCompile("(?m)" + args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if match == nil {
		ts.Fatalf("nothing printed matches %s", args[1])
	}
	ts.Setenv(args[0], match[1])
}

var (
	uuid = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	when = regexp.MustCompile(`20\d\d-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z?`)
)

// normalize FILE writes what the last command printed, without the IDs and
// times that differ in every run.
func (w *world) normalize(ts *testscript.TestScript, args []string) {
	out := when.ReplaceAllString(uuid.ReplaceAllString(ts.ReadFile("stdout"), "<id>"), "<time>")
	ts.Check(writeFile(ts.MkAbs(args[0]), out))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
