// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/cloudformation"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/eventbridge"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kms"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/logs"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/organizations"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/s3"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/sns"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/sqs"
)

// addServices creates every service, by its SigV4 name. All have the same
// environment. They call each other through kernel.Inside, or directly if they are
// created with another service.
func (s *Sandbox) addServices(env kernel.Env) {
	queues := sqs.New(env)
	topics := sns.New(env, queues)
	objects := s3.New(env)
	s.certificates = topics.Certificates()
	s.services = map[string]kernel.Service{
		"iam":            s.identity.IAM(),
		"sts":            s.identity.STS(),
		"sqs":            queues,
		"sns":            topics,
		"s3":             objects,
		"dynamodb":       dynamodb.New(env),
		"kms":            kms.New(env),
		"cloudformation": cloudformation.New(env, objects, s.orgs),
		"events":         eventbridge.New(env, queues),
		"logs":           logs.New(env),
		"organizations":  organizations.NewService(env, s.orgs),
	}
}
