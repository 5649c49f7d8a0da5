// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// These tests are the promises of the guide "When the hub's Region is down". SNS
// keeps messages that it cannot deliver (aws-facts 14.2), so a stopped registrar is
// the same as one that can't reach the Region.

// regionDown makes every call of the vendor to a Region fail, until end is called.
func (w *World) regionDown(name string) (end func()) {
	return w.Faults().Before(func(c *kernel.Call) error {
		if c.Principal == nil || c.Principal.Account != sandbox.VendorAccount || c.Region != name {
			return nil
		}
		return kernel.Errorf(http.StatusServiceUnavailable, "ServiceUnavailable", "%s is down", name)
	})
}

func TestWhileTheHubsRegionIsDownRolesWorkRequestsWaitAndASecondHubConnects(t *testing.T) {
	t.Parallel()
	w := New(t)
	second := w.Second("acme-west", Virginia)
	second.Registrar()
	registrar := w.Registrar()
	c, waiting := w.Invite("globex", AccountID(1)), w.Invite("initech", AccountID(2))
	id := c.Connect(Virginia)
	registrar.Stop()
	waits := waiting.Launch(Virginia, sandbox.LaunchOptions{})
	w.phonedHome(1)

	end := w.regionDown(Frankfurt)
	_, err := w.Clients.STS(region(Virginia)).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String(c.Link.Role(w.Record.Region.Partition()).String()), RoleSessionName: aws.String("product"),
		ExternalId: aws.String(c.Link.ExternalID.String()),
	})
	w.Must(err)
	if _, err := w.Hub.Read(t.Context()); err == nil || errors.Is(err, registry.ErrNoHub) {
		t.Errorf("a refresh returns %v: Terraform would create the hub again", err)
	}
	hooli, again := second.Invite("hooli", AccountID(3)), second.Invite("globex", AccountID(1))
	hooli.Connect(Virginia)
	again.Connect(Virginia) // beside the role that the first hub has
	end()

	w.Registrar()
	waiting.Settled(waits, "CREATE_COMPLETE")
	w.Quiet()
	waiting.Owned(waits, onboarding.Active)
	c.Owned(id, onboarding.Active)
}

func TestALongOutageOfTheHubsRegionDisconnectsNoCustomerAndTheyTryAgain(t *testing.T) {
	t.Parallel()
	w := New(t)
	registrar := w.Registrar()
	leaving, newcomer, staying := w.Invite("globex", AccountID(1)), w.Invite("initech", AccountID(2)), w.Invite("hooli", AccountID(3))
	id, stays := leaving.Connect(Virginia), staying.Connect(Virginia)
	registrar.Stop()

	leaving.Delete(id)
	staying.Update(stays, sandbox.UpdateOptions{TemplateURL: w.Publish(w.Template(roleV2))})
	late := newcomer.Launch(Virginia, sandbox.LaunchOptions{})
	w.phonedHome(3)
	w.Advance(15 * time.Minute)
	leaving.Settled(id, "DELETE_FAILED")
	w.phonedHome(5) // the Delete of one rollback, the Update of the other
	w.Advance(15 * time.Minute)
	newcomer.Settled(late, "ROLLBACK_FAILED")
	staying.Settled(stays, "UPDATE_ROLLBACK_FAILED")

	w.Advance(3 * time.Hour)
	w.Registrar()
	w.Quiet()
	leaving.Owned(id, onboarding.Active)
	staying.Owned(stays, onboarding.Active)
	newcomer.Unknown()
	if n := w.DeadLetters(); n != 0 {
		t.Errorf("%d requests are among the dead letters", n)
	}

	leaving.Delete(id)
	leaving.Settled(id, "DELETE_COMPLETE")
	newcomer.Delete(late)
	newcomer.Settled(late, "DELETE_COMPLETE")
	w.Quiet()
	leaving.Owned(id, onboarding.Disconnected)
	newcomer.Connect(Virginia)
}
