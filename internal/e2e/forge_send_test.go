// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// sendForgeries sends all forgeries through the hub's real topics, as a malicious
// customer who may publish, while honest customers launch stacks, and returns the
// outcomes.
func sendForgeries(t *testing.T, table []forgery) *report {
	t.Helper()
	s := newForgeryTest(t)
	s.holdGenuineURLs(table)
	for i, f := range table {
		if i%honestEvery == 0 {
			s.honest(s.invite())
		}
		s.forge(f)
	}
	return s.end(len(table))
}

const (
	honestEvery = 8 // an honest customer launches after every eighth forgery
	leaveEvery  = 3 // every third honest customer deletes the stack again
)

// forgeryTest is one run of all forgeries.
type forgeryTest struct {
	*World
	registrar *Registrar
	began     time.Time

	victim      *Customer // connected before the run; the forger knows the stack
	victimStack string
	victimWas   onboarding.Registration
	genuine     string // the victim's own Create, as it was sent
	certificate string // address of SNS's signing certificate in it

	mallory *Customer // the malicious customer, who may publish
	own     []Request // genuinely signed requests of mallory's own stack
	query   string    // query of such a signed URL

	customers []served
	sent      []sentForgery
	problems  []string
}

// served is an honest customer with their stack.
type served struct {
	*Customer
	stack string
}

// sentForgery is a forgery that was sent.
type sentForgery struct {
	forgery
	text    string // of the message
	body    string // of the queue's message, if it was sent there directly
	path    string // of an answer to it
	since   int    // the number of exchanges before it
	refused error  // by SNS
}

func newForgeryTest(t *testing.T) *forgeryTest {
	t.Helper()
	w := New(t)
	s := &forgeryTest{World: w, began: time.Now(), registrar: w.Registrar()}
	s.victim, s.mallory = w.Invite("victim", AccountID(1)), w.Invite("mallory", AccountID(666))
	s.victimStack = s.victim.Connect(Frankfurt)
	s.victimWas = s.victim.Owned(s.victimStack, onboarding.Active)
	for _, e := range s.registrar.Sent() {
		for _, m := range received(e) {
			envelope := open(m.Body)
			s.genuine, s.certificate = envelope.Message, envelope.SigningCertURL
		}
	}
	return s
}

// notification holds the checked fields of an SNS notification.
type notification struct{ Message, SigningCertURL string }

// open parses a notification; it returns the zero value if the body is not one.
func open(body string) (n notification) {
	if json.Unmarshal([]byte(body), &n) != nil {
		return notification{}
	}
	return n
}

// holdGenuineURLs gives mallory genuinely signed requests, one for each forgery that
// uses one: a stack of mallory's sends them to mallory's own topic, and they are
// never answered. The role in the stack can be assumed by every principal of the
// vendor.
func (s *forgeryTest) holdGenuineURLs(table []forgery) {
	s.T.Helper()
	n := 1 // one more, as an example of a signature
	for _, f := range table {
		if f.About == aboutOwn {
			n++
		}
	}
	own := s.Neighbour(s.mallory.Account, Frankfurt)
	template := s.Edited(s.Template(roleV1), func(resources map[string]any) {
		delete(resources, stacktemplate.PhoneHomeLogicalID)
		role := resources[stacktemplate.RoleLogicalID].(map[string]any)["Properties"].(map[string]any)
		for _, statement := range role["AssumeRolePolicyDocument"].(map[string]any)["Statement"].([]any) {
			delete(statement.(map[string]any), "Condition")
		}
		for i := range n {
			resources[fmt.Sprintf("Mine%d", i)] = own.Resource(nil, stacktemplate.RoleLogicalID)
		}
	})
	s.mallory.LaunchOf(Frankfurt, template, sandbox.LaunchOptions{})
	for range n {
		s.own = append(s.own, own.Next())
	}
	_, s.query, _ = strings.Cut(s.takeOwn().text("ResponseURL"), "?")
}

func (s *forgeryTest) takeOwn() Request {
	last := s.own[len(s.own)-1]
	s.own = s.own[:len(s.own)-1]
	return last
}

// invite gives one more honest customer a link.
func (s *forgeryTest) invite() *Customer {
	n := len(s.customers) + 1
	s.customers = append(s.customers, served{})
	return s.Invite(fmt.Sprintf("honest-%d", n), AccountID(1000+n))
}

// honest launches a customer's stack without waiting for it.
func (s *forgeryTest) honest(c *Customer) (stackID string) {
	in := []string{Frankfurt, Virginia}[len(s.customers)%2]
	stackID = c.Launch(in, sandbox.LaunchOptions{})
	s.customers[len(s.customers)-1] = served{c, stackID}
	return stackID
}

// forge builds one message and publishes it.
func (s *forgeryTest) forge(f forgery) {
	s.T.Helper()
	after := func() {}
	var k known
	switch f.About {
	case aboutLive, aboutReplay:
		k = s.knows(s.victim, s.victimStack, stacktemplate.PhoneHomeLogicalID)
	case aboutRacing:
		c := s.invite()
		k = s.knows(c, s.honest(c), stacktemplate.PhoneHomeLogicalID)
	case aboutInvited:
		c := s.invite()
		invented := fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/acme-access/%s", Frankfurt, c.Account, newID())
		k = s.knows(c, invented, stacktemplate.PhoneHomeLogicalID)
		after = func() { s.honest(c) }
	case aboutOwn:
		mine := s.takeOwn()
		k = s.knows(s.mallory, mine.text("StackId"), mine.text("LogicalResourceId"))
		k["request"] = mine.text("RequestId")
		k.address()
		k["url"] = mine.text("ResponseURL")
	}
	if len(f.With) > 0 {
		with := known{} // the table is not changed, for the next round
		for name, text := range f.With {
			with[name] = k.text(text)
		}
		maps.Copy(k, with)
		k.address()
	}
	k["genuine"] = s.genuine
	if f.About == aboutReplay {
		var request Request
		s.Must(json.Unmarshal([]byte(s.genuine), &request))
		k["request"] = request.text("RequestId")
	}
	text, err := f.message(k)
	s.Must(err)
	s.send(f, k, text)
	after()
}

func (s *forgeryTest) send(f forgery, k known, text string) {
	s.T.Helper()
	sent := sentForgery{forgery: f, text: text, path: k["stack"] + "|" + k["logical"] + "|" + k["request"], since: len(s.registrar.Sent())}
	if f.Raw || f.Envelope != nil {
		sent.body = text
		if !f.Raw {
			sent.body = s.envelope(f, k, text)
		}
		_, err := s.Clients.SQS(s.Record.Region).SendMessage(s.T.Context(), &sqs.SendMessageInput{
			QueueUrl: &s.Record.QueueURL, MessageBody: aws.String(sent.body),
		})
		s.Must(err)
	} else {
		in := k["region"]
		if f.Topic != "" {
			in = f.Topic
		}
		sent.refused = s.ForgedPublish(s.T.Context(), s.mallory.Account, s.Topic(in), "AWS CloudFormation custom resource request", text)
	}
	s.sent = append(s.sent, sent)
}

// envelope returns a notification that SNS never sent.
func (s *forgeryTest) envelope(f forgery, k known, text string) string {
	envelope := map[string]any{
		"Type": "Notification", "MessageId": newID(), "TopicArn": k["topic"],
		"Subject": "AWS CloudFormation custom resource request", "Message": text,
		"Timestamp": s.Now().Format("2006-01-02T15:04:05.000Z"), "SignatureVersion": "1", "Signature": "QUFBQQ==",
		"SigningCertURL": s.certificate,
	}
	merge(envelope, k.expand(f.Envelope).(map[string]any))
	body, err := encodeJSON(envelope)
	s.Must(err)
	return body
}

// knows returns what the forger knows of a customer's stack: everything except
// CloudFormation's signature.
func (s *forgeryTest) knows(c *Customer, stackID, logicalID string) known {
	s.T.Helper()
	stack, err := account.ParseStackARN(stackID)
	s.Must(err)
	k := known{
		"stack": stackID, "logical": logicalID, "request": newID(), "name": stack.Name, "guid": stack.GUID,
		"account": c.Account, "long": strings.Repeat("x", 9000), "external": c.Link.ExternalID.String(),
		"role": c.Link.Role(stack.Region.Partition()).String(), "version": c.Link.TemplateVersion,
		"topic":    s.Topic(stack.Region.String()),
		"physical": onboarding.PhysicalID(Hub, c.Name, stack, logicalID),
		"query":    s.query,

		"victim-account": s.victim.Account, "victim-stack": s.victimStack, "victim-external": s.victim.Link.ExternalID.String(),
		"victim-role": s.victimWas.Role.String(), "victim-physical": s.victimWas.PhysicalID,
		"mallory-account": s.mallory.Account, "mallory-external": s.mallory.Link.ExternalID.String(),
		"mallory-role": s.mallory.Link.Role(stack.Region.Partition()).String(), "vendor-account": s.Record.Account.String(),
	}
	k.address()
	return k
}

// address sets the response URL as CloudFormation would, but without the signature.
func (k known) address() {
	parts := strings.Split(k["stack"], ":")
	k["region"] = parts[3]
	k["bucket"] = "cloudformation-custom-resource-response-" + strings.ReplaceAll(k["region"], "-", "")
	k["host"] = k["bucket"] + ".s3." + k["region"] + ".amazonaws.com"
	if k["region"] == Virginia {
		k["host"] = k["bucket"] + ".s3.amazonaws.com"
	}
	k["path"] = "/" + strings.NewReplacer(":", "%3A", "|", "%7C").Replace(k["stack"]+"|"+k["logical"]+"|"+k["request"])
	k["url"] = "https://" + k["host"] + k["path"] + "?" + k["query"]
}

func newID() string { return kernel.NewRequestID(rand.Reader) }

// end waits for the honest customers, deletes some of their stacks, and checks
// the outcomes of all forgeries.
func (s *forgeryTest) end(total int) *report {
	s.T.Helper()
	came := &report{Sent: total, Honest: len(s.customers), Fates: map[string]int{}}
	for i, c := range s.customers {
		served := s.reaches(c.stack, "CREATE_COMPLETE", &came.Slowest)
		if served && i%leaveEvery == 0 {
			c.Delete(c.stack)
			served = s.reaches(c.stack, "DELETE_COMPLETE", &came.Slowest)
			came.Left++
		}
		if served {
			came.Served++
		}
	}
	s.Quiet()
	s.checkRegistrations()
	traces := s.traces()
	for _, f := range s.sent {
		fate := s.fate(f, traces)
		came.Fates[fate]++
		if fate != f.Fate {
			s.problem("%q is %s, but should be %s", f.Name, fate, f.Fate)
		}
	}
	came.Hosts = s.checkHosts()
	s.count(came)
	s.victim.Delete(s.victimStack)
	if s.reaches(s.victimStack, "DELETE_COMPLETE", &came.Slowest) {
		s.Quiet()
		s.victim.Owned(s.victimStack, onboarding.Disconnected)
	}
	came.Took = time.Since(s.began)
	came.Problems = s.problems
	return came
}

func (s *forgeryTest) problem(format string, args ...any) {
	s.problems = append(s.problems, fmt.Sprintf(format, args...))
}

// reaches waits until no operation is in progress in an honest customer's stack, and
// reports whether it has this status.
func (s *forgeryTest) reaches(stackID, status string, slowest *time.Duration) bool {
	ctx, cancel := s.untilStuck()
	defer cancel()
	stack, err := s.WaitStack(ctx, stackID)
	if err != nil || stack.Status != status {
		s.problem("an honest customer's stack is %s but should be %s (%v):\n%s", stack.Status, status, err, s.Story(stackID))
		return false
	}
	events := s.StackEvents(stackID)
	for i := len(events) - 1; i >= 0; i-- {
		if e := events[i]; e.LogicalResourceID == stack.Name && strings.HasSuffix(e.ResourceStatus, "_IN_PROGRESS") {
			*slowest = max(*slowest, events[len(events)-1].Timestamp.Sub(e.Timestamp))
			break
		}
	}
	return true
}
