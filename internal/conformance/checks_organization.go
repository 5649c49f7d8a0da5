// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// organizationChecks test StackSets.
var organizationChecks = []Check{
	{
		ID: "8", Title: "A StackSet's stack publishes as the member account",
		Mark:  "AutoDeployment{Enabled, RetainStacksOnAccountRemoval}. [I]",
		Place: "internal/hub/permissions.go (organizations)", Makes: "a StackSet with one stack", Needs: []Need{Management}, run: memberPublishes,
	},
	{
		ID: "8.1", Title: "An account that is not a delegated administrator is refused with ValidationError",
		Mark:  "ListRoots included (Organizations API reference). [?]",
		Place: "internal/launch/command.go (the commands for StackSets)", run: notDelegated,
	},
}

func memberPublishes(ctx context.Context, t *trial) error {
	in, err := t.intake(ctx, t.Vendor, t.home())
	if err != nil {
		return err
	}
	if err := in.allowCustomer(ctx, t.Customer); err != nil {
		return err
	}
	name, management := t.name("set"), t.Extra[Management]
	if err := t.creates(management, "stackset", t.home(), name); err != nil {
		return err
	}
	client := management.cloudFormation(t.home())
	_, err = client.CreateStackSet(ctx, &cloudformation.CreateStackSetInput{
		StackSetName: &name, TemplateBody: aws.String(templateOf(plain(in.topic))), PermissionModel: cfntypes.PermissionModelsServiceManaged,
		AutoDeployment: &cfntypes.AutoDeployment{Enabled: aws.Bool(false)}, Tags: []cfntypes.Tag{{Key: aws.String(Tag), Value: &t.Run}},
	})
	if err != nil {
		return err
	}
	_, err = client.CreateStackInstances(ctx, &cloudformation.CreateStackInstancesInput{
		StackSetName: &name, Regions: []string{t.home().String()}, DeploymentTargets: &cfntypes.DeploymentTargets{
			OrganizationalUnitIds: []string{t.Unit}, AccountFilterType: cfntypes.AccountFilterTypeIntersection, Accounts: []string{t.Customer.Account.String()},
		},
	})
	if err != nil {
		return err
	}
	if err := t.answerFirst(ctx, in); err != nil {
		return err
	}
	return t.withdraw(ctx, in, management, name)
}

// answerFirst answers the Create request of the StackSet's stack, which must come from
// the customer's account.
func (t *trial) answerFirst(ctx context.Context, in *intake) error {
	err := t.until(ctx, isPending, func() error {
		requests, err := in.receive(ctx)
		for _, r := range requests {
			if r.RequestType == "Create" && strings.Contains(r.StackId, "StackSet-"+t.name("set")) {
				t.note("request", r.body)
				if !strings.Contains(r.StackId, ":"+t.Customer.Account.String()+":") {
					return instead("the stack is not the member's: %s", r.StackId)
				}
				return in.answer(ctx, r, *succeed(r))
			}
		}
		if err == nil {
			err = errPending
		}
		return err
	})
	if isPending(err) {
		return instead("the StackSet's stack published nothing that arrived")
	}
	return err
}

// withdraw deletes the StackSet, and answers the requests of its stack in the
// meantime.
func (t *trial) withdraw(ctx context.Context, in *intake, management *Party, name string) error {
	done := make(chan error, 1)
	inner, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	go func() {
		err := t.endStackSet(inner, management, t.home(), name, t.Poll)
		if err == nil {
			err = t.Ledger.Write(Entry{Party: management.name, Kind: "stackset", Region: t.home().String(), Name: name, Gone: true})
		}
		done <- err
	}()
	for {
		select {
		case err := <-done:
			return err
		default:
		}
		requests, err := in.receive(inner)
		if err != nil {
			return err
		}
		for _, r := range requests {
			if err := in.answer(inner, r, *succeed(r)); err != nil {
				return err
			}
		}
		if err := t.Poll(inner, time.Second); err != nil {
			return err
		}
	}
}

func notDelegated(ctx context.Context, t *trial) error {
	_, err := t.Customer.cloudFormation(t.home()).ListStackSets(ctx, &cloudformation.ListStackSetsInput{CallAs: cfntypes.CallAsDelegatedAdmin})
	if err := t.refused("ListStackSets as a delegated administrator", err, "ValidationError"); err != nil {
		return err
	}
	t.remark("%s", message(err))
	return nil
}
