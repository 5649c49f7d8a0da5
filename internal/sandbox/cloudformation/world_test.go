// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/organizations"
)

const (
	customer = "222222222222"
	region   = "eu-west-1"
	topic    = "arn:aws:sns:eu-west-1:111111111111:xacct-acme-0"
)

// world is the service with fakes of the other services: an IAM that stores
// roles, an SNS whose messages the test reads, and an S3 with templates.
type world struct {
	*Service
	t     *testing.T
	clock *kernel.Clock

	requests chan request // what was published, in order

	mu       sync.Mutex
	roles    map[string]map[string]string // by name: the last parameters of each call
	objects  map[string]string            // by URL
	fail     map[string][]error           // by "service:Action": errors for the next calls
	callback func(region, key string, body []byte)
	denied   map[string]bool // actions that the Authorizer refuses
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, clock: kernel.NewClock(), requests: make(chan request, 100),
		roles: map[string]map[string]string{}, objects: map[string]string{},
		fail: map[string][]error{}, denied: map[string]bool{},
	}
	w.Service = New(kernel.Env{Clock: w.clock, Authorizer: w, Inside: w, Rand: rand.Reader}, w, w)
	t.Cleanup(w.Close)
	return w
}

func (w *world) Authorize(a kernel.Authorization) error {
	if w.denied[a.Action] {
		return kernel.Errorf(http.StatusForbidden, "AccessDenied", "User: %s is not authorized to perform: %s on resource: %s", a.Principal.ARN, a.Action, a.Resource)
	}
	return nil
}

func (w *world) PresignPut(region, bucket, key string, _ time.Duration) string {
	return "https://" + bucket + ".s3." + region + ".amazonaws.com/" + url.PathEscape(key) + "?X-Amz-Signature=1"
}

func (w *world) OnCustomResourceResponse(f func(region, key string, body []byte)) { w.callback = f }

// Of returns no organization: StackSets are tested with the sandbox's IAM and
// SNS in package sandbox.
func (*world) Of(string) (organizations.Organization, bool) {
	return organizations.Organization{}, false
}

func (*world) OnChange(func(organizations.Change)) {}

// Do serves the calls of all other services.
func (w *world) Do(c *kernel.Call) (*kernel.Response, error) {
	if len(c.Principal.Via) == 0 || c.Principal.Account != customer {
		return nil, errors.New("CloudFormation must call as the customer, with itself in Via")
	}
	q := kernel.ParseQuery(c.Request, c.Body)
	c.Action = q.Get("Action")
	w.mu.Lock()
	defer w.mu.Unlock()
	if errs := w.fail[c.Service+":"+c.Action]; len(errs) > 0 {
		w.fail[c.Service+":"+c.Action] = errs[1:]
		if errs[0] != nil {
			return nil, errs[0]
		}
	}
	switch c.Service {
	case "s3":
		body, found := w.objects[c.Request.URL.String()]
		if !found {
			return nil, kernel.Errorf(http.StatusForbidden, "AccessDenied", "Access Denied")
		}
		return &kernel.Response{Status: http.StatusOK, Body: []byte(body)}, nil
	case "sns":
		return w.publish(c, q)
	}
	return w.iam(c, q)
}

func (w *world) publish(c *kernel.Call, q kernel.Query) (*kernel.Response, error) {
	if q.Get("Subject") != "AWS CloudFormation custom resource request" {
		w.t.Errorf("the subject is %q", q.Get("Subject"))
	}
	var r request
	if err := json.Unmarshal([]byte(q.Get("Message")), &r); err != nil {
		return nil, err
	}
	w.requests <- r
	return kernel.QueryResult(c, "", nil)
}

func (w *world) iam(c *kernel.Call, q kernel.Query) (*kernel.Response, error) {
	name := q.Get("RoleName")
	role := w.roles[name]
	switch {
	case c.Action == "CreateRole" && role != nil:
		return nil, kernel.Errorf(http.StatusConflict, "EntityAlreadyExists", "Role with name %s already exists.", name)
	case c.Action == "CreateRole":
		role = map[string]string{}
		w.roles[name] = role
	case role == nil:
		return nil, kernel.Errorf(http.StatusNotFound, "NoSuchEntity", "The role with name %s cannot be found.", name)
	case c.Action == "DeleteRole":
		delete(w.roles, name)
	}
	key := c.Action
	if policy := q.Get("PolicyName") + q.Get("PolicyArn"); policy != "" {
		key += " " + policy
	}
	role[key] = url.Values(q).Encode()
	type created struct {
		Arn    string
		RoleID string `xml:"RoleId"`
	}
	return kernel.QueryResult(c, "", struct{ Role created }{created{"arn:aws:iam::" + customer + ":role/" + name, "AROA" + name}})
}

func admin() *kernel.Principal {
	return &kernel.Principal{Account: customer, ARN: "arn:aws:iam::" + customer + ":user/admin"}
}

// call makes one API call as the customer, and returns the XML.
func (w *world) call(action string, pairs ...string) (string, error) {
	values := url.Values{"Action": {action}, "Version": {"2010-05-15"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	body := []byte(values.Encode())
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, "/", strings.NewReader(""))
	if err != nil {
		return "", err
	}
	response, err := w.Serve(&kernel.Call{
		Context: w.t.Context(), Principal: admin(), Service: "cloudformation", Action: action, Region: region,
		Request: r, Body: body,
	})
	if err != nil {
		return "", err
	}
	return string(response.Body), nil
}

func (w *world) must(action string, pairs ...string) string {
	w.t.Helper()
	body, err := w.call(action, pairs...)
	if err != nil {
		w.t.Fatalf("%s: %v", action, err)
	}
	return body
}

// create starts a stack and returns its ID.
func (w *world) create(body string, pairs ...string) string {
	w.t.Helper()
	answer := w.must("CreateStack", append([]string{
		"StackName", "access", "TemplateBody", body, "Capabilities.member.1", "CAPABILITY_NAMED_IAM",
	}, pairs...)...)
	_, rest, _ := strings.Cut(answer, "<StackId>")
	id, _, _ := strings.Cut(rest, "</StackId>")
	return id
}

func (w *world) update(body string, pairs ...string) {
	w.t.Helper()
	w.must("UpdateStack", append([]string{
		"StackName", "access", "TemplateBody", body, "Capabilities.member.1", "CAPABILITY_NAMED_IAM",
	}, pairs...)...)
}

// created creates a stack, for which the vendor answers with a physical ID, and
// returns the stack's ID.
func (w *world) created(body, physicalID string, pairs ...string) string {
	w.t.Helper()
	id := w.create(body, pairs...)
	w.succeed(w.next("Create"), physicalID)
	w.settled(id, "CREATE_COMPLETE")
	return id
}

// patience is how long a test waits for an event. It only expires if the test
// fails.
const patience = 20 * time.Second

// next returns the next request to the vendor, which must be of the given type.
func (w *world) next(kind string) request {
	w.t.Helper()
	select {
	case r := <-w.requests:
		if r.RequestType != kind {
			w.t.Fatalf("the vendor was asked to %s %s (%s), not to %s", r.RequestType, r.LogicalResourceId, r.PhysicalResourceId, kind)
		}
		return r
	case <-time.After(patience):
		w.t.Fatalf("the vendor was not asked to %s", kind)
	}
	return request{}
}

// wantNoRequest fails the test if there is a request to the vendor.
func (w *world) wantNoRequest() {
	w.t.Helper()
	select {
	case r := <-w.requests:
		w.t.Fatalf("the vendor was asked to %s %s, and should not have been", r.RequestType, r.LogicalResourceId)
	default:
	}
}

// reply sends an answer to a request, with the IDs of the request unless a has
// others.
func (w *world) reply(r request, a map[string]any) {
	w.t.Helper()
	full := map[string]any{
		"StackId": r.StackId, "RequestId": r.RequestId, "LogicalResourceId": r.LogicalResourceId,
	}
	for k, v := range a {
		full[k] = v
	}
	body, err := json.Marshal(full)
	if err != nil {
		w.t.Fatal(err)
	}
	w.callback(region, r.StackId+"|"+r.LogicalResourceId+"|"+r.RequestId, body)
}

func (w *world) succeed(r request, physicalID string) {
	w.t.Helper()
	w.reply(r, map[string]any{"Status": "SUCCESS", "PhysicalResourceId": physicalID, "Data": map[string]any{"Greeting": "hello"}})
}

func (w *world) refuse(r request, physicalID, reason string) {
	w.t.Helper()
	w.reply(r, map[string]any{"Status": "FAILED", "PhysicalResourceId": physicalID, "Reason": reason})
}

// settled waits until no operation is in progress, checks the stack's status,
// and returns the stack.
func (w *world) settled(id, status string) Stack {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	st, err := w.WaitFor(ctx, id, Stack.Settled)
	if err != nil || st.Status != status {
		w.t.Fatalf("the stack is %s (%v), want %s; its events:\n%s", st.Status, err, status, w.eventLog(id))
	}
	return st
}

// eventLog returns the stack's events, one per line, without IDs and times.
func (w *world) eventLog(id string) string {
	var b strings.Builder
	for _, e := range w.Events(id) {
		b.WriteString(e.LogicalResourceID + " " + e.ResourceStatus)
		if e.ResourceStatusReason != "" {
			b.WriteString(": " + e.ResourceStatusReason)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// wantEvents checks that the stack's events contain each of the texts.
func (w *world) wantEvents(id string, sentences ...string) {
	w.t.Helper()
	log := w.eventLog(id)
	for _, s := range sentences {
		if !strings.Contains(log, s) {
			w.t.Errorf("the events do not contain %q:\n%s", s, log)
		}
	}
}

// phoneHome returns a template with a role and a custom resource that needs it.
// settings are JSON members of the custom resource's properties.
func phoneHome(settings ...string) string {
	return named("PhoneHome", settings...)
}

// named returns the template of phoneHome, with another logical ID of the
// custom resource.
func named(logicalID string, settings ...string) string {
	properties := append([]string{
		`"ServiceToken": "` + topic + `"`, `"ServiceTimeout": 900`,
		`"RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}`, `"Live": true`, `"List": [1, "two"]`,
	}, settings...)
	return `{"Resources": {
		"Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "acme-access", "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}}},
		` + strconv.Quote(logicalID) + `: {"Type": "Custom::XacctPhoneHome", "Properties": {` + strings.Join(properties, ", ") + `}}
	}, "Outputs": {"Said": {"Value": {"Fn::GetAtt": ["` + logicalID + `", "Greeting"]}}, "Id": {"Value": {"Ref": "` + logicalID + `"}}}}`
}
