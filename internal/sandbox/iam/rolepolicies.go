// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iam

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	policies "github.com/xacct/terraform-provider-xacct/internal/sandbox/policy"
)

// The limits of a role's policies (aws-facts 7.2).
const (
	maxInlineSum = 10_240 // characters of all inline policies, without whitespace
	maxAttached  = 10     // managed policies
)

func putRolePolicy(r *request) (any, error) {
	name, document := r.Get("PolicyName"), r.Get("PolicyDocument")
	if err := validateName("policyName", name, 128); err != nil {
		return nil, err
	}
	found, err := r.authorizedRole(nil)
	if err != nil {
		return nil, err
	}
	if err := validateDocuments([]string{document}); err != nil {
		return nil, err
	}
	sum := size(document)
	for other, text := range found.inline {
		if other != name {
			sum += size(text)
		}
	}
	if sum > maxInlineSum {
		return nil, kernel.Errorf(http.StatusConflict, "LimitExceeded", "Maximum policy size of %d bytes exceeded for role %s", maxInlineSum, found.name)
	}
	found.inline[name] = document
	return nil, nil
}

// size returns the length of a document as IAM counts it: in characters, without
// whitespace.
func size(document string) int {
	n := 0
	for _, c := range document {
		if !unicode.IsSpace(c) {
			n++
		}
	}
	return n
}

func (r *request) inlinePolicy() (*role, string, error) {
	found, err := r.authorizedRole(nil)
	if err != nil {
		return nil, "", err
	}
	name := r.Get("PolicyName")
	if _, exists := found.inline[name]; !exists {
		return nil, "", kernel.Errorf(http.StatusNotFound, "NoSuchEntity", "The role policy with name %s cannot be found.", name)
	}
	return found, name, nil
}

func getRolePolicy(r *request) (any, error) {
	found, name, err := r.inlinePolicy()
	if err != nil {
		return nil, err
	}
	return struct{ RoleName, PolicyName, PolicyDocument string }{found.name, name, encodeDocument(found.inline[name])}, nil
}

func deleteRolePolicy(r *request) (any, error) {
	found, name, err := r.inlinePolicy()
	if err != nil {
		return nil, err
	}
	delete(found.inline, name)
	return nil, nil
}

func listRolePolicies(r *request) (any, error) {
	found, err := r.authorizedRole(nil)
	if err != nil {
		return nil, err
	}
	names, page := paginate(r, slices.Collect(maps.Keys(found.inline)))
	return struct {
		PolicyNames []string `xml:"PolicyNames>member"`
		pageView
	}{names, page}, nil
}

func attachRolePolicy(r *request) (any, error) {
	arn := r.Get("PolicyArn")
	found, err := r.authorizedRole(map[string][]string{"iam:policyarn": {arn}})
	if err != nil {
		return nil, err
	}
	if err := r.account.checkPolicyARN(r.store, arn); err != nil {
		return nil, err
	}
	if policies.ServiceLinked(arn) {
		return nil, kernel.Errorf(http.StatusBadRequest, "PolicyNotAttachable", "Cannot attach a Service Role Policy to a Customer Role.")
	}
	if slices.Contains(found.attached, arn) {
		return nil, nil
	}
	if len(found.attached) == maxAttached {
		return nil, kernel.Errorf(http.StatusConflict, "LimitExceeded", "Cannot exceed quota for PoliciesPerRole: %d", maxAttached)
	}
	found.attached = append(found.attached, arn)
	return nil, nil
}

func detachRolePolicy(r *request) (any, error) {
	arn := r.Get("PolicyArn")
	found, err := r.authorizedRole(map[string][]string{"iam:policyarn": {arn}})
	if err != nil {
		return nil, err
	}
	at := slices.Index(found.attached, arn)
	if at < 0 {
		return nil, kernel.Errorf(http.StatusNotFound, "NoSuchEntity", "Policy %s was not found.", arn)
	}
	found.attached = slices.Delete(found.attached, at, at+1)
	return nil, nil
}

func listAttachedRolePolicies(r *request) (any, error) {
	found, err := r.authorizedRole(nil)
	if err != nil {
		return nil, err
	}
	type attached struct{ PolicyName, PolicyArn string }
	arns, page := paginate(r, slices.Clone(found.attached))
	list := make([]attached, 0, len(arns))
	for _, arn := range arns {
		list = append(list, attached{arn[strings.LastIndexByte(arn, '/')+1:], arn})
	}
	return struct {
		AttachedPolicies []attached `xml:"AttachedPolicies>member"`
		pageView
	}{list, page}, nil
}
