// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/cloudformation/template"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// Preview is what a person reviews before they create a stack.
type Preview struct {
	Description  string
	Form         []template.Group
	Values       map[string]string // of the form: those given, else the defaults
	Capabilities []string
	Roles        []RolePreview
	Creates      []string // resources other than roles and policies, with their types
	Tells        []string // ARNs of the topics that custom resources publish to
	Problem      string   // why CloudFormation would refuse the stack; empty: no reason known

	Gained, Lost []string // of an update: the permissions that roles get, and those that they lose
}

// RolePreview is one role that the stack would create.
type RolePreview struct {
	Name      string
	TrustedBy string // the trust policy, indented JSON
	Boundary  string // the ARN of the permissions boundary; empty: none
	Managed   []string
	Inline    []PolicyPreview
	Optional  []OptionalPreview
}

// PolicyPreview is one inline policy of a role.
type PolicyPreview struct {
	Name       string
	Document   string // indented JSON
	Statements []StatementPreview
}

// StatementPreview is one statement of a policy.
type StatementPreview struct {
	Effect      string
	Actions     []string
	Resources   []string
	Conditional bool
}

// Preview reads a template as the principal, and returns what a stack of it
// would contain with these values. It ignores the values of parameters that the
// template does not have or that are NoEcho, as the console does (aws-facts
// 3.2). It returns an error only if it cannot read the template; other faults
// are in the preview's Problem.
func (s *Service) Preview(ctx context.Context, p *kernel.Principal, region, templateURL string, values map[string]string) (Preview, error) {
	c := &kernel.Call{Context: ctx, Principal: p, Region: region}
	t, err := s.readTemplate(c, kernel.Query{"TemplateURL": {templateURL}})
	if err != nil {
		return Preview{}, err
	}
	return previewOf(c, t, values, nil), nil
}

// previewOf returns the preview of a stack of a template. The hidden values are
// used, but not shown.
func previewOf(c *kernel.Call, t *template.Template, values, hidden map[string]string) Preview {
	preview := Preview{Description: t.Description, Form: t.Form(), Values: map[string]string{}}
	preview.Capabilities, _ = capabilities(t)
	for _, parameter := range t.Parameters {
		if value, found := values[parameter.Name]; found && !parameter.NoEcho {
			preview.Values[parameter.Name] = value
		} else if parameter.Default != nil {
			preview.Values[parameter.Name] = *parameter.Default
		}
	}
	filled := maps.Clone(preview.Values)
	maps.Copy(filled, hidden)
	bound, err := t.Bind(filled)
	if err != nil {
		// Not all values have been filled in yet: show what is known.
		preview.Problem, bound = err.Error(), filled
	}
	scope, err := t.NewScope(pseudo(c, stackARN(c, "preview/preview"), "preview"), bound)
	if err != nil {
		preview.Problem = err.Error()
		return preview
	}
	if err := t.CheckRules(scope); err != nil {
		preview.Problem = err.Error()
	}
	preview.describe(t, scope)
	return preview
}

// describe adds the roles, topics and other resources to the preview. A value
// that only exists after the stack is created is shown as the name of its
// resource.
func (p *Preview) describe(t *template.Template, scope *template.Scope) {
	scope.Ref = func(id string) (any, error) { return id, nil }
	scope.GetAtt = func(id, attribute string) (any, error) { return id + "." + attribute, nil }
	managed := p.managedPolicies(t, scope)
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		r := t.Resources[id]
		if !scope.Wanted(r.Condition) {
			continue
		}
		var optional map[string]map[string]any
		if r.Type == "AWS::IAM::Role" {
			r.Properties, optional = splitOptional(r.Properties)
		}
		properties, err := scope.Properties(r)
		if err != nil {
			p.Problem = err.Error()
			continue
		}
		switch {
		case r.Custom():
			if token, ok := properties["ServiceToken"].(string); ok {
				p.Tells = append(p.Tells, token)
			}
		case r.Type == "AWS::IAM::Role":
			role, err := readRole(properties, nil)
			if err != nil {
				p.Problem = err.Error()
				continue
			}
			preview := previewRole(id, role)
			if preview.Optional, err = previewOptional(t, scope, p.Form, optional); err != nil {
				p.Problem = err.Error()
			}
			preview.fold(managed)
			p.Roles = append(p.Roles, preview)
		case r.Type == "AWS::IAM::Policy" || r.Type == "AWS::IAM::RolePolicy":
			name, _ := properties["PolicyName"].(string)
			p.Roles = append(p.Roles, RolePreview{Name: id, Inline: []PolicyPreview{previewPolicy(name, document(properties["PolicyDocument"]))}})
		case !strings.HasPrefix(r.Type, "AWS::IAM::"):
			line := r.Type + " " + id
			if r.DeletionPolicy == "Retain" || r.DeletionPolicy == "RetainExceptOnCreate" {
				line += ", which stays when the stack is deleted"
			}
			p.Creates = append(p.Creates, line)
		}
	}
}

// managedPolicies returns the managed policies that the stack would create, by
// logical ID. It includes those whose condition is false, because a role shows
// them as optional.
func (p *Preview) managedPolicies(t *template.Template, scope *template.Scope) map[string]PolicyPreview {
	found := map[string]PolicyPreview{}
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		r := t.Resources[id]
		if r.Type != "AWS::IAM::ManagedPolicy" {
			continue
		}
		properties, err := scope.Properties(r)
		if err != nil {
			p.Problem = err.Error()
			continue
		}
		policy, err := readManagedPolicy(properties)
		if err != nil {
			p.Problem = err.Error()
			continue
		}
		found[id] = previewPolicy(id, policy.document)
	}
	return found
}

// fold moves the managed policies that the stack creates from Managed to
// Inline, which shows their statements.
func (r *RolePreview) fold(managed map[string]PolicyPreview) {
	r.Managed, r.Inline = folded(r.Managed, r.Inline, managed)
	for i := range r.Optional {
		o := &r.Optional[i]
		o.Managed, o.Inline = folded(o.Managed, o.Inline, managed)
	}
}

func folded(arns []string, inline []PolicyPreview, managed map[string]PolicyPreview) ([]string, []PolicyPreview) {
	var others []string
	for _, arn := range arns {
		if policy, created := managed[arn]; created {
			inline = append(inline, policy)
		} else {
			others = append(others, arn)
		}
	}
	return others, inline
}

func previewRole(id string, r role) RolePreview {
	preview := RolePreview{Name: r.name, TrustedBy: indented(r.trust), Boundary: r.boundary, Managed: r.managed}
	if preview.Name == "" {
		preview.Name = id
	}
	for _, name := range slices.Sorted(maps.Keys(r.inline)) {
		preview.Inline = append(preview.Inline, previewPolicy(name, r.inline[name]))
	}
	return preview
}

func previewPolicy(name, document string) PolicyPreview {
	preview := PolicyPreview{Name: name, Document: indented(document)}
	var parsed struct{ Statement json.RawMessage }
	if json.Unmarshal([]byte(document), &parsed) != nil {
		return preview
	}
	var list []map[string]any
	if json.Unmarshal(parsed.Statement, &list) != nil {
		var one map[string]any
		if json.Unmarshal(parsed.Statement, &one) != nil {
			return preview
		}
		list = []map[string]any{one}
	}
	for _, statement := range list {
		effect, _ := statement["Effect"].(string)
		preview.Statements = append(preview.Statements, StatementPreview{
			Effect:      effect,
			Actions:     slices.Concat(oneOrMore(statement["Action"]), except(oneOrMore(statement["NotAction"]))),
			Resources:   slices.Concat(oneOrMore(statement["Resource"]), except(oneOrMore(statement["NotResource"]))),
			Conditional: statement["Condition"] != nil,
		})
	}
	return preview
}

func except(names []string) []string {
	for i := range names {
		names[i] = "everything but " + names[i]
	}
	return names
}

func oneOrMore(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var list []string
		for _, e := range v {
			if s, ok := e.(string); ok {
				list = append(list, s)
			}
		}
		return list
	}
	return nil
}

func indented(document string) string {
	var v any
	if json.Unmarshal([]byte(document), &v) != nil {
		return document
	}
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return document
	}
	return string(text)
}
