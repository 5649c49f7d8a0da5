// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Limits of template resources and template outputs.
const (
	maxTemplateResources = 20
	maxResourcesSize     = 32 << 10 // bytes, without white space
	MaxTemplateOutputs   = 20
	maxOutputsSize       = 8 << 10
)

const (
	resourcesField = "template_resources"
	outputsField   = "template_outputs"
)

// validateResources returns the mistakes in template resources and outputs.
func (s Set) validateResources() []FieldError {
	var p Problems
	c := resourceCheck{to: &p, scope: scope{parameters: s.CustomerParameters}, types: map[string]string{}, needs: map[string][]string{}}
	c.resources(s.Additions)
	c.outputs(s.Additions)
	if s.RegisterWithoutStack && s.TemplateResources.canonical() != "" {
		p.Add(resourcesField, "", "with register_without_stack customers make the role by IAM alone, and these would be missing: leave one of them out")
	}
	return p
}

// resourceCheck checks the vendor's JSON. Each problem contains the place, because the
// attribute is a single string.
type resourceCheck struct {
	to    *Problems
	scope scope
	types map[string]string   // of the vendor's own resources, by logical ID
	needs map[string][]string // by logical ID: the resources to which it refers

	field, key string   // the attribute that is being checked
	at         []string // the place in it
}

func (c *resourceCheck) wrong(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if len(c.at) > 0 {
		text = strings.Join(c.at, ".") + ": " + text
	}
	c.to.Add(c.field, c.key, "%s", text)
}

// in checks a part under its name.
func (c *resourceCheck) in(name string, check func()) {
	c.at = append(c.at, clipped(name))
	check()
	c.at = c.at[:len(c.at)-1]
}

func (c *resourceCheck) resources(a Additions) {
	c.field, c.key = resourcesField, ""
	all, err := a.Resources()
	switch size := compactSize(string(a.TemplateResources)); {
	case err != nil:
		c.wrong("%s", err)
		return
	case len(all) > maxTemplateResources:
		c.wrong("there are %d, but at most %d are allowed", len(all), maxTemplateResources)
	case size > maxResourcesSize:
		c.wrong("they have %d bytes together, without whitespace, but at most %d are allowed", size, maxResourcesSize)
	}
	for _, r := range all {
		c.types[r.LogicalID] = r.Type
	}
	for _, r := range all {
		c.key = r.LogicalID
		c.resource(r)
	}
	c.cycles()
}

// cycles refuses resources that refer to each other in a circle, because
// CloudFormation could create none of them first.
func (c *resourceCheck) cycles() {
	var walk func(id string, above []string) bool
	done := map[string]bool{}
	walk = func(id string, above []string) bool {
		if i := slices.Index(above, id); i >= 0 {
			c.key = above[0]
			c.wrong("it depends on itself through %s: CloudFormation could create none of them first", strings.Join(append(above[i:], id), ", "))
			return true
		}
		for _, other := range c.needs[id] {
			if !done[other] && walk(other, append(slices.Clone(above), id)) {
				return true
			}
		}
		done[id] = true
		return false
	}
	for _, id := range slices.Sorted(maps.Keys(c.needs)) {
		if !done[id] && walk(id, nil) {
			return // only one, because the others are mostly the same circle
		}
	}
}

// need records that the current resource refers to a template resource.
func (c *resourceCheck) need(id string) {
	if c.field == resourcesField && !slices.Contains(c.needs[c.key], id) {
		c.needs[c.key] = append(c.needs[c.key], id)
	}
}

var logicalID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{0,63}$`) })

// resource checks one resource. If its type is wrong, it reports only that, because
// other problems would follow from it.
func (c *resourceCheck) resource(r Resource) {
	switch {
	case r.LogicalID == "Transform" || r.LogicalID == "Fn::Transform":
		c.wrong("a Transform would have a macro write a template that the customer has not read")
		return
	case !logicalID().MatchString(r.LogicalID):
		c.wrong("a resource's name has 1 to 64 letters and digits, and begins with a letter")
		return
	case ours(r.LogicalID):
		c.wrong("the name is reserved for the template's own resources and parameters: use another one")
		return
	case r.Definition == nil:
		c.wrong("it must be a resource: an object with Type and Properties")
		return
	}
	if reason := refusedType(r.Type); reason != "" {
		c.wrong("%s", reason)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(r.Definition)) {
		c.in(name, func() { c.attribute(r, name, r.Definition[name]) })
	}
	kind := resourceTypes[r.Type]
	if _, explicit := r.Definition["DeletionPolicy"]; kind.stateful && !explicit {
		c.wrong("the contents of the %s would be deleted with the stack: set DeletionPolicy to Retain, or to Delete if they may be deleted", kind.name)
	}
	if _, there := r.Definition["Properties"]; kind.attached != "" && !there {
		c.wrong("it has no Properties")
	}
}

// attribute checks an attribute of a resource other than its type.
func (c *resourceCheck) attribute(r Resource, name string, v any) {
	switch name {
	case "Type":
	case "Properties":
		properties, ok := v.(map[string]any)
		if !ok {
			c.wrong("it must be an object: names with values")
			return
		}
		c.properties(r.Type, properties)
	case "DependsOn":
		for _, element := range listed(v) {
			id, _ := element.(string)
			if _, own := c.types[id]; !own {
				c.wrong("%s is not one of the template resources: DependsOn may name only these", quoted(element))
				continue
			}
			c.need(id)
		}
	case "DeletionPolicy":
		c.oneOf(v, "Delete", "Retain", "RetainExceptOnCreate")
	case "UpdateReplacePolicy":
		c.oneOf(v, "Delete", "Retain")
	case "CreationPolicy":
		c.wrong("it would keep the stack waiting for signals, which nothing sends")
	case "UpdatePolicy":
		c.wrong("it is for Auto Scaling groups and functions, of which a stack has none")
	case "Condition":
		c.wrong("the conditions of the template are those of optional permissions: template resources are always there")
	default:
		c.wrong("a template resource has Type, Properties, DependsOn, DeletionPolicy and UpdateReplacePolicy only")
	}
}

func (c *resourceCheck) oneOf(v any, values ...string) {
	if text, ok := v.(string); !ok || !slices.Contains(values, text) {
		c.wrong("it must be one of %s", strings.Join(values, ", "))
	}
}

func (c *resourceCheck) properties(typeName string, properties map[string]any) {
	kind := resourceTypes[typeName]
	if name := functionIn(properties); name != "" {
		c.function(name, properties)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		c.inert(name)
		c.in(name, func() {
			switch v := properties[name]; {
			case kind.attached != "" && name == "PolicyDocument":
				c.policy(v)
			case kind.attached != "" && name == kind.attached:
				c.attachment(kind, v)
			default:
				c.value(v)
			}
			if name == kind.nameOf && !customersOwn(properties[name]) {
				c.wrong("a literal name can exist only once in an account, or in all of AWS: omit it, and CloudFormation generates a name that template_outputs can report; or include %s or a customer parameter in it", AccountReference)
			}
		})
	}
	if _, there := properties[kind.attached]; kind.attached != "" && !there {
		c.wrong("Properties: it has no %s, which names the resource of the policy", kind.attached)
	}
}

func (c *resourceCheck) outputs(a Additions) {
	c.field, c.key = outputsField, ""
	all, err := a.Outputs()
	switch size := compactSize(string(a.TemplateOutputs)); {
	case err != nil:
		c.wrong("%s", err)
		return
	case len(all) > MaxTemplateOutputs:
		c.wrong("there are %d, but at most %d are allowed", len(all), MaxTemplateOutputs)
	case size > maxOutputsSize:
		c.wrong("they have %d bytes together, without whitespace, but at most %d are allowed", size, maxOutputsSize)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		c.key = name
		if !ValidSwitchKey(name) {
			c.wrong("a name has 1 to 41 lower-case letters, digits and underscores, and begins with a letter")
			continue
		}
		c.single(all[name])
	}
}

// ours reports whether a name is reserved: the template has, or may get, a resource or
// parameter of its own with that name.
func ours(id string) bool {
	for _, prefix := range []string{"Policy", "AdditionalRole", InputPrefix, "Enable", "Xacct"} {
		if strings.HasPrefix(id, prefix) {
			return true
		}
	}
	return slices.Contains([]string{
		"Role", "RoleName", "RolePath", "PhoneHome", "ExternalId", "PreviousExternalId", "PreviousExternalIdGiven", "CustomerName",
		"ExpectedAccountId", "ExpectedAccount", "SupportedRegion", "SupportedRegions", "Shard", "PermissionsBoundary", "PermissionsBoundaryGiven",
	}, id)
}

func quoted(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "this"
	}
	return clipped(string(text))
}

func keys[V any](m map[string]V) []string { return slices.Collect(maps.Keys(m)) }
