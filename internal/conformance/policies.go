// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/leastpolicy"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// policyChecks and storyChecks use the same story, which is run only once.
var policyChecks = []Check{
	policyCheck(provider, "creates, changes and deletes a hub"),
	policyCheck(api, "issues and closes links"),
	policyCheck(answerer, "answers, proves and registers"),
	policyCheck(operator, "looks after customers"),
	policyCheck(tenant, "launches, updates and deletes its stack"),
}

func policyCheck(name, what string) Check {
	place := "internal/leastpolicy"
	if name == tenant {
		place = "templates/guides/troubleshooting.md.tmpl (what the customer needs)"
	}
	return Check{
		ID: "L." + name, Title: fmt.Sprintf("The least policy of the %s is enough (it %s), and refuses the rest", name, what),
		Place: place, Makes: "a hub, a stack, roles",
		run: func(ctx context.Context, t *trial) error {
			s, err := t.runStory(ctx)
			if err != nil {
				return err
			}
			if err := s.failed[name]; err != nil && isDenied(err) {
				return instead("the policy is not enough: %v", err)
			} else if err != nil {
				return err
			}
			if err := s.allowed[name]; err != nil {
				return instead("%v", err)
			}
			if len(s.failed) > 0 {
				return errors.New("the workflow did not complete: see the check \"story\"")
			}
			return nil
		},
	}
}

// parts returns the names of the resources of the story's hub.
func (s *story) parts() leastpolicy.Parts {
	home := s.t.home()
	return leastpolicy.Parts{
		Account: s.t.Vendor.Account, Region: home,
		Queue: hub.QueueName(s.hubName), DeadLetterQueue: hub.DeadLetterQueueName(s.hubName),
		Table: registry.TableName(s.hubName), Partitions: registry.Partitions(),
		Topics: []account.TopicARN{{Region: home, Account: s.t.Vendor.Account, Name: hub.TopicName(s.hubName, 0)}},
		Bucket: hub.BucketPattern(s.hubName, s.t.Vendor.Account, home),
	}
}

// createRoles creates a role for each least policy.
func (s *story) createRoles(ctx context.Context) error {
	for name, write := range map[string]func(leastpolicy.Parts) (iampolicy.Document, error){
		provider: leastpolicy.Provider, api: leastpolicy.API, answerer: leastpolicy.Registrar, operator: leastpolicy.Operator,
	} {
		document, err := write(s.parts())
		if err != nil {
			return err
		}
		if s.principals[name], err = s.t.principalWith(ctx, s.t.Vendor, "as-"+name, document.String()); err != nil {
			return err
		}
	}
	var err error
	s.principals[tenant], err = s.t.principal(ctx, s.t.Customer, "as-customer", s.customerPolicy()...)
	return err
}

// customerPolicy returns the permissions that a person of the customer needs for the
// stack of one link.
func (s *story) customerPolicy() []statement {
	partition, region, id := s.t.home().Partition(), s.t.home(), s.t.Customer.Account
	return []statement{
		{"Effect": "Allow", "Action": []string{
			"cloudformation:CreateStack", "cloudformation:DeleteStack", "cloudformation:DescribeStackEvents",
			"cloudformation:DescribeStacks", "cloudformation:UpdateStack",
		}, "Resource": fmt.Sprintf("arn:%s:cloudformation:%s:%s:stack/%s/*", partition, region, id, s.t.name("access"))},
		{"Effect": "Allow", "Action": []string{
			"iam:CreateRole", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies",
			"iam:ListRolePolicies", "iam:PutRolePolicy", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole",
		}, "Resource": fmt.Sprintf("arn:%s:iam::%s:role/%s", partition, id, s.t.name("customer"))},
		{"Effect": "Allow", "Action": "s3:GetObject", "Resource": fmt.Sprintf("arn:%s:s3:::%s/%s*", partition, s.parts().Bucket, iampolicy.TemplatePrefix)},
		{"Effect": "Allow", "Action": "sns:Publish", "Resource": s.parts().Topics[0].String()},
	}
}

// tryForbidden makes, as each role, calls that the role's policy does not allow. None
// of them would change anything if it were allowed.
func (s *story) tryForbidden(ctx context.Context) error {
	table, queue, topic := s.parts().Table, s.record.QueueURL, s.parts().Topics[0].String()
	never := aws.String("attribute_exists(conformance_never)")
	read := func(partition string) func(*Party) error {
		return func(p *Party) error {
			_, err := p.DynamoDB().GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: item{"pk": text(partition), "sk": text(partition)}})
			return err
		}
	}
	write := func(partition string) func(*Party) error {
		return func(p *Party) error {
			_, err := p.DynamoDB().PutItem(ctx, &dynamodb.PutItemInput{TableName: &table, Item: item{"pk": text(partition), "sk": text("-")}, ConditionExpression: never})
			return err
		}
	}
	scan := func(p *Party) error {
		_, err := p.DynamoDB().Scan(ctx, &dynamodb.ScanInput{TableName: &table, Limit: aws.Int32(1)})
		return err
	}
	attributes := func(p *Party) error {
		_, err := p.SNS(s.t.home()).GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &topic})
		return err
	}
	receive := func(p *Party) error {
		_, err := p.SQS(s.t.home()).ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &queue, MaxNumberOfMessages: 1, VisibilityTimeout: 1})
		return err
	}
	put := func(p *Party) error {
		_, err := p.S3().PutObject(ctx, &s3.PutObjectInput{Bucket: &s.record.Bucket, Key: aws.String("conformance"), Body: strings.NewReader("x")})
		return err
	}
	roles := func(p *Party) error {
		_, err := p.iam().ListRoles(ctx, &iam.ListRolesInput{MaxItems: aws.Int32(1)})
		return err
	}
	become := func(p *Party) error {
		_, err := assume(ctx, p, sts.AssumeRoleInput{RoleArn: aws.String(fmt.Sprintf("arn:%s:iam::%s:role/%s", s.t.home().Partition(), s.t.Vendor.Account, s.t.name("as-api")))})
		return err
	}
	publish := func(p *Party) error {
		_, err := p.SNS(s.t.home()).Publish(ctx, &sns.PublishInput{TopicArn: aws.String(topic + "-else"), Message: aws.String("x")})
		return err
	}
	for name, tries := range map[string]map[string]func(*Party) error{
		provider: {"scan the table": scan, "list roles": roles, "become a role of its own account": become},
		api:      {"receive from the queue": receive, "write a permission set": write("SET#x"), "write a template": put, "scan the table": scan, "list roles": roles},
		answerer: {"read the key of external IDs": read("KEY"), "write a link": write("LINK#0"), "read the topic's policy": attributes, "write a template": put, "scan the table": scan, "become a role of its own account": become},
		operator: {"read the key of external IDs": read("KEY"), "write a permission set": write("SET#x"), "read the topic's policy": attributes, "receive from the queue": receive, "write a template": put},
		tenant:   {"list roles": roles, "publish elsewhere": publish, "read the table": read("HUB")},
	} {
		for what, try := range tries {
			if err := try(s.principals[name]); err == nil || !accessDenied(err) {
				s.t.note(name+": "+what, fmt.Sprint(err))
				s.allowed[name] = errors.Join(s.allowed[name], errors.New("it can "+what))
			}
		}
	}
	return nil
}
