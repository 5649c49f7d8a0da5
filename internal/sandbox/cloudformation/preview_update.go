// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"context"
	"maps"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/cloudformation/template"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// PreviewUpdate reads a template as the principal, and returns what an existing
// stack would contain after an update to it, with the permissions that its
// roles would gain and lose. Parameters that the stack has keep their values
// unless others are given (aws-facts 3.7); new ones have their defaults.
func (s *Service) PreviewUpdate(ctx context.Context, p *kernel.Principal, stackID, templateURL string, edited map[string]string) (Preview, error) {
	s.mu.Lock()
	st := s.stacks[stackID]
	if st == nil || st.status == "DELETE_COMPLETE" {
		s.mu.Unlock()
		return Preview{}, validation("Stack with id %s does not exist", stackID)
	}
	region, now, previous := st.region, st.template, maps.Clone(st.values)
	s.mu.Unlock()

	c := &kernel.Call{Context: ctx, Principal: p, Region: region}
	t, err := s.readTemplate(c, kernel.Query{"TemplateURL": {templateURL}})
	if err != nil {
		return Preview{}, err
	}
	before := previewOf(c, now, previous, hiddenOf(now, previous))
	values := maps.Clone(previous)
	maps.Copy(values, edited)
	preview := previewOf(c, t, values, hiddenOf(t, values))
	granted, grants := before.grants(), preview.grants()
	preview.Gained, preview.Lost = without(grants, granted), without(granted, grants)
	return preview, nil
}

// hiddenOf returns the values of the NoEcho parameters, which the console never
// shows.
func hiddenOf(t *template.Template, values map[string]string) map[string]string {
	hidden := map[string]string{}
	for _, p := range t.Parameters {
		if value, had := values[p.Name]; had && p.NoEcho {
			hidden[p.Name] = value
		}
	}
	return hidden
}

// grants returns one line for each permission, permissions boundary and trust
// policy of all roles, sorted. It includes the optional policies that are on.
func (p *Preview) grants() []string {
	var lines []string
	add := func(managed []string, inline []PolicyPreview) {
		for _, policy := range managed {
			lines = append(lines, "the policy "+policy)
		}
		for _, policy := range inline {
			for _, statement := range policy.Statements {
				lines = append(lines, statement.lines()...)
			}
		}
	}
	for _, role := range p.Roles {
		if role.TrustedBy != "" {
			lines = append(lines, "to use "+role.Name+": "+role.TrustedBy)
		}
		if role.Boundary != "" {
			lines = append(lines, "the permissions boundary "+role.Boundary+" of "+role.Name)
		}
		add(role.Managed, role.Inline)
		for _, optional := range role.Optional {
			if optional.On {
				add(optional.Managed, optional.Inline)
			}
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

func (s StatementPreview) lines() []string {
	var lines []string
	for _, action := range s.Actions {
		for _, resource := range s.Resources {
			line := s.Effect + " " + action + " on " + resource
			if s.Conditional {
				line += ", under conditions"
			}
			lines = append(lines, line)
		}
	}
	return lines
}

func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(line string) bool {
		_, found := slices.BinarySearch(some, line)
		return found
	})
}
