// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iampolicy

import (
	"fmt"
	"slices"
	"sync"
)

// Privilege escalations: ways by which a role with a few permissions gets every
// permission in its account. Sources: IAM User Guide, "Security best
// practices", "Permissions boundaries", "Granting a user permissions to pass a
// role to an AWS service", and the list that is well known among reviewers
// (Rhino Security Labs, 2018, and later additions).

// way is a set of actions that lead to more permissions if all of them are
// allowed.
type way struct {
	code    string
	actions []string // the finding is placed at the first
	service string   // the service that a role is passed to; empty: none
	gain    string
}

const (
	escalation = "privilege-escalation"
	passRole   = "privilege-escalation-by-pass-role"

	grantsItself = "can give more permissions to itself or to others"
	becomesUser  = "can act as another user of the account"
	takesOver    = "can do whatever the role of another program may"
	runsAs       = "can do whatever any role may that can be passed to %s"
)

// ways returns all ways. The table is long, so it is built on first use.
var ways = sync.OnceValue(func() []way {
	return slices.Concat(
		single(grantsItself,
			"iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion",
			"iam:AttachRolePolicy", "iam:AttachUserPolicy", "iam:AttachGroupPolicy",
			"iam:PutRolePolicy", "iam:PutUserPolicy", "iam:PutGroupPolicy",
			"iam:AddUserToGroup", "iam:UpdateAssumeRolePolicy",
			"iam:DeleteRolePermissionsBoundary", "iam:PutRolePermissionsBoundary",
		),
		single(becomesUser, "iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile"),
		single(takesOver,
			"lambda:UpdateFunctionCode", "glue:UpdateDevEndpoint", "ssm:SendCommand", "ssm:StartSession",
			"sagemaker:CreatePresignedNotebookInstanceUrl",
		),
		[]way{
			passing("ec2.amazonaws.com", "ec2:RunInstances"),
			passing("lambda.amazonaws.com", "lambda:CreateFunction", "lambda:InvokeFunction"),
			passing("lambda.amazonaws.com", "lambda:CreateFunction", "lambda:AddPermission"),
			passing("lambda.amazonaws.com", "lambda:CreateFunction", "lambda:CreateEventSourceMapping"),
			passing("cloudformation.amazonaws.com", "cloudformation:CreateStack"),
			passing("glue.amazonaws.com", "glue:CreateDevEndpoint"),
			passing("glue.amazonaws.com", "glue:CreateJob", "glue:StartJobRun"),
			passing("datapipeline.amazonaws.com", "datapipeline:CreatePipeline", "datapipeline:PutPipelineDefinition"),
			passing("ecs-tasks.amazonaws.com", "ecs:RegisterTaskDefinition", "ecs:RunTask"),
			passing("codebuild.amazonaws.com", "codebuild:CreateProject", "codebuild:StartBuild"),
			passing("states.amazonaws.com", "states:CreateStateMachine", "states:StartExecution"),
			passing("sagemaker.amazonaws.com", "sagemaker:CreateTrainingJob"),
			passing("sagemaker.amazonaws.com", "sagemaker:CreateNotebookInstance"),
		},
	)
})

// single holds the ways of one action each.
func single(gain string, actions ...string) (list []way) {
	for _, action := range actions {
		list = append(list, way{code: escalation, actions: []string{action}, gain: gain})
	}
	return list
}

// passing holds the ways by which a role is passed to a service that then acts
// as it.
func passing(service string, actions ...string) way {
	return way{
		code: passRole, actions: append([]string{"iam:PassRole"}, actions...),
		service: service, gain: fmt.Sprintf(runsAs, service),
	}
}

// limits holds the condition keys that limit which permissions can be granted,
// in ways that AWS recommends: by boundary, by policy, by tag.
var limits = []string{"iam:PermissionsBoundary", "iam:PolicyARN", "*:ResourceTag/*"}

// opening collects the ways with one gain that begin at one statement.
type opening struct {
	first      located
	code, gain string
	actions    [][]string  // of each way
	by         [][]located // which allow them
}

// escalations returns the ways that a role's policies allow together.
func (r role) escalations() []Finding {
	var openings []opening
	for _, w := range ways() {
		by, ok := r.open(w)
		if !ok {
			continue
		}
		i := slices.IndexFunc(openings, func(o opening) bool { return o.first.is(by[0]) && o.gain == w.gain })
		if i < 0 {
			i, openings = len(openings), append(openings, opening{first: by[0], code: w.code, gain: w.gain})
		}
		openings[i].actions = append(openings[i].actions, w.actions)
		openings[i].by = append(openings[i].by, by)
	}
	findings := make([]Finding, len(openings))
	for i, o := range openings {
		findings[i] = o.first.remark(SeverityWarning, o.code, o.first.policy, o.first.index, r.sentence(o))
	}
	return findings
}

// open finds the statements that allow each action of a way.
func (r role) open(w way) (by []located, ok bool) {
	for n, action := range w.actions {
		i := slices.IndexFunc(r.statements, func(s located) bool {
			return s.names(action) && (n > 0 || s.broad() && !s.limited(w.service))
		})
		if i < 0 || r.denies(action) {
			return nil, false
		}
		by = append(by, r.statements[i])
	}
	return by, true
}

// limited reports whether the statement's conditions rule a way out.
func (s located) limited(service string) bool {
	if service == "" {
		return slices.ContainsFunc(limits, func(key string) bool { return len(s.conditioned(key)) > 0 })
	}
	values := s.conditioned(passedTo)
	return len(values) > 0 && !slices.ContainsFunc(values, func(pattern string) bool { return matches(pattern, service) })
}

// sentence returns the part of the finding that follows the name of the first
// statement.
func (r role) sentence(o opening) string {
	var names []string
	for w, actions := range o.actions {
		if len(actions) == 1 {
			names = append(names, actions[0])
		}
		for n, action := range actions[1:] {
			if at := o.by[w][n+1]; !at.is(o.first) {
				action += " (" + r.place(o.first, at) + ")"
			}
			if !slices.Contains(names, action) {
				names = append(names, action)
			}
		}
	}
	extent, all := o.first.extent(), inWords(names)
	switch {
	case o.code == passRole:
		return fmt.Sprintf("allows iam:PassRole on %s, and together with %s the role %s; name the roles that may be passed", extent, all, o.gain)
	case len(names) > 1:
		return fmt.Sprintf("allows %s on %s, with each of which the role %s; name the resources, or leave them out", all, extent, o.gain)
	default:
		return fmt.Sprintf("allows %s on %s, with which the role %s; name the resources, or leave it out", all, extent, o.gain)
	}
}

// place names a statement for a sentence about another one.
func (r role) place(from, to located) string {
	if to.policy == from.policy {
		return to.naming(to.index)
	}
	return fmt.Sprintf("%s of policy %q", to.naming(to.index), r.names[to.policy])
}
