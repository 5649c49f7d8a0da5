// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package sqs is the sandbox's Amazon SQS: standard queues in memory, by the
// JSON protocol that the SDKs and the AWS command line speak, with visibility,
// delays, retention and redrive by the sandbox's clock, and every call judged
// by identity and queue policies.
//
// Queues may be encrypted with a key of KMS, which is asked for each message.
//
// It has no FIFO queues, no message move tasks and no AddPermission: those calls
// and attributes are refused.
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
// One lock guards everything: queues are few and calls are short. It is never
// held while the authorizer is asked.
type Service struct {
	clock      *kernel.Clock
	authorizer kernel.Authorizer
	accounts   kernel.Accounts
	inside     kernel.Inside // to KMS
	rand       io.Reader     // message IDs and receipt handles
	url        string

	mu      sync.Mutex
	queues  map[queueKey]*queue
	deleted map[queueKey]time.Time // names that cool down
}

// queueKey is a queue's identity; a queue URL doesn't name the Region, so it
// comes from the credential scope of the call.
type queueKey struct{ account, region, name string }

func (k queueKey) arn() string {
	return "arn:" + kernel.Partition(k.region) + ":sqs:" + k.region + ":" + k.account + ":" + k.name
}

// New makes an SQS without queues.
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

// Action names the operation of the X-Amz-Target header.
func (s *Service) Action(r *http.Request, _ []byte) string { return kernel.JSONAction(r) }

// operations decode their input, check that it is allowed, and do it.
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

// Serve runs one operation.
func (s *Service) Serve(c *kernel.Call) (*kernel.Response, error) {
	run, ok := operations[c.Action]
	if !ok {
		return nil, kernel.UnknownJSONAction(c)
	}
	out, err := run(s, c)
	if err != nil {
		return nil, err
	}
	return kernel.JSONResult(c, out)
}

// allow asks whether the caller may do something to a queue. The queue's owner
// and policy are handed over; a queue that isn't there has neither, so that a
// caller without permission can't find out.
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

// accessDenied passes the authorizer's answer on in SQS's words.
func accessDenied(err error) error {
	var denied *kernel.Error
	if errors.As(err, &denied) && strings.HasPrefix(denied.Code, "AccessDenied") {
		return &kernel.Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: denied.Message}
	}
	return err
}
