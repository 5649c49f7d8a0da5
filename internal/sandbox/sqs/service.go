// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package sqs is the sandbox's Amazon SQS: standard queues in memory, by the
// JSON protocol that the SDKs and the AWS command line use, with visibility,
// delays, retention and redrive by the sandbox's clock, and every call
// authorized by identity and queue policies.
//
// Queues may be encrypted with a KMS key, which is used for each message.
//
// FIFO queues, message move tasks and AddPermission are not implemented: a call
// that uses them returns an error.
package sqs

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// Service is SQS for all accounts and Regions of a sandbox.
//
// One lock guards its state, because queues are few and calls are short. It is
// never held during a call to the authorizer.
type Service struct {
	clock      *kernel.Clock
	authorizer kernel.Authorizer
	accounts   kernel.Accounts
	inside     kernel.Inside // to KMS
	rand       io.Reader     // for message IDs and receipt handles
	url        string

	mu      sync.Mutex
	queues  map[queueKey]*queue
	deleted map[queueKey]time.Time // times of deletion
}

// queueKey identifies a queue. A queue URL does not contain the Region, which
// is that of the call's credential scope.
type queueKey struct{ account, region, name string }

func (k queueKey) arn() string {
	return "arn:" + kernel.Partition(k.region) + ":sqs:" + k.region + ":" + k.account + ":" + k.name
}

// New returns an SQS without queues.
func New(env kernel.Env) *Service {
	return &Service{
		clock:      env.Clock,
		authorizer: env.Authorizer,
		accounts:   env.Accounts,
		inside:     env.Inside,
		rand:       env.Rand,
		url:        env.URL,
		queues:     map[queueKey]*queue{},
		deleted:    map[queueKey]time.Time{},
	}
}

var _ kernel.Service = (*Service)(nil)

// Action returns the name of the operation in the X-Amz-Target header.
func (s *Service) Action(r *http.Request, _ []byte) string { return kernel.JSONAction(r) }

// operations decode their input, authorize the call, and execute it.
var operations = map[string]func(*Service, *kernel.Call) (any, error){
	"CreateQueue":                  (*Service).createQueue,
	"GetQueueUrl":                  (*Service).getQueueURL,
	"GetQueueAttributes":           (*Service).getQueueAttributes,
	"SetQueueAttributes":           (*Service).setQueueAttributes,
	"DeleteQueue":                  (*Service).deleteQueue,
	"ListQueues":                   (*Service).listQueues,
	"ListDeadLetterSourceQueues":   (*Service).listDeadLetterSourceQueues,
	"TagQueue":                     (*Service).tagQueue,
	"UntagQueue":                   (*Service).untagQueue,
	"ListQueueTags":                (*Service).listQueueTags,
	"PurgeQueue":                   (*Service).purgeQueue,
	"SendMessage":                  (*Service).sendMessage,
	"SendMessageBatch":             (*Service).sendMessageBatch,
	"ReceiveMessage":               (*Service).receiveMessage,
	"DeleteMessage":                (*Service).deleteMessage,
	"DeleteMessageBatch":           (*Service).deleteMessageBatch,
	"ChangeMessageVisibility":      (*Service).changeMessageVisibility,
	"ChangeMessageVisibilityBatch": (*Service).changeMessageVisibilityBatch,
}

// Serve executes one operation and returns its response.
func (s *Service) Serve(c *kernel.Call) (*kernel.Response, error) {
	return kernel.ServeJSON(s, operations, c)
}

// allow returns an error if the caller may not use an action on a queue. For a
// missing queue, the key has the caller's account and the policy is empty, so
// that a caller without permission cannot find out whether the queue exists.
func (s *Service) allow(c *kernel.Call, action string, key queueKey, policy string) error {
	if c.Principal == nil && policy == "" {
		return kernel.Errorf(http.StatusForbidden, "AccessDenied", "Access to the resource %s is denied.", key.arn())
	}
	return accessDenied(s.authorizer.Authorize(kernel.Authorization{
		Principal:       c.Principal,
		Action:          "sqs:" + action,
		Resource:        key.arn(),
		ResourceAccount: key.account,
		ResourcePolicy:  policy,
	}))
}

// accessDenied returns the authorizer's error with SQS's code.
func accessDenied(err error) error {
	var denied *kernel.Error
	if errors.As(err, &denied) && strings.HasPrefix(denied.Code, "AccessDenied") {
		return &kernel.Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: denied.Message}
	}
	return err
}
