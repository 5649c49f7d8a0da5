// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/cloudformation/template"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// customResource handles custom resources. It publishes a request, as the
// customer, to the topic in the resource's ServiceToken, and waits for the
// answer that the vendor puts to the presigned URL in the request.
type customResource struct{ s *Service }

// request is the message (aws-facts 1.1, 1.2). Every scalar in it is a string.
type request struct {
	RequestType           string
	ServiceToken          string
	ResponseURL           string
	StackId               string
	RequestId             string
	LogicalResourceId     string
	PhysicalResourceId    string `json:",omitempty"`
	ResourceType          string
	ServiceTimeout        string `json:",omitempty"`
	ResourceProperties    map[string]any
	OldResourceProperties map[string]any `json:",omitempty"`
}

// responseURLLife is how long a response URL is valid (aws-facts 1.9).
const responseURLLife = 7200 * time.Second

func (c customResource) create(ctx context.Context, o *operation, r *resource) (outcome, error) {
	answer, err := c.ask(ctx, o, r, request{RequestType: "Create"}, r.properties)
	if err != nil && answer.sent && answer.PhysicalResourceID == "" {
		// The vendor has the request and has not sent an ID: CloudFormation
		// generates one, which is in the rollback's Delete (aws-facts 1.13).
		answer.PhysicalResourceID = c.s.newPhysicalID(o.st, r.logicalID)
	}
	return answer.outcome(), err
}

func (c customResource) update(ctx context.Context, o *operation, r *resource, properties map[string]any) (outcome, error) {
	answer, err := c.ask(ctx, o, r, request{
		RequestType: "Update", PhysicalResourceId: r.physicalID,
		OldResourceProperties: stringProperties(r.properties),
	}, properties)
	return answer.outcome(), err
}

func (c customResource) delete(ctx context.Context, o *operation, r *resource) error {
	_, err := c.ask(ctx, o, r, request{RequestType: "Delete", PhysicalResourceId: r.physicalID}, r.properties)
	return err
}

func (customResource) replaces(r *resource, properties map[string]any) (bool, error) {
	if !same(map[string]any{"": r.properties["ServiceToken"]}, map[string]any{"": properties["ServiceToken"]}) {
		return false, errors.New("Modifying service token is not allowed.")
	}
	return false, nil
}

// ask publishes one request, waits for its answer until the resource's timeout
// by the sandbox's clock, and returns the answer. If the request was published,
// the answer's field sent is true, also if there is an error.
func (c customResource) ask(ctx context.Context, o *operation, r *resource, q request, properties map[string]any) (answer, error) {
	text := stringProperties(properties)
	q.ServiceToken, _ = text["ServiceToken"].(string)
	q.ServiceTimeout, _ = text["ServiceTimeout"].(string)
	timeout, err := checkService(q.ServiceToken, q.ServiceTimeout)
	if err != nil {
		return answer{}, err
	}
	q.StackId, q.LogicalResourceId, q.ResourceType = o.st.id, r.logicalID, r.kind
	q.RequestId, q.ResourceProperties = c.s.newID(), text
	key := q.StackId + "|" + q.LogicalResourceId + "|" + q.RequestId
	p, forget := c.s.expect(ctx, key)
	defer forget()
	q.ResponseURL = c.s.responses.PresignPut(o.st.region, responseBucket(o.st.region), key, responseURLLife)
	deadline := c.s.now().Add(timeout)
	if err := c.publish(o, q); err != nil {
		return answer{}, err
	}
	waited := c.s.env.Clock.WaitUntil(p.ctx, deadline)
	body, arrived := p.body()
	switch {
	case arrived:
		return readAnswer(q, key, body, storageBucket(o.st.region))
	case waited == nil:
		return answer{sent: true}, fmt.Errorf("CloudFormation did not receive a response from your Custom Resource. "+
			"Please check your logs for requestId [%s]. If you are using the Python cfn-response module, you may need to "+
			"update your Lambda function code so that CloudFormation can attach the updated version.", q.RequestId)
	}
	return answer{sent: true}, errCancelled
}

func (c customResource) publish(o *operation, q request) error {
	params := url.Values{
		"TopicArn": {q.ServiceToken}, "Message": {encodeJSON(q)},
		"Subject": {"AWS CloudFormation custom resource request"},
	}
	// The call goes to the stack's own Region, whatever Region the ARN has: SNS
	// refuses a topic of another Region (aws-facts 1.6).
	return serviceError(retrying(func() error {
		return kernel.CallQuery(o.s.ctx, o.s.env.Inside, o.principal, o.st.region, "sns", "Publish", params, nil)
	}), "AmazonSNS", o.s.newID())
}

// serviceError returns the error of a service with the text that the events of
// custom resources show.
func serviceError(err error, service, requestID string) error {
	var aws *kernel.Error
	if errors.As(err, &aws) {
		return fmt.Errorf("%s (Service: %s; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)",
			aws.Message, service, aws.Status, aws.Code, requestID)
	}
	return err
}

// retrying calls up to five times, while there are throttling and server
// errors, as CloudFormation's own client does. It returns the last error.
func retrying(call func() error) error {
	var err error
	for range 5 {
		var aws *kernel.Error
		err = call()
		if !errors.As(err, &aws) || aws.Status < 500 && aws.Status != http.StatusTooManyRequests &&
			!strings.Contains(aws.Code, "Throttl") {
			return err
		}
	}
	return err
}

var topicARN = regexp.MustCompile(`^arn:aws(-[a-z]+)*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$`)

// checkService checks ServiceToken and ServiceTimeout, the two properties that
// CloudFormation itself reads. It returns the timeout, one hour by default.
func checkService(token, timeout string) (time.Duration, error) {
	switch {
	case token == "":
		return 0, errors.New("Invalid custom resource: the property ServiceToken is missing")
	case !topicARN.MatchString(token):
		return 0, fmt.Errorf("The sandbox's CloudFormation implements custom resources over SNS topics only; the ServiceToken is %s", token)
	case timeout == "":
		return time.Hour, nil
	}
	seconds, err := strconv.Atoi(timeout)
	if err != nil || seconds < 1 || seconds > 3600 {
		return 0, fmt.Errorf("Invalid ServiceTimeout %q: it must be a number of seconds between 1 and 3600", timeout)
	}
	return time.Duration(seconds) * time.Second, nil
}

func stringProperties(properties map[string]any) map[string]any {
	text, _ := template.Stringify(properties).(map[string]any)
	return text
}

// responseBucket returns the bucket that answers are written to (aws-facts
// 2.1).
func responseBucket(region string) string {
	return "cloudformation-custom-resource-response-" + strings.ReplaceAll(region, "-", "")
}

// storageBucket returns the bucket that error messages name for the answers.
func storageBucket(region string) string {
	return "cloudformation-custom-resource-storage-" + strings.ReplaceAll(region, "-", "")
}

const suffixAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// newPhysicalID returns a physical ID in the form that CloudFormation generates
// for a resource without a name: the stack's name, the logical ID and a random
// suffix.
func (s *Service) newPhysicalID(st *stack, logicalID string) string {
	suffix := make([]byte, 12)
	s.mu.Lock()
	_, err := s.env.Rand.Read(suffix)
	s.mu.Unlock()
	if err != nil {
		clear(suffix)
	}
	for i, b := range suffix {
		suffix[i] = suffixAlphabet[int(b)%len(suffixAlphabet)]
	}
	return st.name + "-" + logicalID + "-" + string(suffix)
}

// waitConditionHandle is AWS::CloudFormation::WaitConditionHandle. It calls no
// service, and is for templates in tests.
type waitConditionHandle struct{ s *Service }

func (h waitConditionHandle) create(_ context.Context, o *operation, r *resource) (outcome, error) {
	return outcome{physicalID: h.s.newPhysicalID(o.st, r.logicalID)}, nil
}

func (waitConditionHandle) update(context.Context, *operation, *resource, map[string]any) (outcome, error) {
	return outcome{}, nil
}

func (waitConditionHandle) delete(context.Context, *operation, *resource) error { return nil }

func (waitConditionHandle) replaces(_ *resource, properties map[string]any) (bool, error) {
	return false, onlyProperties("AWS::CloudFormation::WaitConditionHandle", properties)
}
