// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// removers delete one resource, by kind. Deleting a resource that doesn't exist
// succeeds.
var removers = map[string]func(ctx context.Context, w *World, p *Party, in account.Region, name string) error{
	"stack": removeStack, "topic": removeTopic, "queue": removeQueue, "bucket": removeBucket, "table": removeTable,
	"role": removeRole, "key": removeKey, "bus": removeBus, "hub": removeHub, "stackset": removeStackSet,
}

// partyOf returns the account of a ledger entry.
func (w *World) partyOf(name string) *Party {
	switch name {
	case "vendor":
		return w.Vendor
	case "customer":
		return w.Customer
	}
	return w.Extra[Need(name)]
}

// creates records a resource that the caller is about to create.
func (w *World) creates(p *Party, kind string, in account.Region, name string) error {
	return w.Ledger.Write(Entry{Party: p.name, Kind: kind, Region: in.String(), Name: name})
}

// removes deletes one resource, and records in the ledger that it is gone.
func (w *World) removes(ctx context.Context, p *Party, kind string, in account.Region, name string) error {
	if err := removers[kind](ctx, w, p, in, name); err != nil {
		return fmt.Errorf("delete %s %s: %w", kind, name, err)
	}
	return w.Ledger.Write(Entry{Party: p.name, Kind: kind, Region: in.String(), Name: name, Gone: true})
}

// Clean deletes the resources in the ledger, the newest first, and returns what could
// not be deleted. It tries resources that others depend on again after those.
func Clean(ctx context.Context, w *World, tell func(Entry, error)) error {
	var failed []error
	for range 3 {
		failed = nil
		for _, e := range w.Ledger.Left() {
			p := w.partyOf(e.Party)
			region, err := account.ParseRegion(e.Region)
			switch {
			case err != nil:
			case p == nil:
				err = fmt.Errorf("no credentials of %s are given", e.Party)
			default:
				err = w.removes(ctx, p, e.Kind, region, e.Name)
			}
			tell(e, err)
			if err != nil {
				failed = append(failed, err)
			}
		}
		if len(failed) == 0 || ctx.Err() != nil {
			break
		}
	}
	return errors.Join(failed...)
}

// gone returns nil for an error that means that nothing is left to delete.
func gone(err error) error {
	if awsclient.IsNotFound(err) || awsclient.HasCode(err, "NoSuchEntity", "NoSuchBucket", "NotFoundException", "NotFound", "QueueDoesNotExist",
		"AWS.SimpleQueueService.NonExistentQueue", "ResourceNotFoundException", "StackSetNotFoundException", "KMSInvalidStateException") {
		return nil
	}
	return err
}

// removeStack deletes a stack. The deletion fails if its custom resources get no
// answer; then it deletes the stack by force (aws-facts 1.14).
func removeStack(ctx context.Context, w *World, p *Party, in account.Region, name string) error {
	client := p.cloudFormation(in)
	for _, mode := range []cfntypes.DeletionMode{"", cfntypes.DeletionModeForceDeleteStack} {
		if _, err := client.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &name, DeletionMode: mode}); err != nil {
			return err
		}
		status := ""
		for {
			out, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
			if err != nil && strings.Contains(err.Error(), "does not exist") {
				return nil
			}
			if err != nil {
				return err
			}
			status = string(out.Stacks[0].StackStatus)
			if !strings.HasSuffix(status, "_IN_PROGRESS") {
				break
			}
			if err := w.Pass(ctx, 5*time.Second); err != nil {
				return err
			}
		}
		if status == "DELETE_COMPLETE" {
			return nil
		}
	}
	return errors.New("the stack can't be deleted: see its events")
}

func removeTopic(ctx context.Context, _ *World, p *Party, in account.Region, name string) error {
	arn := account.TopicARN{Region: in, Account: p.Account, Name: name}.String()
	out, err := p.SNS(in).ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: &arn})
	if err != nil {
		return gone(err)
	}
	for _, s := range out.Subscriptions {
		if _, err := p.SNS(in).Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: s.SubscriptionArn}); gone(err) != nil {
			return err
		}
	}
	_, err = p.SNS(in).DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: &arn})
	return gone(err)
}

func removeQueue(ctx context.Context, _ *World, p *Party, in account.Region, name string) error {
	out, err := p.SQS(in).GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if err == nil {
		_, err = p.SQS(in).DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl})
	}
	return gone(err)
}

func removeBucket(ctx context.Context, _ *World, p *Party, in account.Region, name string) error {
	client := p.s3In(in)
	out, err := client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &name})
	if err != nil {
		return gone(err)
	}
	var objects []s3types.ObjectIdentifier
	for _, v := range out.Versions {
		objects = append(objects, s3types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
	}
	for _, m := range out.DeleteMarkers {
		objects = append(objects, s3types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
	}
	if len(objects) > 0 {
		if _, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &name, Delete: &s3types.Delete{Objects: objects}}); err != nil {
			return err
		}
	}
	_, err = client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &name})
	return gone(err)
}

func removeTable(ctx context.Context, _ *World, p *Party, _ account.Region, name string) error {
	_, err := p.DynamoDB().DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name})
	return gone(err)
}

func removeRole(ctx context.Context, _ *World, p *Party, _ account.Region, name string) error {
	client := p.iam()
	inline, err := client.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: &name})
	if err != nil {
		return gone(err)
	}
	for _, policy := range inline.PolicyNames {
		if _, err := client.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &name, PolicyName: aws.String(policy)}); gone(err) != nil {
			return err
		}
	}
	attached, err := client.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: &name})
	if err != nil {
		return gone(err)
	}
	for _, policy := range attached.AttachedPolicies {
		if _, err := client.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &name, PolicyArn: policy.PolicyArn}); gone(err) != nil {
			return err
		}
	}
	_, err = client.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &name})
	return gone(err)
}

// removeKey schedules a key's deletion, for which AWS requires at least seven days.
func removeKey(ctx context.Context, _ *World, p *Party, _ account.Region, id string) error {
	_, err := p.kms().ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &id, PendingWindowInDays: aws.Int32(7)})
	return gone(err)
}

func removeBus(ctx context.Context, _ *World, p *Party, in account.Region, name string) error {
	_, err := p.EventBridge(in).DeleteEventBus(ctx, &eventbridge.DeleteEventBusInput{Name: &name})
	return gone(err)
}

// removeHub deletes a hub, even with open links and live stacks, as the role that
// created it. The role is older than the hub, so it still exists.
func removeHub(ctx context.Context, w *World, p *Party, _ account.Region, name string) error {
	part := lastPart(name, "-")
	maker := map[string]string{"hub": provider, "tf": planner}[part]
	owner := fmt.Sprintf("arn:%s:iam::%s:role/xacct-%sas-%s", p.Partition(), p.Account, strings.TrimSuffix(name, part), maker)
	if keys, err := assume(ctx, p, sts.AssumeRoleInput{RoleArn: &owner}); err == nil {
		if p, err = w.as(ctx, p, &keys); err != nil {
			return err
		}
	}
	h, err := hub.New(p.Clients, name, w.Now, rand.Reader, hub.WithSleep(w.Pass))
	if err != nil {
		return err
	}
	_, err = h.Delete(ctx, true)
	if errors.Is(err, registry.ErrNoHub) {
		return nil
	}
	return err
}

func removeStackSet(ctx context.Context, w *World, p *Party, in account.Region, name string) error {
	return w.endStackSet(ctx, p, in, name, w.Pass)
}

// endStackSet deletes the StackSet's stack and then the StackSet. It calls wait
// between tries.
func (w *World) endStackSet(ctx context.Context, p *Party, in account.Region, name string, wait func(context.Context, time.Duration) error) error {
	client, deleting := p.cloudFormation(in), false
	for {
		var err error
		if !deleting {
			_, err = client.DeleteStackInstances(ctx, &cloudformation.DeleteStackInstancesInput{
				StackSetName: &name, Regions: []string{in.String()}, RetainStacks: aws.Bool(false), DeploymentTargets: &cfntypes.DeploymentTargets{
					OrganizationalUnitIds: []string{w.Unit}, AccountFilterType: cfntypes.AccountFilterTypeIntersection, Accounts: []string{w.Customer.Account.String()},
				},
			})
			deleting = err == nil || awsclient.HasCode(err, "StackInstanceNotFoundException")
		}
		if deleting {
			_, err = client.DeleteStackSet(ctx, &cloudformation.DeleteStackSetInput{StackSetName: &name})
			if gone(err) == nil {
				return nil
			}
		}
		if gone(err) == nil && !deleting {
			return nil // the StackSet doesn't exist
		}
		if err != nil && !awsclient.HasCode(err, "StackSetNotEmptyException", "OperationInProgressException") {
			return err
		}
		if err := wait(ctx, 3*time.Second); err != nil {
			return err
		}
	}
}
