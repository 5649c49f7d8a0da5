// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iam

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

type role struct {
	account     *account
	name        string
	path        string
	id          string // AROA…; a recreated role has another ID
	description string
	maxSession  int // seconds
	boundary    string
	trust       trust
	oldTrust    trust     // applies until trust has settled
	trustSince  time.Time // when trust was set
	inline      map[string]string
	attached    []string
	tags        []tag
	created     time.Time
}

type tag struct{ Key, Value string }

func (r *role) arn() string { return r.account.arn("role", r.path, r.name) }

func (a *account) role(name string) *role {
	if r := a.roles[strings.ToLower(name)]; r != nil && r.name == name {
		return r
	}
	return nil
}

func (s *Store) roleByID(a *account, id string) *role {
	for _, r := range a.roles {
		if r.id == id {
			return r
		}
	}
	return nil
}

// roleView is a role in a response.
type roleView struct {
	Path                     string
	RoleName                 string
	RoleID                   string `xml:"RoleId"`
	Arn                      string
	CreateDate               string
	AssumeRolePolicyDocument string
	Description              string        `xml:",omitempty"`
	MaxSessionDuration       int           `xml:",omitempty"`
	PermissionsBoundary      *boundaryView `xml:",omitempty"`
	Tags                     []tag         `xml:"Tags>member"`
}

type boundaryView struct {
	PermissionsBoundaryType string
	PermissionsBoundaryArn  string
}

func (s *Store) view(r *role) roleView {
	v := roleView{
		Path: r.path, RoleName: r.name, RoleID: r.id, Arn: r.arn(), CreateDate: r.created.Format(time.RFC3339),
		AssumeRolePolicyDocument: encodeDocument(s.shownTrust(r.trust)),
		Description:              r.description, MaxSessionDuration: r.maxSession, Tags: r.tags,
	}
	if r.boundary != "" {
		v.PermissionsBoundary = &boundaryView{"Policy", r.boundary}
	}
	return v
}

// encodeDocument returns a policy document percent-encoded, as IAM returns it.
func encodeDocument(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

func createRole(r *request) (any, error) {
	made := &role{
		account: r.account, name: r.Get("RoleName"), path: r.Get("Path"), description: r.Get("Description"),
		maxSession: 3600, boundary: r.Get("PermissionsBoundary"), inline: map[string]string{}, created: r.store.env.Clock.Now(),
	}
	if made.path == "" {
		made.path = "/"
	}
	if err := validateRole(r, made); err != nil {
		return nil, err
	}
	keys := tagKeys(made.tags)
	keys["iam:permissionsboundary"] = nonEmpty(made.boundary)
	if err := r.authorize(made.arn(), keys); err != nil {
		return nil, err
	}
	if r.account.roles[strings.ToLower(made.name)] != nil {
		return nil, kernel.Errorf(http.StatusConflict, "EntityAlreadyExists", "Role with name %s already exists.", made.name)
	}
	if err := r.account.checkPolicyARN(r.store, made.boundary); err != nil {
		return nil, err
	}
	document, err := r.store.parseTrust(r.account, r.Get("AssumeRolePolicyDocument"))
	if err != nil {
		return nil, err
	}
	made.trust, made.trustSince, made.id = document, made.created, r.store.uniqueID("AROA")
	r.account.roles[strings.ToLower(made.name)] = made
	return struct{ Role roleView }{r.store.view(made)}, nil
}

// validateRole checks a new role's fields, and sets those that are not text from
// the request.
func validateRole(r *request, made *role) (err error) {
	if err := validateName("roleName", made.name, 64); err != nil {
		return err
	}
	if err := validatePath(made.path); err != nil {
		return err
	}
	if err := validateDescription(made.description); err != nil {
		return err
	}
	if made.maxSession, err = sessionDuration(r, made.maxSession); err != nil {
		return err
	}
	made.tags, err = parseTags(nil, r.Structs("Tags"))
	return err
}

func getRole(r *request) (any, error) {
	found, err := r.authorizedRole(nil)
	if err != nil {
		return nil, err
	}
	return struct{ Role roleView }{r.store.view(found)}, nil
}

func listRoles(r *request) (any, error) {
	prefix := r.Get("PathPrefix")
	if prefix == "" {
		prefix = "/"
	}
	if err := r.authorize(r.account.arn("role", prefix, ""), nil); err != nil {
		return nil, err
	}
	var names []string
	for _, each := range r.account.roles {
		if strings.HasPrefix(each.path, prefix) {
			names = append(names, each.name)
		}
	}
	names, page := paginate(r, names)
	views := make([]roleView, 0, len(names))
	for _, name := range names {
		views = append(views, r.store.view(r.account.role(name)))
	}
	return struct {
		Roles []roleView `xml:"Roles>member"`
		pageView
	}{views, page}, nil
}

func updateRole(r *request) (any, error) {
	found, err := r.authorizedRole(nil)
	if err != nil {
		return nil, err
	}
	maxSession, err := sessionDuration(r, found.maxSession)
	if err != nil {
		return nil, err
	}
	if r.Has("Description") {
		if err := validateDescription(r.Get("Description")); err != nil {
			return nil, err
		}
		found.description = r.Get("Description")
	}
	found.maxSession = maxSession
	return struct{}{}, nil
}

func updateRoleDescription(r *request) (any, error) {
	found, err := r.authorizedRole(nil)
	if err != nil {
		return nil, err
	}
	if err := validateDescription(r.Get("Description")); err != nil {
		return nil, err
	}
	found.description = r.Get("Description")
	return struct{ Role roleView }{r.store.view(found)}, nil
}

func updateAssumeRolePolicy(r *request) (any, error) {
	found, err := r.authorizedRole(nil)
	if err != nil {
		return nil, err
	}
	document, err := r.store.parseTrust(r.account, r.Get("PolicyDocument"))
	if err != nil {
		return nil, err
	}
	now := r.store.env.Clock.Now()
	found.oldTrust = r.store.settledTrust(found, now)
	found.trust, found.trustSince = document, now
	return nil, nil
}

func deleteRole(r *request) (any, error) {
	found, err := r.authorizedRole(nil)
	if err != nil {
		return nil, err
	}
	switch {
	case len(found.inline) > 0:
		return nil, kernel.Errorf(http.StatusConflict, "DeleteConflict", "Cannot delete entity, must delete policies first.")
	case len(found.attached) > 0:
		return nil, kernel.Errorf(http.StatusConflict, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
	}
	delete(r.account.roles, strings.ToLower(found.name))
	return nil, nil
}

func tagRole(r *request) (any, error) {
	added, err := parseTags(nil, r.Structs("Tags"))
	if err != nil {
		return nil, err
	}
	found, err := r.authorizedRole(tagKeys(added))
	if err != nil {
		return nil, err
	}
	found.tags, err = parseTags(found.tags, r.Structs("Tags"))
	return nil, err
}

func untagRole(r *request) (any, error) {
	removed := r.List("TagKeys")
	found, err := r.authorizedRole(map[string][]string{"aws:tagkeys": removed})
	if err != nil {
		return nil, err
	}
	found.tags = slices.DeleteFunc(slices.Clone(found.tags), func(t tag) bool { return slices.Contains(removed, t.Key) })
	return nil, nil
}

func listRoleTags(r *request) (any, error) {
	found, err := r.authorizedRole(nil)
	if err != nil {
		return nil, err
	}
	return tagPage(r, found.tags), nil
}

// tagPage returns the page of tags that a request asks for, sorted by key.
func tagPage(r *request, tags []tag) any {
	byKey := map[string]tag{}
	for _, t := range tags {
		byKey[t.Key] = t
	}
	keys, page := paginate(r, slices.Collect(maps.Keys(byKey)))
	list := []tag{}
	for _, key := range keys {
		list = append(list, byKey[key])
	}
	return struct {
		Tags []tag `xml:"Tags>member"`
		pageView
	}{list, page}
}

func putRolePermissionsBoundary(r *request) (any, error) {
	boundary := r.Get("PermissionsBoundary")
	found, err := r.authorizedRole(map[string][]string{"iam:permissionsboundary": nonEmpty(boundary)})
	if err != nil {
		return nil, err
	}
	if err := r.account.checkPolicyARN(r.store, boundary); err != nil {
		return nil, err
	}
	found.boundary = boundary
	return nil, nil
}

func deleteRolePermissionsBoundary(r *request) (any, error) {
	found, err := r.authorizedRole(nil)
	if err != nil {
		return nil, err
	}
	found.boundary = ""
	return nil, nil
}

// listInstanceProfilesForRole returns an empty list, because the sandbox has no
// instance profiles. Terraform calls it before it deletes a role.
func listInstanceProfilesForRole(r *request) (any, error) {
	if _, err := r.authorizedRole(nil); err != nil {
		return nil, err
	}
	return struct{ IsTruncated bool }{}, nil
}

// pageView holds the pagination fields of a list.
type pageView struct {
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

// paginate sorts names and returns the page that a request asks for, of 100
// names by default.
func paginate(r *request, names []string) ([]string, pageView) {
	slices.Sort(names)
	if marker := r.Get("Marker"); marker != "" {
		from, _ := slices.BinarySearch(names, marker)
		names = names[from:]
	}
	limit, err := strconv.Atoi(r.Get("MaxItems"))
	if err != nil || limit < 1 {
		limit = 100
	}
	if len(names) <= limit {
		return names, pageView{}
	}
	return names[:limit], pageView{IsTruncated: true, Marker: names[limit]}
}
