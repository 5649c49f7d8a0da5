// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package sns is the sandbox's Amazon SNS: standard topics in memory, by the
// query protocol, with topic policies that are checked when they are set, as on
// AWS, and evaluated at every call, and signed notifications that are delivered
// to SQS queues in any Region.
//
// It delivers only to SQS. FIFO topics, messages for topics with a KMS key,
// PublishBatch, and subscriptions that need confirmation are not implemented: a
// call that uses them returns an error.
package sns

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/sqs"
)

// queues is the sandbox's SQS, which receives notifications.
type queues interface {
	Deliver(ctx context.Context, d sqs.Delivery) error
}

// Service is SNS for all accounts and Regions of a sandbox.
//
// One lock guards its state; it is never held during a call to the authorizer
// or to SQS.
type Service struct {
	clock      *kernel.Clock
	authorizer kernel.Authorizer
	accounts   kernel.Accounts
	faults     *kernel.Faults
	journal    *kernel.Journal
	rand       io.Reader
	queues     queues
	signer     *signer

	mu            sync.Mutex
	topics        map[topicKey]*topic
	subscriptions map[string]*subscription // by ARN
	metrics       map[string]*Metrics      // by the topic's ARN
}

var _ kernel.Service = (*Service)(nil)

// New returns an SNS without topics, which delivers to the queues.
func New(env kernel.Env, q queues) *Service {
	return &Service{
		clock:         env.Clock,
		authorizer:    env.Authorizer,
		accounts:      env.Accounts,
		faults:        env.Faults,
		journal:       env.Journal,
		rand:          env.Rand,
		queues:        q,
		signer:        newSigner(env.Rand),
		topics:        map[topicKey]*topic{},
		subscriptions: map[string]*subscription{},
		metrics:       map[string]*Metrics{},
	}
}

// Action returns the name of the operation that a request calls.
func (s *Service) Action(r *http.Request, body []byte) string { return kernel.QueryAction(r, body) }

// EncodeError returns the response for an error in the query protocol.
func (s *Service) EncodeError(c *kernel.Call, e *kernel.Error) *kernel.Response {
	return kernel.QueryError(c, namespace, e)
}

const namespace = "http://sns.amazonaws.com/doc/2010-03-31/"

// operations parse their parameters, authorize the call, and execute it. A nil
// result is a response without a Result element.
var operations = map[string]func(*Service, *kernel.Call, kernel.Query) (any, error){
	"CreateTopic":               (*Service).createTopic,
	"GetTopicAttributes":        (*Service).getTopicAttributes,
	"SetTopicAttributes":        (*Service).setTopicAttributes,
	"DeleteTopic":               (*Service).deleteTopic,
	"ListTopics":                (*Service).listTopics,
	"AddPermission":             (*Service).addPermission,
	"RemovePermission":          (*Service).removePermission,
	"TagResource":               (*Service).tagResource,
	"UntagResource":             (*Service).untagResource,
	"ListTagsForResource":       (*Service).listTagsForResource,
	"Subscribe":                 (*Service).subscribe,
	"Unsubscribe":               (*Service).unsubscribe,
	"ListSubscriptions":         (*Service).listSubscriptions,
	"ListSubscriptionsByTopic":  (*Service).listSubscriptionsByTopic,
	"GetSubscriptionAttributes": (*Service).getSubscriptionAttributes,
	"SetSubscriptionAttributes": (*Service).setSubscriptionAttributes,
	"Publish":                   (*Service).publish,
}

// Serve executes one operation and returns its response.
func (s *Service) Serve(c *kernel.Call) (*kernel.Response, error) {
	run, ok := operations[c.Action]
	if !ok {
		return nil, kernel.UnknownQueryAction(c)
	}
	result, err := run(s, c, kernel.ParseQuery(c.Request, c.Body))
	if err != nil {
		return nil, err
	}
	return kernel.QueryResult(c, namespace, result)
}

// allow returns an error if the caller may not use an action on a topic or
// subscription.
func (s *Service) allow(c *kernel.Call, action, resource, owner, policy string, context map[string][]string) error {
	keys := map[string][]string{"sns:endpoint": nil, "sns:protocol": nil} // known, without a value unless context has one
	for name, values := range context {
		keys[name] = values
	}
	err := s.authorizer.Authorize(kernel.Authorization{
		Principal:       c.Principal,
		Action:          "SNS:" + action,
		Resource:        resource,
		ResourceAccount: owner,
		ResourcePolicy:  policy,
		Context:         keys,
	})
	// SNS has its own name for AccessDenied (aws-facts 5.6).
	var denied *kernel.Error
	if errors.As(err, &denied) && strings.HasPrefix(denied.Code, "AccessDenied") {
		return kernel.Errorf(http.StatusForbidden, "AuthorizationError", "%s", denied.Message)
	}
	return err
}

// The following functions return the errors of several operations (aws-facts
// 5.6).

func errParameter(format string, args ...any) error {
	return kernel.Errorf(http.StatusBadRequest, "InvalidParameter", "Invalid parameter: "+format, args...)
}

func errNoTopic() error {
	return kernel.Errorf(http.StatusNotFound, "NotFound", "Topic does not exist")
}

// errNotInSandbox returns the error for an AWS feature that the sandbox does
// not implement.
func errNotInSandbox(what string) error {
	return errParameter("The sandbox does not implement %s", what)
}
