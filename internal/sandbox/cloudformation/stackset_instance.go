// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/cloudformation/template"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/policy"
)

// deploy returns a function that creates or updates the stack of an instance. A
// stack whose creation failed before is deleted and created again.
func (s *Service) deploy(set *stackSet, operationID string) func(context.Context, *instance) error {
	return func(ctx context.Context, in *instance) error {
		m, err := s.member(ctx, in.location)
		if err != nil {
			return err
		}
		m.set, m.token = set, operationID
		st, err := m.settled(in.stackID)
		if err != nil {
			return err
		}
		switch {
		case slices.Contains(updatable, st.Status):
			return m.update(st.ID)
		case st.ID != "" && st.Status != "DELETE_COMPLETE":
			if err := m.delete(st.ID); err != nil {
				return err
			}
		}
		return m.create(in)
	}
}

// undeploy returns a function that deletes the stack of an instance.
func (s *Service) undeploy(set *stackSet, operationID string) func(context.Context, *instance) error {
	return func(ctx context.Context, in *instance) error {
		if in.stackID == "" {
			return nil
		}
		m, err := s.member(ctx, in.location)
		if err != nil {
			return err
		}
		m.set, m.token = set, operationID
		st, err := m.settled(in.stackID)
		if err != nil || st.ID == "" || st.Status == "DELETE_COMPLETE" {
			return err
		}
		return m.delete(st.ID)
	}
}

// member calls CloudFormation in one account and Region, as the service-linked
// role of StackSets there. The stacks run as the execution role, which has
// AdministratorAccess, so that the requests of custom resources are published
// by the member account (aws-facts 8).
type member struct {
	s    *Service
	ctx  context.Context
	set  *stackSet
	role string // ARN of the execution role

	location
	principal *kernel.Principal
	token     string
}

const administratorAccess = ":iam::aws:policy/AdministratorAccess"

func (s *Service) member(ctx context.Context, at location) (*member, error) {
	if _, open := s.env.Accounts.Partition(at.account); !open {
		return nil, errSkipped
	}
	partition := "arn:" + kernel.Partition(at.region)
	everything, _ := policy.Managed(partition + administratorAccess)
	const linked = "AWSServiceRoleForCloudFormationStackSetsOrgMember"
	m := &member{s: s, ctx: ctx, location: at, principal: &kernel.Principal{
		Account:  at.account,
		ARN:      partition + ":sts::" + at.account + ":assumed-role/" + linked + "/" + at.account,
		RoleARN:  partition + ":iam::" + at.account + ":role/aws-service-role/member.org.stacksets.cloudformation.amazonaws.com/" + linked,
		UserID:   "AROASTACKSETSMEMBER0:" + at.account,
		Identity: []string{everything},
	}}
	var err error
	m.role, err = m.executionRole()
	return m, err
}

// executionRole returns the ARN of the account's stacksets-exec role. It
// creates the role if there is none.
func (m *member) executionRole() (string, error) {
	m.s.executionMu.Lock()
	defer m.s.executionMu.Unlock()
	arn := m.s.executionRoles[m.account]
	if arn == "" {
		arn = "arn:" + kernel.Partition(m.region) + ":iam::" + m.account + ":role/stacksets-exec-" + strings.ReplaceAll(m.s.newID(), "-", "")
		m.s.executionRoles[m.account] = arn
	}
	name := arn[strings.LastIndexByte(arn, '/')+1:]
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + cloudFormation + `"},"Action":"sts:AssumeRole"}]}`
	err := m.iam("CreateRole", url.Values{"RoleName": {name}, "AssumeRolePolicyDocument": {trust}})
	var aws *kernel.Error
	if errors.As(err, &aws) && aws.Code == "EntityAlreadyExists" {
		return arn, nil
	}
	if err == nil {
		err = m.iam("AttachRolePolicy", url.Values{"RoleName": {name}, "PolicyArn": {"arn:" + kernel.Partition(m.region) + administratorAccess}})
	}
	if err != nil {
		return "", fmt.Errorf("Account %s should have '%s' role with trust relationship to CloudFormation: %w", m.account, name, err)
	}
	return arn, nil
}

func (m *member) iam(action string, params url.Values) error {
	return retrying(func() error {
		return kernel.CallQuery(m.ctx, m.s.env.Inside, viaCloudFormation(m.principal), kernel.GlobalRegion(m.region), "iam", action, params, nil)
	})
}

// create creates the stack under a unique name, and waits for it.
func (m *member) create(in *instance) error {
	m.s.mu.Lock()
	name := "StackSet-" + m.set.name + "-" + m.s.newIDLocked()
	m.s.mu.Unlock()
	q := m.parameters(name[:min(len(name), 128)])
	var id string
	err := m.call("CreateStack", func(c *kernel.Call) error {
		result, err := m.s.createStackFrom(c, q, m.template)
		if err == nil {
			id = result.(stackIDResult).StackID
		}
		return err
	})
	if err != nil {
		return err
	}
	m.s.mu.Lock()
	in.stackID = id
	m.set.wake()
	m.s.mu.Unlock()
	return m.ends(id, "CREATE_COMPLETE")
}

func (m *member) update(stackID string) error {
	err := m.call("UpdateStack", func(c *kernel.Call) error {
		_, err := m.s.updateStackFrom(c, m.parameters(stackID), m.template)
		return err
	})
	if errors.Is(err, errNoUpdates) {
		return nil
	}
	if err != nil {
		return err
	}
	return m.ends(stackID, "UPDATE_COMPLETE")
}

func (m *member) delete(stackID string) error {
	q := kernel.Query{"StackName": {stackID}, "RoleARN": {m.role}, "ClientRequestToken": {m.token}}
	if err := m.call("DeleteStack", func(c *kernel.Call) error {
		_, err := m.s.deleteStack(c, q)
		return err
	}); err != nil {
		return err
	}
	return m.ends(stackID, "DELETE_COMPLETE")
}

func (m *member) template() (*template.Template, error) {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	return m.set.template, nil
}

// parameters returns the parameters of CreateStack and UpdateStack.
func (m *member) parameters(name string) kernel.Query {
	q := kernel.Query{"StackName": {name}, "RoleARN": {m.role}, "ClientRequestToken": {m.token}}
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	n := 0
	for key, value := range m.set.values {
		n++
		prefix := "Parameters.member." + strconv.Itoa(n)
		q[prefix+".ParameterKey"], q[prefix+".ParameterValue"] = []string{key}, []string{value}
	}
	for i, capability := range m.set.capabilities {
		q["Capabilities.member."+strconv.Itoa(i+1)] = []string{capability}
	}
	addTags(url.Values(q), m.set.tags)
	return q
}

// call executes one of the service's own actions in the member account. It
// retries every five seconds, for five minutes, while a role cannot be assumed,
// because a new role may not be assumable at once (aws-facts 7.5).
func (m *member) call(action string, do func(*kernel.Call) error) error {
	var err error
	for range 60 {
		err = do(&kernel.Call{
			Context: m.ctx, Principal: m.principal, Service: "cloudformation", Action: action, Region: m.region, RequestID: m.s.newID(),
		})
		if err == nil || !strings.Contains(err.Error(), "cannot be assumed") {
			return err
		}
		if waited := m.s.env.Clock.WaitUntil(m.ctx, m.s.now().Add(5*time.Second)); waited != nil {
			return waited
		}
	}
	return err
}

// settled waits until no operation of a stack is in progress, because the
// account's owner may change it too, and returns the stack. It returns an empty
// Stack if the ID is empty.
func (m *member) settled(stackID string) (Stack, error) {
	if stackID == "" {
		return Stack{}, nil
	}
	return m.s.WaitFor(m.ctx, stackID, Stack.Settled)
}

// ends waits until no operation of the stack is in progress. It returns an
// error with the reason if the stack does not have the given status then.
func (m *member) ends(stackID, status string) error {
	st, err := m.settled(stackID)
	if err != nil || st.Status == status {
		return err
	}
	for _, e := range m.s.Events(stackID) {
		if strings.HasSuffix(e.ResourceStatus, "_FAILED") && e.ResourceType != "AWS::CloudFormation::Stack" &&
			e.ClientRequestToken == m.token && !strings.HasSuffix(e.ResourceStatusReason, "cancelled") {
			return fmt.Errorf("ResourceLogicalId:%s, ResourceType:%s, ResourceStatusReason:%s.", e.LogicalResourceID, e.ResourceType, e.ResourceStatusReason)
		}
	}
	return kernel.Errorf(http.StatusConflict, "StackStatus", "The stack is in %s state: %s", st.Status, st.StatusReason)
}
