// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package cloudformation is the sandbox's CloudFormation: the customer's side
// of onboarding. It reads a template as the customer, checks parameters, rules
// and capabilities, makes IAM roles, publishes custom-resource requests to the
// vendor's topic with the customer's own rights, waits for the signed answer,
// and rolls back, updates and deletes as AWS does. Service-managed StackSets
// do the same in every account of an organization.
//
// Every stack operation runs in a goroutine of its own, by the sandbox's
// clock, until Close. What it does not implement (change sets, stack policies,
// nested stacks, self-managed StackSets, most resource types) it refuses in the
// API call.
package cloudformation

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/cloudformation/template"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/organizations"
)

const namespace = "http://cloudformation.amazonaws.com/doc/2010-05-15/"

// responses is S3 with CloudFormation's own response buckets, to which only
// URLs signed by CloudFormation can write.
type responses interface {
	PresignPut(region, bucket, key string, expires time.Duration) string
	OnCustomResourceResponse(func(region, key string, body []byte))
}

// Service is CloudFormation in every account and Region of the sandbox.
type Service struct {
	env       kernel.Env
	responses responses
	handlers  map[string]handler // by resource type
	custom    handler

	organizations organizationsOf

	ctx     context.Context // the life of the operations that outlive their call
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	stacks  map[string]*stack    // by stack ID; deleted ones stay
	named   map[place]*stack     // the newest of each name
	waiting map[string]*pending  // custom resources, by the key that their answer is stored under
	sets    map[string]*stackSet // by StackSet ID; deleted ones stay

	executionMu    sync.Mutex        // held while one is made
	executionRoles map[string]string // of StackSets, by account: the role's ARN
}

// organizationsOf knows which accounts belong together, for StackSets.
type organizationsOf interface {
	Of(account string) (organizations.Organization, bool)
	OnChange(func(organizations.Change))
}

// New makes the service; answers to custom resources come in through s3.
func New(env kernel.Env, s3 responses, orgs organizationsOf) *Service {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Service{
		env: env, responses: s3, ctx: ctx, cancel: cancel,
		stacks: map[string]*stack{}, named: map[place]*stack{}, waiting: map[string]*pending{},
		organizations: orgs, sets: map[string]*stackSet{}, executionRoles: map[string]string{},
	}
	s.custom = customResource{s}
	s.handlers = map[string]handler{
		"AWS::IAM::Role":                           roleResource{s},
		"AWS::IAM::Policy":                         policyResource{s},
		"AWS::IAM::RolePolicy":                     rolePolicyResource{s},
		"AWS::IAM::ManagedPolicy":                  managedPolicyResource{s},
		"AWS::CloudFormation::WaitConditionHandle": waitConditionHandle{s},
		"AWS::CloudFormation::StackSet":            stackSetResource{s},
		bucketType:                                 bucketResource{s},
		"AWS::S3::BucketPolicy":                    bucketPolicyResource{s},
		queueType:                                  queueResource{s},
		"AWS::SQS::QueuePolicy":                    queuePolicyResource{s},
		topicType:                                  topicResource{s},
		"AWS::SNS::TopicPolicy":                    topicPolicyResource{s},
		"AWS::SNS::Subscription":                   subscriptionResource{s},
		ruleType:                                   ruleResource{s},
		logGroupType:                               logGroupResource{s},
	}
	s3.OnCustomResourceResponse(s.receive)
	orgs.OnChange(s.follow)
	return s
}

// Close stops all operations where they are and waits for their goroutines.
func (s *Service) Close() {
	s.cancel()
	s.running.Wait()
}

// Action names the operation of a request.
func (s *Service) Action(r *http.Request, body []byte) string { return kernel.QueryAction(r, body) }

// EncodeError writes an error in the query protocol.
func (s *Service) EncodeError(c *kernel.Call, err *kernel.Error) *kernel.Response {
	return kernel.QueryError(c, namespace, err)
}

// Serve executes one call.
func (s *Service) Serve(c *kernel.Call) (*kernel.Response, error) {
	action, found := actions[c.Action]
	if !found {
		return nil, kernel.UnknownQueryAction(c)
	}
	if c.Principal == nil {
		return nil, kernel.Errorf(http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token")
	}
	q := kernel.ParseQuery(c.Request, c.Body)
	if err := onlyKnown(c.Action, q, action.parameters); err != nil {
		return nil, err
	}
	if err := checkTags(q); err != nil {
		return nil, err
	}
	result, err := action.serve(s, c, q)
	if err != nil {
		return nil, apiError(err)
	}
	return kernel.QueryResult(c, namespace, result)
}

// apiError gives a template's fault the code that the API gives it.
func apiError(err error) error {
	var invalid *template.Error
	if errors.As(err, &invalid) {
		return validation("%s", invalid.Message)
	}
	return err
}

func validation(format string, args ...any) *kernel.Error {
	return kernel.Errorf(http.StatusBadRequest, "ValidationError", format, args...)
}

func (s *Service) now() time.Time { return s.env.Clock.Now() }

func (s *Service) newID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newIDLocked()
}

func (s *Service) newIDLocked() string { return kernel.NewRequestID(s.env.Rand) }
