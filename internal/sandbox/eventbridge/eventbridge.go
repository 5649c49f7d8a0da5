// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package eventbridge is the sandbox's Amazon EventBridge, with the JSON 1.1
// protocol: event buses, PutEvents with a result for each entry, and rules that
// send the events that match them to SQS queues. Identity policies authorize
// every call, and a journal holds the accepted events.
//
// It has no other targets, and no archives, pipes, schedules or bus policies, and
// accepts no events for another account: those calls and parameters are
// refused. No other service of the sandbox sends events of its own.
package eventbridge

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/sqs"
)

// Service is EventBridge for all accounts and Regions of a sandbox.
type Service struct {
	clock      *kernel.Clock
	authorizer kernel.Authorizer
	rand       io.Reader
	queues     queues

	mu      sync.Mutex
	buses   map[busKey]*bus
	rules   map[ruleKey]*rule
	journal []Event
	refuse  func(Event) (code string)
}

// queues is SQS, for the targets of rules.
type queues interface {
	Deliver(ctx context.Context, d sqs.Delivery) error
}

// New returns a Service that has only the default buses.
func New(env kernel.Env, queues queues) *Service {
	return &Service{clock: env.Clock, authorizer: env.Authorizer, rand: env.Rand, queues: queues, buses: map[busKey]*bus{}, rules: map[ruleKey]*rule{}}
}

var _ kernel.Service = (*Service)(nil)

// Event is an event as the rules of its bus receive it.
type Event struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`

	Bus string `json:"-"` // ARN
	// Dropped means that the bus does not exist. AWS accepts such an event and
	// loses it (aws-facts 11.2), and so does the sandbox.
	Dropped bool `json:"-"`
}

// Events returns the events that were accepted so far, oldest first.
func (s *Service) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.journal)
}

// Refuse makes PutEvents call with for each entry, and refuse the entry with the
// error code that it returns; an empty code accepts the entry. A nil function
// accepts all entries again.
func (s *Service) Refuse(with func(Event) (code string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = with
}

// Action returns the operation in the X-Amz-Target header.
func (s *Service) Action(r *http.Request, _ []byte) string { return kernel.JSONAction(r) }

// EncodeError implements kernel.Service.
func (s *Service) EncodeError(c *kernel.Call, err *kernel.Error) *kernel.Response {
	return kernel.JSON11(kernel.JSONError(c, "com.amazonaws.events", err))
}

// operations are the functions that decode the input of an operation, authorize
// the call, and execute it.
var operations = map[string]func(*Service, *kernel.Call) (any, error){
	"PutEvents":        (*Service).putEvents,
	"CreateEventBus":   (*Service).createEventBus,
	"DescribeEventBus": (*Service).describeEventBus,
	"DeleteEventBus":   (*Service).deleteEventBus,

	"PutRule":           (*Service).putRule,
	"DescribeRule":      (*Service).describeRule,
	"ListRules":         (*Service).listRules,
	"DeleteRule":        (*Service).deleteRule,
	"PutTargets":        (*Service).putTargets,
	"RemoveTargets":     (*Service).removeTargets,
	"ListTargetsByRule": (*Service).listTargets,
}

// Serve executes one operation.
func (s *Service) Serve(c *kernel.Call) (*kernel.Response, error) {
	return kernel.ServeJSON11(s, operations, c)
}

// allow returns nil if the caller may do an action on a bus of its account, or
// AccessDeniedException.
func (s *Service) allow(c *kernel.Call, action string, key busKey, keys map[string][]string) error {
	return s.allowOn(c, action, key.arn(), key.account, keys)
}

func (s *Service) allowOn(c *kernel.Call, action, arn, account string, keys map[string][]string) error {
	err := s.authorizer.Authorize(kernel.Authorization{
		Principal:       c.Principal,
		Action:          "events:" + action,
		Resource:        arn,
		ResourceAccount: account,
		Context:         keys,
	})
	var denied *kernel.Error
	if errors.As(err, &denied) && strings.HasPrefix(denied.Code, "AccessDenied") {
		return kernel.Errorf(http.StatusBadRequest, "AccessDeniedException", "%s", denied.Message)
	}
	return err
}
