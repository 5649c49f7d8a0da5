// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"crypto/md5" //nolint:gosec // SQS's own checksum
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// fault is one way in which AWS might differ from the facts, and the checks that
// detect it.
type fault struct {
	checks string // IDs, separated by spaces
	what   string
	plant  hook
}

// hook is called before a call is executed. An error is the response to the call.
type hook func(box *sandbox.Sandbox, c *kernel.Call) error

// when reports whether a hook applies to a call.
type when func(*kernel.Call) bool

func on(service, action string, more ...when) when {
	return func(c *kernel.Call) bool {
		if c.Service != service || c.Action != action {
			return false
		}
		for _, m := range more {
			if !m(c) {
				return false
			}
		}
		return true
	}
}

// says matches a text in a call's body, literal or form-encoded.
func says(text string) when {
	return func(c *kernel.Call) bool {
		return strings.Contains(string(c.Body), text) || strings.Contains(string(c.Body), url.QueryEscape(text))
	}
}

func not(w when) when { return func(c *kernel.Call) bool { return !w(c) } }

// by matches a part of the caller's ARN.
func by(part string) when {
	return func(c *kernel.Call) bool { return c.Principal != nil && strings.Contains(c.Principal.ARN, part) }
}

func at(part string) when {
	return func(c *kernel.Call) bool { return strings.Contains(c.Request.Host+c.Request.URL.Path, part) }
}

// from matches the n-th call and later ones.
func from(n int32, w when) when {
	var seen atomic.Int32
	return func(c *kernel.Call) bool { return w(c) && seen.Add(1) >= n }
}

func refuse(status int, code string, w when) hook {
	return func(_ *sandbox.Sandbox, c *kernel.Call) error {
		if w(c) {
			return kernel.Errorf(status, code, "A fault was injected.")
		}
		return nil
	}
}

// grant returns a response as if a call had succeeded.
func grant(body string, w when) hook {
	return func(_ *sandbox.Sandbox, c *kernel.Call) error {
		if w(c) {
			return &kernel.Error{Status: http.StatusOK, Code: "Planted", Raw: []byte(body)}
		}
		return nil
	}
}

// asOther executes a call as another principal.
func asOther(change func(box *sandbox.Sandbox, p kernel.Principal) *kernel.Principal, w when) hook {
	return func(box *sandbox.Sandbox, c *kernel.Call) error {
		if w(c) {
			c.Principal = change(box, *c.Principal)
		}
		return nil
	}
}

func adminOf(id string) func(*sandbox.Sandbox, kernel.Principal) *kernel.Principal {
	return func(box *sandbox.Sandbox, _ kernel.Principal) *kernel.Principal {
		p, err := box.Admin(id)
		if err != nil {
			panic(err)
		}
		return p
	}
}

// form changes a parameter of the query protocol.
func form(name string, change func(string) string, w when) hook {
	return func(_ *sandbox.Sandbox, c *kernel.Call) error {
		if !w(c) {
			return nil
		}
		q, err := url.ParseQuery(string(c.Body))
		if err != nil {
			return err
		}
		if value := change(q.Get(name)); value == "" {
			q.Del(name)
		} else {
			q.Set(name, value)
		}
		c.Body = []byte(q.Encode())
		return nil
	}
}

func swap(old, new string) func(string) string {
	return func(s string) string { return strings.ReplaceAll(s, old, new) }
}

// publishes changes what CloudFormation publishes.
func publishes(old, new string, more ...when) hook {
	return form("Message", swap(old, new), on("sns", "Publish", more...))
}

// answers changes the response to a call that is executed.
func answers(change func(string) string, w when) hook {
	var inside atomic.Bool
	return func(box *sandbox.Sandbox, c *kernel.Call) error {
		if !w(c) || !inside.CompareAndSwap(false, true) {
			return nil
		}
		defer inside.Store(false)
		copied := *c
		response, err := box.Do(&copied)
		if err != nil {
			return err
		}
		return &kernel.Error{Status: response.Status, Code: "Planted", Header: response.Header, Raw: []byte(change(string(response.Body)))}
	}
}

// receives changes the bodies of messages in a queue.
func receives(change func(string) string) hook {
	return answers(func(body string) string {
		var out map[string][]map[string]any
		if json.Unmarshal([]byte(body), &out) != nil {
			return body
		}
		for _, m := range out["Messages"] {
			text, _ := m["Body"].(string)
			text = change(text)
			sum := md5.Sum([]byte(text)) //nolint:gosec // SQS's own checksum
			m["Body"], m["MD5OfBody"] = text, hex.EncodeToString(sum[:])
		}
		return asJSON(out)
	}, on("sqs", "ReceiveMessage"))
}

// also publishes one more message of the customer when a message is published.
func also(message func(published string) string, w when) hook {
	var inside atomic.Bool
	return func(box *sandbox.Sandbox, c *kernel.Call) error {
		if !w(c) || !inside.CompareAndSwap(false, true) {
			return nil
		}
		defer inside.Store(false)
		q, err := url.ParseQuery(string(c.Body))
		if err != nil {
			return err
		}
		return box.ForgedPublish(c.Context, customerAccount, q.Get("TopicArn"), "AWS CloudFormation custom resource request", message(q.Get("Message")))
	}
}

const (
	credentialsXML = `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>` +
		`<Expiration>2030-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`
	subscribedXML = `<SubscribeResponse><SubscribeResult><SubscriptionArn>arn:x</SubscriptionArn></SubscribeResult></SubscribeResponse>`
	publishedXML  = `<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`
)

// faults returns the table of faults. Each check fails under at least one of them.
// Some faults count calls, so each test needs its own table.
func faults() []fault {
	return []fault{
		{"5.1", "a shorter list is too long", refuse(400, "InvalidParameter", on("sns", "SetTopicAttributes", says("aws:PrincipalAccount")))},
		{"5.3", "RemovePermission knows its labels", refuse(404, "NotFound", on("sns", "RemovePermission"))},
		{"5.4a", "SNS does not look at accounts", grant("<SetTopicAttributesResponse/>", on("sns", "SetTopicAttributes", says(":iam::99")))},
		{"5.4b", "SNS keeps closed accounts", grant("<SetTopicAttributesResponse/>", on("sns", "SetTopicAttributes", says(":iam::"+closedAccountID)))},
		{"5.5", "accounts come back as they were written", answers(swap("arn:aws:iam::"+customerAccount+":root", customerAccount), on("sns", "GetTopicAttributes"))},
		{"13.8", "SNS takes any service", grant("<SetTopicAttributesResponse/>", on("sns", "SetTopicAttributes", says("no-such-service")))},

		{"5.7a", "a message is lost", grant(publishedXML, on("sns", "Publish", says("many-1")))},
		{"6a", "dead letters may be elsewhere", grant("{}", on("sqs", "SetQueueAttributes", says("RedrivePolicy")))},
		{"6b", "a dead letter is new", answers(swap(`"SentTimestamp":"`, `"SentTimestamp":"9`), on("sqs", "ReceiveMessage", says("-dead")))},
		{"13.4a", "SQS looks at the key", refuse(400, "InvalidAttributeValue", on("sqs", "SetQueueAttributes", says("KmsMasterKeyId")))},

		{"4.2a", "a condition makes a policy private", grant("", on("s3", "PutBucketPolicy", says("aws:PrincipalAccount")))},
		{"4.2b", "policies end earlier", refuse(400, "PolicyTooLarge", on("s3", "PutBucketPolicy", says("Long1")))},
		{"4.1a", "CloudFormation reads as itself", asOther(adminOf(customerAccount), on("s3", "GetObject", by("nos3")))},
		{"4.1b", "a bucket's policy is not enough", refuse(403, "AccessDenied", on("s3", "GetObject"))},
		{"4.4", "versionId is not read", func(_ *sandbox.Sandbox, c *kernel.Call) error {
			if on("s3", "GetObject")(c) {
				c.Request.URL.RawQuery = ""
			}
			return nil
		}},
		{"3.5", "templates are of the stack's Region", refuse(400, "ValidationError", func(c *kernel.Call) bool {
			return on("cloudformation", "GetTemplateSummary")(c) && c.Region == "eu-west-1"
		})},
		{"10.2a", "no key is a failed condition", refuse(412, "PreconditionFailed", on("s3", "PutObject", at("gone")))},
		{"10.2b", "a read is late", refuse(404, "NotFound", on("s3", "HeadObject"))},
		{"12.11", "strangers are told apart", refuse(403, "SignatureDoesNotMatch", on("s3", "PutObject", at("custom-resource-response")))},
		{"12.15", "one Region is without the namespace", refuse(400, "InvalidRequest", on("s3", "CreateBucket", at("eu-west-1")))},
		{"13.3", "half a suffix has a code of its own", refuse(400, "MissingNamespaceHeader", on("s3", "CreateBucket", at("half-an")))},
		{"15.1", "a list is of one Region", func(_ *sandbox.Sandbox, c *kernel.Call) error {
			if on("s3", "ListBuckets")(c) && c.Request.URL.Query().Has("prefix") {
				c.Request.URL.RawQuery += "&bucket-region=" + c.Region
			}
			return nil
		}},

		{"7.5", "a role is never known", refuse(403, "AccessDenied", on("sts", "AssumeRole", says("-settles")))},
		{"7.3", "the external ID is not looked at", form("ExternalId", func(string) string { return secretID }, on("sts", "AssumeRole", says("-proven")))},
		{"7.4", "a missing role has words of its own", refuse(403, "AccessDenied", on("sts", "AssumeRole", says("-nowhere")))},
		{"7.6", "a name is not enough", refuse(403, "AccessDenied", from(2, on("sts", "AssumeRole", says("-byname"))))},
		{"12.10", "TagSession is blind", refuse(403, "AccessDenied", on("sts", "AssumeRole", says("Tags.member"), says("-together")))},

		{"10.1", "the old item is not told", refuse(400, "ConditionalCheckFailedException", on("dynamodb", "PutItem", says(`"9"`)))},
		{"10.3", "fewer keys are too many", refuse(400, "ValidationException", on("dynamodb", "BatchGetItem", says("batch-99"), not(says("batch-100"))))},
		{"10.4", "fewer members are too many", refuse(400, "ValidationException", on("dynamodb", "TransactWriteItems", says("transaction-98"), not(says("one-more"))))},
		{"13.1", "members are not looked at", asOther(adminOf(sandbox.VendorAccount), on("dynamodb", "TransactWriteItems", says("THEIRS#1")))},
		{"13.11", "no table is told first", refuse(400, "ResourceNotFoundException", on("dynamodb", "GetItem", says("-missing")))},
		{"13.4b", "a disabled key is not named", refuse(400, "ProvisionedThroughputExceededException", from(2, on("dynamodb", "PutItem", says("-keyed"))))},

		{"11.1", "one entry fails all", refuse(400, "NotAuthorizedForSourceException", on("events", "PutEvents", says("aws.ours")))},
		{"11.2", "a missing bus is noticed", refuse(400, "ResourceNotFoundException", on("events", "PutEvents", says("no-bus")))},

		{"1.17", "CloudFormation publishes as itself", asOther(func(*sandbox.Sandbox, kernel.Principal) *kernel.Principal {
			return &kernel.Principal{Service: "cloudformation.amazonaws.com"}
		}, on("sns", "Publish"))},
		{"1.18a", "the account's root does not count", refuse(403, "AuthorizationError", on("sns", "Publish", says("c1-18a")))},
		{"1.18b", "nor with a service role", refuse(403, "AuthorizationError", on("sns", "Publish", by("-service/")))},
		{"1.18c", "aws:PrincipalAccount does not count", refuse(403, "AuthorizationError", on("sns", "Publish", says("c1-18c")))},
		{"1.18d", "nor with a service role", refuse(403, "AuthorizationError", on("sns", "Publish", by("-service/")))},
		{"1.18e", "the deployer's policy does not count", asOther(adminOf(customerAccount), on("sns", "Publish", by("-deployer")))},
		{"1.19", "a service role is not called via", asOther(func(_ *sandbox.Sandbox, p kernel.Principal) *kernel.Principal {
			p.Via = nil
			return &p
		}, on("sns", "Publish", by("-service/")))},
		{"1.21", "the envelope names the publisher", receives(func(s string) string { return strings.Replace(s, "{", `{"Publisher":"`+customerAccount+`",`, 1) })},
		{"13.5", "CloudFormation publishes without TLS", asOther(func(_ *sandbox.Sandbox, p kernel.Principal) *kernel.Principal {
			p.Keys = map[string][]string{"aws:securetransport": {"false"}}
			return &p
		}, on("sns", "Publish"))},

		{"2.2", "another host", publishes(".s3.eu-west-1.", ".s3.dualstack.eu-west-1.")},
		{"2.4", "another signature", publishes("X-Amz-Signature=", "X-Amz-Signature=0")},
		{"5.11", "another Region's certificate", receives(swap("https://sns.us-east-1.", "https://sns.us-west-2."))},
		{"1.9", "a URL that lives shorter", refuse(400, "ExpiredToken", on("s3", "PutObject", at("custom-resource-response")))},
		{"1.10", "it asks twice", also(swap("\x00", ""), on("sns", "Publish", says("-silent"), says(`"Create"`)))},
		{"1.13a", "another ID", publishes(`-silent-Phone-`, `-else-`, says(`"Delete"`))},
		{"1.13b", "another ID", publishes("refused-by-us", "invented", says(`"Delete"`))},
		{"1.12a", "another ID", publishes("conformance-phone", "renewed", says(`"Delete"`), says("-replaced"))},
		{"1.12b", "another order", publishes(`"RequestType":"Create"`, `"RequestType":"Update"`, says("Telephone"))},
		{"1.11", "old properties are not told", publishes("OldResourceProperties", "FormerResourceProperties")},
		{"1.15a", "a retained resource is deleted", func(box *sandbox.Sandbox, c *kernel.Call) error {
			if on("cloudformation", "DeleteStack", says("-retained"))(c) {
				q, err := url.ParseQuery(string(c.Body))
				if err != nil {
					return err
				}
				return box.ForgedPublish(c.Context, customerAccount, "arn:aws:sns:us-east-1:"+sandbox.VendorAccount+":"+topicOfStack(q.Get("StackName")), "x",
					asJSON(map[string]any{"RequestType": "Delete", "StackId": q.Get("StackName"), "LogicalResourceId": "Phone", "RequestId": "1"}))
			}
			return nil
		}},
		{"1.15b", "a replaced resource is deleted", also(swap(`"RequestType":"Update"`, `"RequestType":"Delete"`), on("sns", "Publish", says("-kept"), says(`"Update"`)))},
		{"9.1", "a list of one empty text", publishes(`"List":[]`, `"List":[""]`)},

		{"9", "rules are not read", form("TemplateBody", swap(`"Rules"`, `"Metadata"`), on("cloudformation", "CreateStack", says("-ruled")))},
		{"3.2", "what is not known is not read", form("Parameters.member.2.ParameterKey", func(string) string { return "" }, func(c *kernel.Call) bool {
			if !on("cloudformation", "CreateStack", says("-parameters"), says("Other"))(c) {
				return false
			}
			c.Body = []byte(strings.ReplaceAll(string(c.Body), "Parameters.member.2.ParameterValue", "Tags.member.9.Value"))
			return true
		})},
		{"12.9a", "old policies go first", func(box *sandbox.Sandbox, c *kernel.Call) error {
			if on("iam", "PutRolePolicy", says("PolicyName=after"))(c) {
				q, err := url.ParseQuery(string(c.Body))
				if err != nil {
					return err
				}
				return kernel.CallQuery(c.Context, box, c.Principal, c.Region, "iam", "DeleteRolePolicy", url.Values{"RoleName": {q.Get("RoleName")}, "PolicyName": {"before"}}, nil)
			}
			return nil
		}},
		{"12.9b", "versions stay", refuse(409, "LimitExceeded", on("iam", "DeletePolicyVersion"))},

		{"2.2-govcloud", "an older host", publishes(".s3.us-gov-west-1.", ".s3-us-gov-west-1.")},
		{"2.2-china", "an older host", publishes(".s3.cn-north-1.", ".s3-cn-north-1.")},
		{"2.2-eusc", "another suffix", publishes(".amazonaws.eu/", ".amazonaws.com/")},
		{"5.10", "another suffix", receives(swap(".amazonaws.eu/SimpleNotification", ".amazonaws.com/SimpleNotification"))},
		{"5.7b", "queues of other partitions can be subscribed", grant(subscribedXML, on("sns", "Subscribe", says("arn:aws:sqs"), says("arn:aws-")))},
		{"7.8", "roles of other partitions can be assumed", grant(credentialsXML, on("sts", "AssumeRole", says("-elsewhere")))},

		{"8", "a StackSet's stack publishes as another account", refuse(403, "AuthorizationError", on("sns", "Publish", says("StackSet-")))},
		{"8.1", "another code", refuse(403, "AccessDenied", on("cloudformation", "ListStackSets"))},

		{"L.provider", "one more permission is needed", refuse(400, "AccessDeniedException", on("dynamodb", "CreateTable", by("as-provider")))},
		{"L.api", "one more permission is needed", refuse(400, "AccessDeniedException", on("dynamodb", "TransactWriteItems", by("as-api")))},
		{"L.registrar", "one more permission is needed", refuse(400, "AccessDeniedException", on("sqs", "ReceiveMessage", by("as-registrar")))},
		{"L.operator", "one more permission is needed", refuse(400, "AccessDeniedException", on("dynamodb", "Query", by("as-operator")))},
		{"L.customer", "one more permission is needed", refuse(403, "AccessDenied", on("cloudformation", "CreateStack", by("as-customer")))},
		{"L.api", "a policy opens more than it says", asOther(adminOf(sandbox.VendorAccount), on("dynamodb", "Scan", by("as-api")))},
		{"story", "the role can't be assumed", refuse(403, "AccessDenied", on("sts", "AssumeRole", by("as-registrar")))},
	}
}

// waited are the checks that fail when their patience ends. Only these get a short
// patience, so that no other check fails on a slow machine.
var waited = map[string]bool{"5.7a": true, "7.5": true, "7.6": true, "8": true, "L.customer": true, "L.provider": true, "L.registrar": true, "story": true}

// topicOfStack returns the topic's name in the run that a stack's ID belongs to.
func topicOfStack(stackID string) string {
	name := strings.Split(stackID, "/")[1]
	return name[:strings.LastIndex(name, "-")] + "-intake"
}

// faultSandbox is a sandbox in which faults are injected one after the other.
type faultSandbox struct {
	box   *sandbox.Sandbox
	whole *World
}

func newFaultSandbox(t *testing.T) faultSandbox {
	t.Helper()
	box := newSandbox(t)
	return faultSandbox{box, open(t, configure(t, box))}
}

// under runs checks while a fault is injected, and returns the results. run is the
// name of the run; hurried is whether the checks wait only briefly.
func (g faultSandbox) under(t *testing.T, f fault, run string, hurried bool, checks []Check) []Result {
	t.Helper()
	w := *g.whole
	w.Run = run
	w.intakes, w.shared = map[string]*intake{}, map[string]any{}
	if hurried {
		w.Patience = 700 * time.Millisecond
	}
	defer g.box.Faults().Before(func(c *kernel.Call) error { return f.plant(g.box, c) })()
	return Run(t.Context(), &w, checks, "test", func(Result) {}).Results
}

// TestEachCheckIsRedUnderItsFault injects one fault after the other in one sandbox,
// and runs the checks that should detect it.
func TestEachCheckIsRedUnderItsFault(t *testing.T) {
	t.Parallel()
	g := newFaultSandbox(t)
	tried := map[string]bool{}
	for i, f := range faults() {
		checks, err := Find(strings.Fields(f.checks)...)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range g.under(t, f, fmt.Sprintf("f%02d", i), waited[f.checks], checks) {
			tried[r.ID] = true
			if r.Outcome != Differs {
				t.Errorf("%s, where %s: %s %s", r.ID, f.what, r.Outcome, r.Seen)
			} else if testing.Verbose() {
				t.Logf("%-12s %-45s %.150s", r.ID, f.what, strings.ReplaceAll(r.Seen, "\n", " "))
			}
		}
	}
	for _, c := range All() {
		if !tried[c.ID] && c.ID != "terraform" {
			t.Errorf("no fault makes %s fail", c.ID)
		}
	}
}

// TestEachFaultTurnsOnlyItsOwnCheckRed runs every check under every fault, which
// takes minutes. It excludes the complete workflows, which may fail under any fault.
func TestEachFaultTurnsOnlyItsOwnCheckRed(t *testing.T) {
	if os.Getenv("XACCT_CONFORMANCE_FAULTS") == "" {
		t.Skip("every check under every fault takes minutes: make conformance-sandbox runs them")
	}
	var primitive []Check
	for _, c := range All() {
		if !strings.HasPrefix(c.ID, "L.") && c.ID != "story" && c.ID != "terraform" {
			primitive = append(primitive, c)
		}
	}
	g := newFaultSandbox(t)
	for i, f := range faults() {
		if strings.HasPrefix(f.checks, "L.") || f.checks == "story" {
			continue
		}
		may := strings.Fields(follows[f.checks])
		for _, r := range g.under(t, f, fmt.Sprintf("e%02d", i), true, primitive) {
			red := r.Outcome != Holds
			if own := r.ID == f.checks; own != red && !slices.Contains(may, r.ID) {
				t.Errorf("under %q, injected for %s: %s %s %.150s", f.what, f.checks, r.ID, r.Outcome, strings.ReplaceAll(r.Seen, "\n", " "))
			}
		}
	}
}

// stacks are the checks with a stack that phones home and gets an answer.
const stacks = "5.7a 1.18a 1.18b 1.18c 1.18d 1.19 1.21 13.5 2.2 2.4 5.11 1.9 1.10 1.13a 1.13b 1.12a 1.12b 1.11 1.15a 1.15b 9.1 2.2-govcloud 2.2-china 2.2-eusc 5.10 8"

// follows has, by the check that a fault was injected for, the others that may fail
// too because they depend on the same fact.
var follows = map[string]string{
	"5.1":      "5.4a 5.4b 1.18c 1.18d", // write policies with aws:PrincipalAccount
	"4.1b":     "4.4 3.5",               // read templates out of the bucket
	"1.18b":    "1.18d 1.19",            // have a service role
	"1.18d":    "1.18b 1.19",
	"2.2":      "5.11",
	"2.2-eusc": "5.10", // the same stack in the same partition
	"5.10":     "2.2-eusc",
	"1.17":     stacks,
	"2.4":      stacks,
	"1.9":      stacks + " 12.11", // the bucket's answers to strangers
	"12.11":    stacks,
}
