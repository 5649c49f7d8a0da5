// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"context"
	"strings"
	"testing"
	"time"
)

// held is a handler whose create waits until hold is closed.
type held struct {
	handler
	hold chan struct{}
}

func (h held) create(ctx context.Context, o *operation, r *resource) (outcome, error) {
	<-h.hold
	return h.handler.create(ctx, o, r)
}

func TestAnUpdateHasTheOldAndTheNewProperties(t *testing.T) {
	w := newWorld(t)
	id := w.created(phoneHome(`"TemplateVersion": 1`), "xacct-1")
	w.update(phoneHome(`"TemplateVersion": 2`))
	r := w.next("Update")
	if r.PhysicalResourceId != "xacct-1" || r.ResourceProperties["TemplateVersion"] != "2" ||
		r.OldResourceProperties["TemplateVersion"] != "1" || r.OldResourceProperties["ServiceToken"] != topic {
		t.Errorf("the Update is %+v", r)
	}
	w.succeed(r, "xacct-1")
	w.settled(id, "UPDATE_COMPLETE")
	w.wantNoRequest() // the same physical ID: nothing to clean up
	w.wantEvents(id, "access UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
}

func TestAnUpdateThatChangesNothingIsRefused(t *testing.T) {
	w := newWorld(t)
	w.created(phoneHome(), "xacct-1")
	described := strings.Replace(phoneHome(), `{"Resources"`, `{"Description": "other words", "Resources"`, 1)
	for _, body := range []string{phoneHome(), described} {
		_, err := w.call("UpdateStack", "StackName", "access", "TemplateBody", body, "Capabilities.member.1", "CAPABILITY_NAMED_IAM")
		if err == nil || !strings.Contains(err.Error(), "No updates are to be performed.") {
			t.Errorf("the error is %v", err)
		}
	}
	w.wantNoRequest()
}

func TestAnUpdateOfAnotherResourceSendsNoRequest(t *testing.T) {
	w := newWorld(t)
	id := w.created(phoneHome(), "xacct-1")
	w.update(strings.Replace(phoneHome(), `"RoleName"`, `"Description": "changed", "RoleName"`, 1))
	w.settled(id, "UPDATE_COMPLETE")
	w.wantNoRequest()
	if w.roles["acme-access"]["UpdateRole"] == "" {
		t.Error("the role was not updated")
	}
}

func TestARefusedUpdateIsRolledBack(t *testing.T) {
	w := newWorld(t)
	id := w.created(phoneHome(`"TemplateVersion": 1`), "xacct-1")
	w.update(phoneHome(`"TemplateVersion": 2`))
	w.refuse(w.next("Update"), "xacct-1", "The role can be assumed without the external ID.")
	r := w.next("Update")
	if r.ResourceProperties["TemplateVersion"] != "1" || r.OldResourceProperties["TemplateVersion"] != "2" || r.PhysicalResourceId != "xacct-1" {
		t.Errorf("the rollback's Update is %+v", r)
	}
	w.succeed(r, "xacct-1")
	w.settled(id, "UPDATE_ROLLBACK_COMPLETE")
	w.wantEvents(id, "PhoneHome UPDATE_FAILED: Received response status [FAILED]",
		"access UPDATE_ROLLBACK_IN_PROGRESS: The following resource(s) failed to update: [PhoneHome].")
	// The stack is as it was: the same update can be tried again.
	w.update(phoneHome(`"TemplateVersion": 2`))
	if r := w.next("Update"); r.OldResourceProperties["TemplateVersion"] != "1" {
		t.Errorf("after the rollback the old properties are %v", r.OldResourceProperties)
	}
}

func TestAnUpdateWithoutAnAnswerIsRolledBack(t *testing.T) {
	w := newWorld(t)
	id := w.created(phoneHome(`"TemplateVersion": 1`), "xacct-1")
	w.update(phoneHome(`"TemplateVersion": 2`))
	w.next("Update")
	w.clock.Advance(901 * time.Second)
	w.succeed(w.next("Update"), "xacct-1")
	w.settled(id, "UPDATE_ROLLBACK_COMPLETE")
}

func TestAFailureOfAnotherResourceCancelsTheWaitingUpdate(t *testing.T) {
	w := newWorld(t)
	hold := make(chan struct{})
	w.handlers["AWS::IAM::RolePolicy"] = held{w.handlers["AWS::IAM::RolePolicy"], hold}
	id := w.created(phoneHome(`"TemplateVersion": 1`), "xacct-1")
	w.update(strings.Replace(phoneHome(`"TemplateVersion": 2`), `"Role": {`, `"Late": {"Type": "AWS::IAM::RolePolicy",
		"Properties": {"RoleName": "missing", "PolicyName": "p", "PolicyDocument": {}}}, "Role": {`, 1))
	w.next("Update")
	close(hold)
	r := w.next("Update")
	if r.ResourceProperties["TemplateVersion"] != "1" || r.PhysicalResourceId != "xacct-1" {
		t.Errorf("the rollback's Update is %+v", r)
	}
	w.succeed(r, "xacct-1")
	w.settled(id, "UPDATE_ROLLBACK_COMPLETE")
	w.wantEvents(id, "PhoneHome UPDATE_FAILED: Resource update cancelled", "[Late, PhoneHome]")
}

func TestARefusedRollbackEndsInUpdateRollbackFailed(t *testing.T) {
	w := newWorld(t)
	id := w.created(phoneHome(`"TemplateVersion": 1`), "xacct-1")
	w.update(phoneHome(`"TemplateVersion": 2`))
	w.refuse(w.next("Update"), "xacct-1", "no")
	w.refuse(w.next("Update"), "xacct-1", "no")
	w.settled(id, "UPDATE_ROLLBACK_FAILED")
	if _, err := w.call("UpdateStack", "StackName", "access", "UsePreviousTemplate", "true"); err == nil ||
		!strings.Contains(err.Error(), "is in UPDATE_ROLLBACK_FAILED state and can not be updated.") {
		t.Errorf("the error is %v", err)
	}
}

func TestAnotherPhysicalIDIsCleanedUpAfterTheUpdate(t *testing.T) {
	w := newWorld(t)
	id := w.created(phoneHome(`"TemplateVersion": 1`), "old-id")
	w.update(phoneHome(`"TemplateVersion": 2`))
	w.succeed(w.next("Update"), "new-id")
	d := w.next("Delete")
	if d.PhysicalResourceId != "old-id" || d.ResourceProperties["TemplateVersion"] != "1" {
		t.Errorf("the cleanup's Delete is %+v", d)
	}
	w.succeed(d, "old-id")
	if st := w.settled(id, "UPDATE_COMPLETE"); st.Outputs["Id"] != "new-id" {
		t.Errorf("the stack has %s", st.Outputs["Id"])
	}
}

func TestACleanupIsGivenUpAfterThreeAttempts(t *testing.T) {
	w := newWorld(t)
	id := w.created(phoneHome(`"TemplateVersion": 1`), "old-id")
	w.update(phoneHome(`"TemplateVersion": 2`))
	w.succeed(w.next("Update"), "new-id")
	for range 3 {
		w.refuse(w.next("Delete"), "old-id", "no")
	}
	w.settled(id, "UPDATE_COMPLETE")
	w.wantNoRequest()
	w.wantEvents(id, "PhoneHome DELETE_FAILED")
}

func TestARenamedResourceIsCreatedAndThenTheOldOneDeleted(t *testing.T) {
	w := newWorld(t)
	id := w.created(phoneHome(), "old-id")
	w.update(named("CallHome"))
	c := w.next("Create")
	if c.LogicalResourceId != "CallHome" {
		t.Errorf("the Create is for %s", c.LogicalResourceId)
	}
	w.wantNoRequest() // the old one is not deleted before the new one exists
	w.succeed(c, "new-id")
	d := w.next("Delete")
	if d.LogicalResourceId != "PhoneHome" || d.PhysicalResourceId != "old-id" {
		t.Errorf("the Delete is %+v", d)
	}
	w.succeed(d, "old-id")
	st := w.settled(id, "UPDATE_COMPLETE")
	if len(st.Resources) != 2 {
		t.Errorf("the stack has %v", st.Resources)
	}
}

func TestARefusedRenameKeepsTheOldResource(t *testing.T) {
	w := newWorld(t)
	id := w.created(phoneHome(), "old-id")
	w.update(named("CallHome"))
	w.refuse(w.next("Create"), "new-id", "no")
	d := w.next("Delete")
	if d.LogicalResourceId != "CallHome" || d.PhysicalResourceId != "new-id" {
		t.Errorf("the Delete is %+v", d)
	}
	w.succeed(d, "new-id")
	st := w.settled(id, "UPDATE_ROLLBACK_COMPLETE")
	w.wantNoRequest()
	if st.Outputs["Id"] != "old-id" || len(st.Resources) != 2 {
		t.Errorf("the stack is %+v", st)
	}
}

// If another resource of the update fails after the vendor has answered with
// another physical ID, the rollback's Update has the new ID.
func TestARollbackOfAReplacementUpdatesFromTheNewID(t *testing.T) {
	for name, test := range map[string]struct {
		back    string
		deletes []string
	}{
		"to the old ID": {"old-id", []string{"new-id"}},
		"to a third ID": {"third-id", []string{"new-id", "old-id"}},
		"to the new ID": {"new-id", []string{"old-id"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			id := w.created(phoneHome(`"TemplateVersion": 1`), "old-id")
			w.update(strings.Replace(phoneHome(`"TemplateVersion": 2`), `"Role": {`, `"Late": {"Type": "AWS::IAM::RolePolicy",
				"DependsOn": "PhoneHome", "Properties": {"RoleName": "missing", "PolicyName": "p", "PolicyDocument": {}}}, "Role": {`, 1))
			w.succeed(w.next("Update"), "new-id")
			r := w.next("Update")
			if r.PhysicalResourceId != "new-id" || r.ResourceProperties["TemplateVersion"] != "1" {
				t.Errorf("the rollback's Update is %+v", r)
			}
			w.succeed(r, test.back)
			deleted := map[string]bool{}
			for range test.deletes {
				d := w.next("Delete")
				deleted[d.PhysicalResourceId] = true
				w.succeed(d, d.PhysicalResourceId)
			}
			w.settled(id, "UPDATE_ROLLBACK_COMPLETE")
			w.wantNoRequest()
			for _, want := range test.deletes {
				if !deleted[want] {
					t.Errorf("%s was not deleted, only %v", want, deleted)
				}
			}
		})
	}
}

func TestTheServiceTokenCannotChange(t *testing.T) {
	w := newWorld(t)
	id := w.created(phoneHome(), "xacct-1")
	w.update(strings.ReplaceAll(phoneHome(), "xacct-acme-0", "xacct-acme-1"))
	w.settled(id, "UPDATE_ROLLBACK_COMPLETE")
	w.wantNoRequest()
	w.wantEvents(id, "PhoneHome UPDATE_FAILED: Modifying service token is not allowed.")
}

func TestTheTypeCannotChange(t *testing.T) {
	w := newWorld(t)
	w.created(phoneHome(), "xacct-1")
	_, err := w.call("UpdateStack", "StackName", "access", "TemplateBody", strings.Replace(phoneHome(), "Custom::XacctPhoneHome", "Custom::Other", 1),
		"Capabilities.member.1", "CAPABILITY_NAMED_IAM")
	if err == nil || !strings.Contains(err.Error(), "Update of resource type is not permitted.") {
		t.Errorf("the error is %v", err)
	}
}

func TestARoleWithAnotherNameIsReplaced(t *testing.T) {
	w := newWorld(t)
	id := w.created(phoneHome(), "xacct-1")
	w.update(strings.Replace(phoneHome(), "acme-access", "acme-other", 1))
	r := w.next("Update")
	if r.ResourceProperties["RoleArn"] != "arn:aws:iam::222222222222:role/acme-other" {
		t.Errorf("the request has the role %v", r.ResourceProperties["RoleArn"])
	}
	if len(w.roles) != 2 {
		t.Error("the old role was deleted before the end of the update")
	}
	w.succeed(r, "xacct-1")
	w.settled(id, "UPDATE_COMPLETE")
	if w.roles["acme-access"] != nil || w.roles["acme-other"] == nil {
		t.Errorf("the roles are %v", w.roles)
	}
}

func TestARefusedReplacementKeepsTheOldRole(t *testing.T) {
	w := newWorld(t)
	id := w.created(phoneHome(), "xacct-1")
	w.update(strings.Replace(phoneHome(), "acme-access", "acme-other", 1))
	w.refuse(w.next("Update"), "xacct-1", "no")
	r := w.next("Update")
	if r.ResourceProperties["RoleArn"] != "arn:aws:iam::222222222222:role/acme-access" {
		t.Errorf("the rollback's request has the role %v", r.ResourceProperties["RoleArn"])
	}
	w.succeed(r, "xacct-1")
	w.settled(id, "UPDATE_ROLLBACK_COMPLETE")
	if w.roles["acme-access"] == nil || w.roles["acme-other"] != nil {
		t.Errorf("the roles are %v", w.roles)
	}
}

func TestADeleteSendsTheRequestBeforeItDeletesTheRole(t *testing.T) {
	w := newWorld(t)
	id := w.created(phoneHome(), "xacct-1")
	w.must("DeleteStack", "StackName", "access")
	d := w.next("Delete")
	if d.PhysicalResourceId != "xacct-1" || len(w.roles) != 1 {
		t.Errorf("the Delete is %+v, the roles %v", d, w.roles)
	}
	w.succeed(d, "another ID changes nothing")
	w.settled(id, "DELETE_COMPLETE")
	if len(w.roles) != 0 {
		t.Error("the role was not deleted")
	}
	if _, err := w.call("DescribeStacks", "StackName", "access"); err == nil {
		t.Error("a deleted stack is found by its name")
	}
	w.must("DescribeStacks", "StackName", id)
}

func TestARefusedDeleteCanBeForced(t *testing.T) {
	failed := func(t *testing.T) (*world, string) {
		w := newWorld(t)
		id := w.created(phoneHome(), "xacct-1")
		if _, err := w.call("DeleteStack", "StackName", "access", "DeletionMode", "FORCE_DELETE_STACK"); err == nil {
			t.Error("a forced delete was accepted before a delete has failed")
		}
		w.must("DeleteStack", "StackName", "access")
		w.refuse(w.next("Delete"), "xacct-1", "no")
		w.settled(id, "DELETE_FAILED")
		w.wantEvents(id, "access DELETE_FAILED: The following resource(s) failed to delete: [PhoneHome].")
		if len(w.roles) != 1 {
			t.Error("the role was deleted before the custom resource that needs it")
		}
		return w, id
	}
	t.Run("by retaining the resource", func(t *testing.T) {
		w, id := failed(t)
		w.must("DeleteStack", "StackName", "access", "RetainResources.member.1", "PhoneHome")
		w.settled(id, "DELETE_COMPLETE")
		w.wantNoRequest()
		w.wantEvents(id, "PhoneHome DELETE_SKIPPED")
	})
	t.Run("by deletion mode", func(t *testing.T) {
		w, id := failed(t)
		w.must("DeleteStack", "StackName", "access", "DeletionMode", "FORCE_DELETE_STACK")
		w.next("Delete")
		w.clock.Advance(time.Hour)
		w.settled(id, "DELETE_COMPLETE")
		if len(w.roles) != 0 {
			t.Error("the role was not deleted")
		}
	})
}

func TestForgetSendsNoRequestToTheVendor(t *testing.T) {
	w := newWorld(t)
	id := w.created(phoneHome(), "xacct-1")
	if err := w.Forget(admin(), id); err != nil {
		t.Fatal(err)
	}
	w.settled(id, "DELETE_COMPLETE")
	w.wantNoRequest()
	if len(w.roles) != 0 {
		t.Error("the role was not deleted")
	}
}

func TestDeletionPoliciesAreObeyed(t *testing.T) {
	with := func(policy string) string {
		return strings.Replace(phoneHome(), `"Type": "Custom::XacctPhoneHome"`, `"Type": "Custom::XacctPhoneHome", "DeletionPolicy": "`+policy+`"`, 1)
	}
	for _, policy := range []string{"Retain", "RetainExceptOnCreate"} {
		t.Run(policy+" suppresses the Delete of a stack's deletion", func(t *testing.T) {
			w := newWorld(t)
			id := w.created(with(policy), "xacct-1")
			w.must("DeleteStack", "StackName", "access")
			w.settled(id, "DELETE_COMPLETE")
			w.wantNoRequest()
		})
	}
	t.Run("RetainExceptOnCreate has no effect in a create's rollback", func(t *testing.T) {
		w := newWorld(t)
		id := w.create(with("RetainExceptOnCreate"))
		w.refuse(w.next("Create"), "x", "no")
		w.succeed(w.next("Delete"), "x")
		w.settled(id, "ROLLBACK_COMPLETE")
	})
	t.Run("Retain has an effect in a create's rollback", func(t *testing.T) {
		w := newWorld(t)
		id := w.create(with("Retain"))
		w.refuse(w.next("Create"), "x", "no")
		w.settled(id, "ROLLBACK_COMPLETE")
		w.wantNoRequest()
	})
}
