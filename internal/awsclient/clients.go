// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package awsclient creates clients of the AWS services that a hub uses from a
// configuration, and classifies errors of AWS.
//
// A configuration (profiles, chains of assumed roles, shared files, endpoints, retries,
// environment variables) has the same meaning as in the hashicorp/aws provider, because
// both use the same library. The package depends neither on Terraform nor on hubs.
package awsclient

import (
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Clients contains the clients of AWS services for one principal. Each client is
// created on first use and cached; all methods are safe for concurrent use.
type Clients struct {
	// Account is the account of the credentials.
	Account account.ID
	// CallerARN is the ARN of the principal, from sts:GetCallerIdentity.
	CallerARN string
	// Region is the configured Region, in which a hub's queue, bucket and table are.
	Region account.Region
	// Bundle contains the PEM root certificates from AWS_CA_BUNDLE or the profile's
	// ca_bundle; nil if neither is set.
	Bundle []byte

	config    aws.Config
	endpoints map[string]string

	sns     perRegion[*sns.Client]
	sqs     perRegion[*sqs.Client]
	s3      perRegion[*s3.Client]
	sts     perRegion[*sts.Client]
	dynamo  perRegion[*dynamodb.Client]
	events  perRegion[*eventbridge.Client]
	assumed assumed
}

// SDK returns a copy of the SDK configuration, for services that a hub does not use. It
// does not contain Config.Endpoints.
func (c *Clients) SDK() aws.Config { return c.config.Copy() }

// Partition returns the partition of the configured Region.
func (c *Clients) Partition() account.Partition { return c.Region.Partition() }

// SNS returns the SNS client of a Region.
func (c *Clients) SNS(region account.Region) *sns.Client {
	return c.sns.get(region, func() *sns.Client {
		return sns.NewFromConfig(c.config, func(o *sns.Options) {
			o.Region = region.String()
			override(&o.BaseEndpoint, c.endpoints["sns"])
		})
	})
}

// SQS returns the SQS client of a Region.
func (c *Clients) SQS(region account.Region) *sqs.Client {
	return c.sqs.get(region, func() *sqs.Client {
		return sqs.NewFromConfig(c.config, func(o *sqs.Options) {
			o.Region = region.String()
			override(&o.BaseEndpoint, c.endpoints["sqs"])
		})
	})
}

// STS returns the STS client of a Region.
func (c *Clients) STS(region account.Region) *sts.Client {
	return c.sts.get(region, func() *sts.Client {
		return sts.NewFromConfig(c.config, func(o *sts.Options) {
			o.Region = region.String()
			override(&o.BaseEndpoint, c.endpoints["sts"])
		})
	})
}

// DynamoDB returns the DynamoDB client of the configured Region.
func (c *Clients) DynamoDB() *dynamodb.Client {
	return c.dynamo.get(c.Region, func() *dynamodb.Client {
		return dynamodb.NewFromConfig(c.config, func(o *dynamodb.Options) {
			o.Region = c.Region.String()
			override(&o.BaseEndpoint, c.endpoints["dynamodb"])
		})
	})
}

// EventBridge returns the EventBridge client of a Region.
func (c *Clients) EventBridge(region account.Region) *eventbridge.Client {
	return c.events.get(region, func() *eventbridge.Client {
		return eventbridge.NewFromConfig(c.config, func(o *eventbridge.Options) {
			o.Region = region.String()
			override(&o.BaseEndpoint, c.endpoints["eventbridge"])
		})
	})
}

// S3 returns the S3 client of the configured Region.
func (c *Clients) S3() *s3.Client {
	return c.s3.get(c.Region, func() *s3.Client {
		return s3.NewFromConfig(c.config, func(o *s3.Options) {
			o.Region = c.Region.String()
			override(&o.BaseEndpoint, c.endpoints["s3"])
			// A bucket name cannot be a part of a loopback address.
			o.UsePathStyle = o.UsePathStyle || o.BaseEndpoint != nil
		})
	})
}

// Endpoint returns the custom endpoint of a service ("s3") from the configuration or
// the environment; empty for AWS's default.
func (c *Clients) Endpoint(service string) string {
	var base *string
	switch service {
	case "sns":
		base = c.SNS(c.Region).Options().BaseEndpoint
	case "sqs":
		base = c.SQS(c.Region).Options().BaseEndpoint
	case "sts":
		base = c.STS(c.Region).Options().BaseEndpoint
	case "dynamodb":
		base = c.DynamoDB().Options().BaseEndpoint
	case "s3":
		base = c.S3().Options().BaseEndpoint
	}
	return aws.ToString(base)
}

// override replaces an endpoint if the configuration has one; otherwise the endpoint
// that the SDK found in the environment or the shared files stays.
func override(base **string, endpoint string) {
	if endpoint != "" {
		*base = aws.String(endpoint)
	}
}

// perRegion caches one client for each Region.
type perRegion[T any] struct {
	mu      sync.Mutex
	clients map[account.Region]T
}

func (p *perRegion[T]) get(region account.Region, make func() T) T {
	p.mu.Lock()
	defer p.mu.Unlock()
	if client, ok := p.clients[region]; ok {
		return client
	}
	if p.clients == nil {
		p.clients = map[account.Region]T{}
	}
	client := make()
	p.clients[region] = client
	return client
}
