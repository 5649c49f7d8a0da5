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

// policy is customer-managed; it has one version.
type policy struct {
	account     *account
	id          string // ANPA…
	name, path  string
	description string
	document    string
	tags        []tag
	created     time.Time
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
		PolicyName: p.name, PolicyID: p.id, Arn: p.arn(), Path: p.path, DefaultVersionID: "v1", IsAttachable: true,
		Description: p.description, CreateDate: p.created.Format(time.RFC3339), UpdateDate: p.created.Format(time.RFC3339), Tags: p.tags,
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
	made := &policy{
		account: r.account, name: r.Get("PolicyName"), path: r.Get("Path"),
		description: r.Get("Description"), document: r.Get("PolicyDocument"), created: r.store.env.Clock.Now(),
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
	if err := validateDocuments([]string{made.document}); err != nil {
		return nil, err
	}
	if size(made.document) > maxManaged {
		return nil, kernel.Errorf(http.StatusConflict, "LimitExceeded", "Cannot exceed quota for PolicySize: %d", maxManaged)
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

// namedPolicy finds a policy by its ARN; AWS's own can be read by anybody.
func (r *request) namedPolicy() (*policy, error) {
	arn := r.Get("PolicyArn")
	if err := r.authorize(arn, nil); err != nil {
		return nil, err
	}
	if p := r.account.policies[arn]; p != nil {
		return p, nil
	}
	if document, found := policies.Managed(arn); found && kernel.PartitionOf(arn) == r.account.partition {
		name := arn[strings.LastIndexByte(arn, '/')+1:]
		aws := &account{id: "aws", partition: r.account.partition}
		path := strings.TrimSuffix(arn[strings.Index(arn, ":policy/")+len(":policy"):], name)
		return &policy{account: aws, id: "ANPA" + strings.ToUpper(name), name: name, path: path, document: document, created: time.Unix(1423000000, 0).UTC()}, nil
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

type versionView struct {
	Document         string `xml:",omitempty"`
	VersionID        string `xml:"VersionId"`
	IsDefaultVersion bool
	CreateDate       string
}

func getPolicyVersion(r *request) (any, error) {
	found, err := r.namedPolicy()
	if err != nil {
		return nil, err
	}
	if version := r.Get("VersionId"); version != "v1" {
		return nil, kernel.Errorf(http.StatusNotFound, "NoSuchEntity", "Policy %s version %s does not exist or is not attachable.", found.arn(), version)
	}
	v := versionView{encodeDocument(found.document), "v1", true, found.created.Format(time.RFC3339)}
	return struct{ PolicyVersion versionView }{v}, nil
}

func listPolicyVersions(r *request) (any, error) {
	found, err := r.namedPolicy()
	if err != nil {
		return nil, err
	}
	return struct {
		Versions []versionView `xml:"Versions>member"`
		pageView
	}{Versions: []versionView{{"", "v1", true, found.created.Format(time.RFC3339)}}}, nil
}

func deletePolicy(r *request) (any, error) {
	found, err := r.namedPolicy()
	if err != nil {
		return nil, err
	}
	if found.account != r.account {
		return nil, kernel.Errorf(http.StatusForbidden, "AccessDenied", "Policies of AWS cannot be deleted.")
	}
	if v := found.view(); v.AttachmentCount+v.PermissionsBoundaryUsageCount > 0 {
		return nil, kernel.Errorf(http.StatusConflict, "DeleteConflict", "Cannot delete a policy attached to entities.")
	}
	delete(r.account.policies, found.arn())
	return nil, nil
}

// checkPolicyARN: "" is no policy at all. AWS's own policies have another ARN
// in every partition, too.
func (a *account) checkPolicyARN(s *Store, arn string) error {
	if arn == "" {
		return nil
	}
	if kernel.PartitionOf(arn) != a.partition {
		return kernel.Errorf(http.StatusBadRequest, "InvalidInput", "ARN %s is not valid.", arn)
	}
	if _, found := s.document(arn); !found {
		return kernel.Errorf(http.StatusNotFound, "NoSuchEntity", "Policy %s does not exist or is not attachable.", arn)
	}
	return nil
}
