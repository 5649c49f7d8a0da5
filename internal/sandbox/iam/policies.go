// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iam

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	policies "github.com/xacct/terraform-provider-xacct/internal/sandbox/policy"
)

// policy is a managed policy: a customer's, or AWS's own, which namedPolicy
// creates for one request.
type policy struct {
	account     *account
	id          string // ANPA…
	name, path  string
	description string
	tags        []tag
	created     time.Time

	versions       []version // oldest first
	defaultVersion int       // its number
	lastVersion    int       // the highest version number so far
}

const maxManaged = 6144 // aws-facts 7.2

func (p *policy) arn() string { return p.account.arn("policy", p.path, p.name) }

type policyView struct {
	PolicyName                    string
	PolicyID                      string `xml:"PolicyId"`
	Arn                           string
	Path                          string
	DefaultVersionID              string `xml:"DefaultVersionId"`
	AttachmentCount               int
	PermissionsBoundaryUsageCount int
	IsAttachable                  bool
	Description                   string `xml:",omitempty"`
	CreateDate                    string
	UpdateDate                    string
	Tags                          []tag `xml:"Tags>member"`
}

func (p *policy) view() policyView {
	v := policyView{
		PolicyName: p.name, PolicyID: p.id, Arn: p.arn(), Path: p.path, DefaultVersionID: versionID(p.defaultVersion), IsAttachable: true,
		Description: p.description, CreateDate: p.created.Format(time.RFC3339), Tags: p.tags,
		UpdateDate: p.versions[len(p.versions)-1].created.Format(time.RFC3339),
	}
	for _, r := range p.account.roles {
		if slices.Contains(r.attached, v.Arn) {
			v.AttachmentCount++
		}
		if r.boundary == v.Arn {
			v.PermissionsBoundaryUsageCount++
		}
	}
	return v
}

func createPolicy(r *request) (any, error) {
	now := r.store.env.Clock.Now()
	made := &policy{
		account: r.account, name: r.Get("PolicyName"), path: r.Get("Path"), description: r.Get("Description"), created: now,
		versions: []version{{1, r.Get("PolicyDocument"), now}}, defaultVersion: 1, lastVersion: 1,
	}
	if made.path == "" {
		made.path = "/"
	}
	if err := validateName("policyName", made.name, 128); err != nil {
		return nil, err
	}
	if err := validatePath(made.path); err != nil {
		return nil, err
	}
	var err error
	if made.tags, err = parseTags(nil, r.Structs("Tags")); err != nil {
		return nil, err
	}
	if err := r.authorize(made.arn(), tagKeys(made.tags)); err != nil {
		return nil, err
	}
	if err := checkManaged(made.document()); err != nil {
		return nil, err
	}
	for _, other := range r.account.policies {
		if strings.EqualFold(other.name, made.name) {
			return nil, kernel.Errorf(http.StatusConflict, "EntityAlreadyExists", "A policy called %s already exists. Duplicate names are not allowed.", made.name)
		}
	}
	made.id = r.store.uniqueID("ANPA")
	r.account.policies[made.arn()] = made
	return struct{ Policy policyView }{made.view()}, nil
}

// namedPolicy returns the account's or AWS's own policy that a request names, if
// the caller may do the action on it.
func (r *request) namedPolicy() (*policy, error) {
	arn := r.Get("PolicyArn")
	if err := r.authorize(arn, nil); err != nil {
		return nil, err
	}
	if p := r.account.policies[arn]; p != nil {
		return p, nil
	}
	if policies.ManagedExists(arn) && kernel.PartitionOf(arn) == r.account.partition {
		document, _ := policies.Managed(arn)
		name := arn[strings.LastIndexByte(arn, '/')+1:]
		aws := &account{id: "aws", partition: r.account.partition}
		path := strings.TrimSuffix(arn[strings.Index(arn, ":policy/")+len(":policy"):], name)
		created := time.Unix(1423000000, 0).UTC()
		return &policy{
			account: aws, id: "ANPA" + strings.ToUpper(name), name: name, path: path, created: created,
			versions: []version{{1, document, created}}, defaultVersion: 1, lastVersion: 1,
		}, nil
	}
	return nil, kernel.Errorf(http.StatusNotFound, "NoSuchEntity", "Policy %s was not found.", arn)
}

func getPolicy(r *request) (any, error) {
	found, err := r.namedPolicy()
	if err != nil {
		return nil, err
	}
	return struct{ Policy policyView }{found.view()}, nil
}

// ownPolicy is namedPolicy for operations that change a policy: it returns
// AccessDenied for AWS's own policies.
func (r *request) ownPolicy() (*policy, error) {
	found, err := r.namedPolicy()
	if err == nil && found.account != r.account {
		return nil, kernel.Errorf(http.StatusForbidden, "AccessDenied", "Policies of AWS cannot be changed.")
	}
	return found, err
}

func deletePolicy(r *request) (any, error) {
	found, err := r.ownPolicy()
	if err != nil {
		return nil, err
	}
	switch v := found.view(); {
	case v.AttachmentCount+v.PermissionsBoundaryUsageCount > 0:
		return nil, kernel.Errorf(http.StatusConflict, "DeleteConflict", "Cannot delete a policy attached to entities.")
	case len(found.versions) > 1:
		return nil, kernel.Errorf(http.StatusConflict, "DeleteConflict",
			"This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
	}
	delete(r.account.policies, found.arn())
	return nil, nil
}

// checkPolicyARN returns an error if a role of the account cannot have a managed
// policy; "" means no policy, and is valid. Each partition has its own ARNs, also
// of AWS managed policies.
func (a *account) checkPolicyARN(s *Store, arn string) error {
	if arn == "" {
		return nil
	}
	if kernel.PartitionOf(arn) != a.partition {
		return kernel.Errorf(http.StatusBadRequest, "InvalidInput", "ARN %s is not valid.", arn)
	}
	if !s.exists(arn) {
		return kernel.Errorf(http.StatusNotFound, "NoSuchEntity", "Policy %s does not exist or is not attachable.", arn)
	}
	return nil
}
