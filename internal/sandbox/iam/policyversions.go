// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iam

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// version is one version of a managed policy's document.
type version struct {
	number   int
	document string
	created  time.Time
}

const maxVersions = 5 // aws-facts 13.7

func versionID(number int) string { return "v" + strconv.Itoa(number) }

// document returns the default version's document, which applies.
func (p *policy) document() string { return p.versions[p.at(versionID(p.defaultVersion))].document }

// at returns the index of a version by its ID, or -1 if it does not exist.
func (p *policy) at(id string) int {
	return slices.IndexFunc(p.versions, func(v version) bool { return versionID(v.number) == id })
}

// checkManaged returns an error if a document is invalid, or too long for a
// managed policy.
func checkManaged(document string) error {
	if err := validateDocuments([]string{document}); err != nil {
		return err
	}
	if size(document) > maxManaged {
		return kernel.Errorf(http.StatusConflict, "LimitExceeded", "Cannot exceed quota for PolicySize: %d", maxManaged)
	}
	return nil
}

type versionView struct {
	Document         string `xml:",omitempty"`
	VersionID        string `xml:"VersionId"`
	IsDefaultVersion bool
	CreateDate       string
}

func (p *policy) viewOf(v version) versionView {
	return versionView{encodeDocument(v.document), versionID(v.number), v.number == p.defaultVersion, v.created.Format(time.RFC3339)}
}

func createPolicyVersion(r *request) (any, error) {
	found, err := r.ownPolicy()
	if err != nil {
		return nil, err
	}
	if err := checkManaged(r.Get("PolicyDocument")); err != nil {
		return nil, err
	}
	if len(found.versions) == maxVersions {
		return nil, kernel.Errorf(http.StatusConflict, "LimitExceeded",
			"A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", maxVersions)
	}
	found.lastVersion++
	made := version{found.lastVersion, r.Get("PolicyDocument"), r.store.env.Clock.Now()}
	found.versions = append(found.versions, made)
	if r.Get("SetAsDefault") == "true" {
		found.defaultVersion = made.number
	}
	v := found.viewOf(made)
	v.Document = ""
	return struct{ PolicyVersion versionView }{v}, nil
}

// namedVersion returns the index of the version that a request names.
func (r *request) namedVersion(p *policy) (int, error) {
	at := p.at(r.Get("VersionId"))
	if at < 0 {
		return 0, kernel.Errorf(http.StatusNotFound, "NoSuchEntity", "Policy %s version %s does not exist or is not attachable.", p.arn(), r.Get("VersionId"))
	}
	return at, nil
}

func getPolicyVersion(r *request) (any, error) {
	found, err := r.namedPolicy()
	if err != nil {
		return nil, err
	}
	at, err := r.namedVersion(found)
	if err != nil {
		return nil, err
	}
	if found.versions[at].document == "" {
		return nil, kernel.Errorf(http.StatusNotImplemented, "SandboxNotImplemented", "The sandbox does not have the document of AWS's policy %s.", found.arn())
	}
	return struct{ PolicyVersion versionView }{found.viewOf(found.versions[at])}, nil
}

func listPolicyVersions(r *request) (any, error) {
	found, err := r.namedPolicy()
	if err != nil {
		return nil, err
	}
	views := []versionView{}
	for _, v := range slices.Backward(found.versions) { // newest first
		view := found.viewOf(v)
		view.Document = ""
		views = append(views, view)
	}
	return struct {
		Versions []versionView `xml:"Versions>member"`
		pageView
	}{Versions: views}, nil
}

func setDefaultPolicyVersion(r *request) (any, error) {
	found, err := r.ownPolicy()
	if err != nil {
		return nil, err
	}
	at, err := r.namedVersion(found)
	if err != nil {
		return nil, err
	}
	found.defaultVersion = found.versions[at].number
	return nil, nil
}

func deletePolicyVersion(r *request) (any, error) {
	found, err := r.ownPolicy()
	if err != nil {
		return nil, err
	}
	at, err := r.namedVersion(found)
	if err != nil {
		return nil, err
	}
	if found.versions[at].number == found.defaultVersion {
		return nil, kernel.Errorf(http.StatusConflict, "DeleteConflict", "Cannot delete the default version of a policy.")
	}
	found.versions = slices.Delete(found.versions, at, at+1)
	return nil, nil
}

// listEntitiesForPolicy lists roles: the sandbox attaches policies only to
// roles.
func listEntitiesForPolicy(r *request) (any, error) {
	found, err := r.namedPolicy()
	if err != nil {
		return nil, err
	}
	if filter := r.Get("EntityFilter"); filter == "User" || filter == "Group" {
		return struct{ IsTruncated bool }{}, nil
	}
	type entity struct {
		RoleName string
		RoleID   string `xml:"RoleId"`
	}
	var names []string
	for _, each := range r.account.roles {
		attached := slices.Contains(each.attached, found.arn())
		if boundary := each.boundary == found.arn(); attached && r.Get("PolicyUsageFilter") != "PermissionsBoundary" || boundary && r.Get("PolicyUsageFilter") != "PermissionsPolicy" {
			names = append(names, each.name)
		}
	}
	names, page := paginate(r, names)
	list := []entity{}
	for _, name := range names {
		list = append(list, entity{name, r.account.role(name).id})
	}
	return struct {
		Roles []entity `xml:"PolicyRoles>member"`
		pageView
	}{list, page}, nil
}

// listPolicies lists the account's own policies. It does not list AWS's, so it
// refuses requests without Scope=Local.
func listPolicies(r *request) (any, error) {
	if scope := r.Get("Scope"); scope != "Local" {
		return nil, kernel.Errorf(http.StatusBadRequest, "InvalidInput", "The sandbox's IAM lists only an account's own policies (Scope=Local).")
	}
	prefix := r.Get("PathPrefix")
	if prefix == "" {
		prefix = "/"
	}
	if err := r.authorize(r.account.arn("policy", prefix, ""), nil); err != nil {
		return nil, err
	}
	var arns []string
	for arn, p := range r.account.policies {
		if strings.HasPrefix(p.path, prefix) && (r.Get("OnlyAttached") != "true" || p.view().AttachmentCount > 0) {
			arns = append(arns, arn)
		}
	}
	arns, page := paginate(r, arns)
	views := []policyView{}
	for _, arn := range arns {
		v := r.account.policies[arn].view()
		v.Tags = nil // as on AWS, only GetPolicy returns them
		views = append(views, v)
	}
	return struct {
		Policies []policyView `xml:"Policies>member"`
		pageView
	}{views, page}, nil
}

func tagPolicy(r *request) (any, error) {
	found, err := r.ownPolicy()
	if err != nil {
		return nil, err
	}
	found.tags, err = parseTags(found.tags, r.Structs("Tags"))
	return nil, err
}

func untagPolicy(r *request) (any, error) {
	found, err := r.ownPolicy()
	if err != nil {
		return nil, err
	}
	removed := r.List("TagKeys")
	found.tags = slices.DeleteFunc(slices.Clone(found.tags), func(t tag) bool { return slices.Contains(removed, t.Key) })
	return nil, nil
}

func listPolicyTags(r *request) (any, error) {
	found, err := r.namedPolicy()
	if err != nil {
		return nil, err
	}
	return tagPage(r, found.tags), nil
}
