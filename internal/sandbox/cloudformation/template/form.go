// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package template

// Group is one heading of the console's form, with the parameters under it.
type Group struct {
	Label      string
	Parameters []Field
}

// Field is one parameter as the console shows it.
type Field struct {
	Parameter
	Label string
}

// Form returns the console's form. AWS::CloudFormation::Interface decides the
// groups, their order and the labels; it has no effect on a stack (aws-facts
// 9). Parameters that are in no group come last.
func (t *Template) Form() []Group {
	labels, groups := readInterface(t.Metadata)
	byName := map[string]Parameter{}
	for _, p := range t.Parameters {
		byName[p.Name] = p
	}
	field := func(p Parameter) Field {
		label := labels[p.Name]
		if label == "" {
			label = p.Name
		}
		return Field{Parameter: p, Label: label}
	}
	var form []Group
	for _, g := range groups {
		group := Group{Label: g.label}
		for _, name := range g.parameters {
			if p, found := byName[name]; found {
				group.Parameters = append(group.Parameters, field(p))
				delete(byName, name)
			}
		}
		if len(group.Parameters) > 0 {
			form = append(form, group)
		}
	}
	var others Group
	for _, p := range t.Parameters {
		if _, left := byName[p.Name]; left {
			others.Parameters = append(others.Parameters, field(p))
		}
	}
	if len(others.Parameters) > 0 {
		if len(form) > 0 {
			others.Label = "Other parameters"
		}
		form = append(form, others)
	}
	return form
}

type interfaceGroup struct {
	label      string
	parameters []string
}

// readInterface returns the labels by parameter, and the groups. It ignores
// what it cannot read, because AWS's console does so too: the template stays
// valid.
func readInterface(metadata map[string]any) (labels map[string]string, groups []interfaceGroup) {
	labels = map[string]string{}
	iface, _ := metadata["AWS::CloudFormation::Interface"].(map[string]any)
	members, _ := iface["ParameterLabels"].(map[string]any)
	for name, v := range members {
		labels[name] = defaultText(v)
	}
	list, _ := iface["ParameterGroups"].([]any)
	for _, v := range list {
		m, _ := v.(map[string]any)
		g := interfaceGroup{label: defaultText(m["Label"])}
		names, _ := m["Parameters"].([]any)
		for _, n := range names {
			if s, ok := n.(string); ok {
				g.parameters = append(g.parameters, s)
			}
		}
		groups = append(groups, g)
	}
	return labels, groups
}

func defaultText(v any) string {
	m, _ := v.(map[string]any)
	s, _ := m["default"].(string)
	return s
}

// interfaceOrder returns the order in which parameters are shown and listed.
func (t *Template) interfaceOrder(members map[string]any) []string {
	_, groups := readInterface(t.Metadata)
	var order []string
	seen := map[string]bool{}
	add := func(name string) {
		if _, found := members[name]; found && !seen[name] {
			seen[name] = true
			order = append(order, name)
		}
	}
	for _, g := range groups {
		for _, name := range g.parameters {
			add(name)
		}
	}
	for _, name := range sorted(members) {
		add(name)
	}
	return order
}
