// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// What a stack may have beside the roles, and report.
const (
	maxTemplateResources = 20
	maxResourcesSize     = 32 << 10 // bytes, white space not counted
	MaxTemplateOutputs   = 20
	maxOutputsSize       = 8 << 10
)

const (
	resourcesField = "template_resources"
	outputsField   = "template_outputs"
)

// validateResources returns what is wrong with template resources and outputs.
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

// resourceCheck goes through what the vendor wrote. Each problem names the place: the
// attribute is one text.
type resourceCheck struct {
	to    *Problems
	scope scope
	types map[string]string   // of the vendor's own resources, by logical ID
	needs map[string][]string // what each refers to

	field, key string   // what it is going through
	at         []string // where in it
}

func (c *resourceCheck) wrong(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if len(c.at) > 0 {
		text = strings.Join(c.at, ".") + ": " + text
	}
	c.to.Add(c.field, c.key, "%s", text)
}

// in goes through something within.
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
		c.wrong("there are %d, and %d is the most", len(all), maxTemplateResources)
	case size > maxResourcesSize:
		c.wrong("they have %d bytes together, without white space, and %d is the most", size, maxResourcesSize)
	}
	for _, r := range all {
		c.types[r.LogicalID] = r.Type
	}
	for _, r := range all {
		c.key = r.LogicalID
		c.resource(r)
	}
	c.circles()
}

// circles refuses resources that need each other: none of them could be the first.
func (c *resourceCheck) circles() {
	var walk func(id string, above []string) bool
	done := map[string]bool{}
	walk = func(id string, above []string) bool {
		if i := slices.Index(above, id); i >= 0 {
			c.key = above[0]
			c.wrong("it needs itself, by way of %s: CloudFormation could make neither first", strings.Join(append(above[i:], id), ", "))
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
			return // one of them, because the others mostly are the same
		}
	}
}

// need notes that what is gone through refers to a template resource.
func (c *resourceCheck) need(id string) {
	if c.field == resourcesField && !slices.Contains(c.needs[c.key], id) {
		c.needs[c.key] = append(c.needs[c.key], id)
	}
}

var logicalID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{0,63}$`) })

// resource checks one of them. The first thing that is wrong with what it is comes
// alone, because the rest follows from it.
func (c *resourceCheck) resource(r Resource) {
	switch {
	case r.LogicalID == "Transform" || r.LogicalID == "Fn::Transform":
		c.wrong("a Transform would have a macro write a template that the customer has not read")
		return
	case !logicalID().MatchString(r.LogicalID):
		c.wrong("a resource's name has 1 to 64 letters and digits, and begins with a letter")
		return
	case ours(r.LogicalID):
		c.wrong("the name is, or begins as, one that the template has for something of its own: use another one")
		return
	case r.Definition == nil:
		c.wrong("here belongs a resource: an object with Type and Properties")
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
		c.wrong("what is in the %s would be lost with the stack, so it needs a DeletionPolicy: Retain, or Delete if what is in it may be lost with the stack", kind.name)
	}
	if _, there := r.Definition["Properties"]; kind.attached != "" && !there {
		c.wrong("it has no Properties")
	}
}

// attribute checks what a resource has beside its type.
func (c *resourceCheck) attribute(r Resource, name string, v any) {
	switch name {
	case "Type":
	case "Properties":
		properties, ok := v.(map[string]any)
		if !ok {
			c.wrong("here belong names with values")
			return
		}
		c.properties(r.Type, properties)
	case "DependsOn":
		for _, element := range listed(v) {
			id, _ := element.(string)
			if _, own := c.types[id]; !own {
				c.wrong("%s is not one of the template resources, and nothing else may be depended on", quoted(element))
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
		c.wrong("it is one of %s", strings.Join(values, ", "))
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
				c.wrong("a literal name is there only once in an account, or in all of AWS: leave it out, and CloudFormation gives it one that template_outputs can report; or let it have %s or a customer parameter in it", AccountReference)
			}
		})
	}
	if _, there := properties[kind.attached]; kind.attached != "" && !there {
		c.wrong("Properties: it has no %s, which says what the policy is for", kind.attached)
	}
}

// attachment refuses a policy for anything but the vendor's own resources: it would
// replace the one that the customer's own has.
func (c *resourceCheck) attachment(kind resourceType, v any) {
	for _, element := range listed(v) {
		function, _ := element.(map[string]any)
		id, _ := function["Ref"].(string)
		if len(function) != 1 || c.types[id] != kind.attachedTo {
			c.wrong("a %s is for template resources alone, because it would replace the policy of a resource that the customer has: it takes {\"Ref\": NAME} of an %s", kind.name, kind.attachedTo)
			return
		}
		c.need(id)
	}
}

// value checks a property, or something in it.
func (c *resourceCheck) value(v any) {
	switch v := v.(type) {
	case nil:
		c.wrong("it is null, which CloudFormation refuses: leave it out")
	case string:
		c.text(v)
	case []any:
		for i, element := range v {
			c.in(fmt.Sprint(i), func() { c.value(element) })
		}
	case map[string]any:
		if name := functionIn(v); name != "" {
			c.function(name, v)
			return
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			c.inert(key)
			c.in(key, func() { c.value(v[key]) })
		}
	}
}

// text checks a text in which references may stand.
func (c *resourceCheck) text(text string) {
	var inner Problems
	inner.referring("", "", text, c.scope)
	for _, problem := range inner {
		c.wrong("%s", problem.Problem)
	}
}

// inert checks a text in which none may stand.
func (c *resourceCheck) inert(text string) {
	var inner Problems
	inner.Inert("", "", text)
	for _, problem := range inner {
		c.wrong("%s", strings.Replace(problem.Problem, "in ARNs", "in ARNs and properties", 1))
	}
}

// functionIn returns what CloudFormation would take an object for; empty: an object.
func functionIn(v map[string]any) string {
	for _, key := range slices.Sorted(maps.Keys(v)) {
		if key == "Ref" || strings.HasPrefix(key, "Fn::") {
			return key
		}
	}
	return ""
}

// function refuses all functions but those of which it is plain, in the template
// itself, what they give.
func (c *resourceCheck) function(name string, v map[string]any) {
	if len(v) > 1 {
		c.wrong("it has %s and something beside it, and a function stands alone", name)
		return
	}
	switch name {
	case "Ref":
		id, _ := v[name].(string)
		if _, own := c.types[id]; own {
			c.need(id)
		} else if !slices.Contains(pseudoParameters, id) {
			c.wrong("Ref %s leads outside the template resources: it may name one of them, or %s; a value that the customer types is %s", quoted(v[name]), joined(pseudoParameters), ParameterReference("NAME"))
		}
	case "Fn::GetAtt":
		c.getAtt(v[name])
	case "Fn::Join":
		c.in(name, func() { c.join(v[name]) })
	case "Fn::ImportValue":
		c.wrong("Fn::ImportValue would read what another stack of the customer exports")
	case "Fn::Transform":
		c.wrong("Fn::Transform would have a macro write a part of the template that the customer has not read")
	case "Fn::Sub":
		c.wrong("Fn::Sub would take a policy variable such as ${aws:username} for a name of the template: use references such as %s, or Fn::Join", AccountReference)
	default:
		c.wrong("%s is not one of the functions that are allowed here: Ref, Fn::GetAtt and Fn::Join", clipped(name))
	}
}

func (c *resourceCheck) getAtt(v any) {
	var id, attribute string
	switch v := v.(type) {
	case string:
		id, attribute, _ = strings.Cut(v, ".")
	case []any:
		if len(v) == 2 {
			id, _ = v[0].(string)
			attribute, _ = v[1].(string)
		}
	}
	typeName, own := c.types[id]
	switch attributes := resourceTypes[typeName].attributes; {
	case own && slices.Contains(attributes, attribute):
		c.need(id)
	case !own:
		c.wrong("Fn::GetAtt %s leads outside the template resources: it may name one of them", quoted(v))
	case resourceTypes[typeName].name != "": // else the type is a problem of its own
		c.wrong("%s has no attribute %q: there is %s", typeName, clipped(attribute), list(attributes))
	}
}

func (c *resourceCheck) join(v any) {
	list, _ := v.([]any)
	if len(list) != 2 {
		c.wrong("it takes a delimiter and a list")
		return
	}
	delimiter, isText := list[0].(string)
	parts, isList := list[1].([]any)
	if !isText || !isList {
		c.wrong("it takes a delimiter, which is a text, and a list")
		return
	}
	c.inert(delimiter)
	for i, part := range parts {
		c.in(fmt.Sprint(i), func() { c.single(part) })
	}
	if strings.Contains(together(v), "{{") {
		c.wrong("its parts make {{ together, and CloudFormation looks for {{resolve: in what was joined")
	}
}

// together returns the texts of a Join as they are joined, with a blank in the place
// of each function and reference.
func together(v any) string {
	switch v := v.(type) {
	case string:
		return values{account: " ", partition: " ", parameter: func(string) string { return " " }}.in(v)
	case map[string]any:
		if inner, isJoin := v["Fn::Join"]; isJoin {
			return together(inner)
		}
		return " "
	case []any:
		if len(v) != 2 {
			return ""
		}
		delimiter, _ := v[0].(string)
		parts, _ := v[1].([]any)
		texts := make([]string, len(parts))
		for i, part := range parts {
			texts[i] = together(part)
		}
		return strings.Join(texts, delimiter)
	}
	return ""
}

// single checks a value that is one text.
func (c *resourceCheck) single(v any) {
	object, isObject := v.(map[string]any)
	if _, isText := v.(string); !isText && (!isObject || functionIn(object) == "") {
		c.wrong("here belongs a text, Ref, Fn::GetAtt or Fn::Join")
		return
	}
	c.value(v)
}

// customersOwn reports whether a name is another one in every account.
func customersOwn(v any) bool {
	switch v := v.(type) {
	case string:
		return slices.ContainsFunc(Pieces(v), func(p Piece) bool { return p.Account || p.Parameter != "" })
	case []any:
		return slices.ContainsFunc(v, customersOwn)
	case map[string]any:
		if id, isRef := v["Ref"].(string); isRef {
			return id == "AWS::AccountId" || !strings.HasPrefix(id, "AWS::")
		}
		if v["Fn::GetAtt"] != nil {
			return true
		}
		return customersOwn(v["Fn::Join"])
	}
	return false
}

// policy checks the policy of a resource. References and functions stand in it where
// they do in the role's: in resources and in the values of conditions.
func (c *resourceCheck) policy(v any) {
	tree, ok := filledValue(v, func(text string) any { return text }).(map[string]any) // a copy
	if !ok {
		c.wrong("here belongs a policy document, and no text")
		return
	}
	before := len(*c.to)
	for i, statement := range listed(tree["Statement"]) {
		s, _ := statement.(map[string]any)
		c.in(fmt.Sprintf("Statement[%d]", i), func() { c.statement(s) })
	}
	if len(*c.to) > before {
		return
	}
	sampled := Choices{CustomerParameters: c.scope.parameters}.samples(account.Partition{})
	FillPolicy(tree, func(text string) any { return sampled.in(text) })
	if c.literal(tree); len(*c.to) > before {
		return
	}
	var mistake *iampolicy.ParseError
	switch _, err := iampolicy.Parse(string(encode(tree))); {
	case errors.As(err, &mistake):
		c.wrong("%s", mistake.Problem) // its line is none that the vendor wrote
	case err != nil:
		c.wrong("%s", err)
	}
}

// statement checks the places of references and functions, and puts a text in the
// place of functions.
func (c *resourceCheck) statement(s map[string]any) {
	sampled := func(at map[string]any, name string) {
		c.in(name, func() { at[name] = c.sampled(at[name]) })
	}
	for _, name := range slices.Sorted(maps.Keys(s)) {
		switch name {
		case "Resource", "NotResource":
			sampled(s, name)
		case "Condition":
			operators, _ := s[name].(map[string]any)
			for _, operator := range slices.Sorted(maps.Keys(operators)) {
				keys, _ := operators[operator].(map[string]any)
				for _, key := range slices.Sorted(maps.Keys(keys)) {
					sampled(keys, key)
				}
			}
		}
	}
}

// sampled checks a value in a policy, and returns it with texts in the place of
// functions.
func (c *resourceCheck) sampled(v any) any {
	switch v := v.(type) {
	case []any:
		for i, element := range v {
			c.in(fmt.Sprint(i), func() { v[i] = c.sampled(element) })
		}
	case map[string]any:
		c.value(v)
		if functionIn(v) != "" {
			return "arn:aws:s3:::sample"
		}
	default:
		c.value(v)
	}
	return v
}

// literal refuses functions and references in the rest of a policy: in its principals,
// actions and names.
func (c *resourceCheck) literal(v any) {
	switch v := v.(type) {
	case string:
		c.inert(v)
	case []any:
		for _, element := range v {
			c.literal(element)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if key == "Ref" || strings.HasPrefix(key, "Fn::") {
				c.wrong("%s stands in a policy only in resources and in the values of conditions, and not in principals, actions or keys", key)
				return
			}
			c.inert(key)
			c.in(key, func() { c.literal(v[key]) })
		}
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
		c.wrong("there are %d, and %d is the most", len(all), MaxTemplateOutputs)
	case size > maxOutputsSize:
		c.wrong("they have %d bytes together, without white space, and %d is the most", size, maxOutputsSize)
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

// ours reports whether a name is one that the template has, or may get, for something
// of its own.
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
