// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Kind is the type of a policy document, which determines the elements that are
// required.
type Kind int

// The kinds of policy documents.
const (
	Identity Kind = iota // of a user or role, a session, a boundary
	Resource             // of a topic, queue or bucket
	Trust                // of a role: a resource policy without a Resource element
	Session              // passed with AssumeRole: an identity policy whose ARNs are complete
)

// Document is a parsed policy.
type Document struct {
	Version    string
	ID         string
	Statements []Statement
}

// Statement is one statement of a policy.
type Statement struct {
	Sid          string
	Effect       string // "Allow" or "Deny"
	Actions      []string
	NotActions   []string
	Resources    []string
	NotResources []string
	Principals   []Principal
	NotPrincipal bool // there is a NotPrincipal element, which is not evaluated
	Conditions   []Condition
}

// Principal is one entry of a Principal element.
type Principal struct {
	Type  string // "AWS", "Service", "Federated", "CanonicalUser"
	Value string // "*", an account ID, an ARN, a unique ID, a host name
}

// Condition is one key of a Condition element with its operator.
type Condition struct {
	Operator string
	Key      string
	Values   []string
}

// Malformed is the reason why AWS would not store a document: the message of its
// MalformedPolicyDocument error, if it is known.
type Malformed string

func (m Malformed) Error() string { return string(m) }

func malformed(format string, args ...any) Malformed { return Malformed(fmt.Sprintf(format, args...)) }

// Parse parses a policy document, and checks it as AWS does before it stores one.
// It does not check condition operators and keys, because AWS also stores unknown
// ones. The error is a Malformed.
func Parse(kind Kind, text string) (*Document, error) {
	root, err := parseJSON(text)
	if err != nil {
		return nil, err
	}
	top, ok := root.(object)
	if !ok {
		return nil, malformed("Syntax errors in policy.")
	}
	d := &Document{Version: "2008-10-17"}
	for _, m := range top {
		if err := d.set(kind, m); err != nil {
			return nil, err
		}
	}
	if len(d.Statements) == 0 {
		return nil, malformed("Missing required field Statement")
	}
	return d, uniqueSids(d.Statements)
}

func (d *Document) set(kind Kind, m member) error {
	switch m.name {
	case "Version":
		d.Version, _ = m.value.(string)
		if d.Version != "2012-10-17" && d.Version != "2008-10-17" {
			return malformed("The policy must contain a valid version string")
		}
	case "Id":
		d.ID, _ = m.value.(string)
	case "Statement":
		list, ok := m.value.([]any)
		if !ok {
			list = []any{m.value}
		}
		for _, item := range list {
			s, err := parseStatement(kind, item)
			if err != nil {
				return err
			}
			d.Statements = append(d.Statements, s)
		}
	default:
		return malformed("Syntax errors in policy: unknown element %s", m.name)
	}
	return nil
}

func uniqueSids(statements []Statement) error {
	seen := map[string]bool{}
	for _, s := range statements {
		if s.Sid != "" && seen[s.Sid] {
			return malformed("Statement IDs (SID) in a single policy must be unique.")
		}
		seen[s.Sid] = true
	}
	return nil
}

func parseStatement(kind Kind, value any) (Statement, error) {
	var s Statement
	fields, ok := value.(object)
	if !ok {
		return s, malformed("Syntax errors in policy.")
	}
	for _, m := range fields {
		if err := s.set(m); err != nil {
			return s, err
		}
	}
	return s, s.check(kind)
}

func (s *Statement) set(m member) (err error) {
	switch m.name {
	case "Sid":
		s.Sid, _ = m.value.(string)
	case "Effect":
		s.Effect, _ = m.value.(string)
	case "Action":
		s.Actions, err = stringList(m)
	case "NotAction":
		s.NotActions, err = stringList(m)
	case "Resource":
		s.Resources, err = stringList(m)
	case "NotResource":
		s.NotResources, err = stringList(m)
	case "Principal":
		s.Principals, err = parsePrincipals(m)
	case "NotPrincipal":
		s.NotPrincipal = true
		_, err = parsePrincipals(m)
	case "Condition":
		s.Conditions, err = parseConditions(m)
	default:
		return malformed("Syntax errors in policy: unknown element %s", m.name)
	}
	return err
}

func parsePrincipals(m member) ([]Principal, error) {
	if text, ok := m.value.(string); ok {
		if text != "*" {
			return nil, malformed("Invalid principal in policy: %q", text)
		}
		return []Principal{{Type: "AWS", Value: "*"}}, nil
	}
	fields, ok := m.value.(object)
	if !ok {
		return nil, malformed("Invalid principal in policy")
	}
	var list []Principal
	for _, f := range fields {
		values, err := stringList(f)
		if err != nil {
			return nil, err
		}
		for _, value := range values {
			if !validPrincipal(f.name, value) {
				return nil, malformed("Invalid principal in policy: %q:%q", f.name, value)
			}
			list = append(list, Principal{Type: f.name, Value: value})
		}
	}
	return list, nil
}

var principalForm = regexp.MustCompile(`^(\d{12}|arn:aws(-[a-z]+)*:(iam|sts)::\d{12}:(root|(user|role|assumed-role|federated-user)/[^*?]+)|A[A-Z0-9]{15,}|\*)$`)

func validPrincipal(kind, value string) bool {
	switch kind {
	case "AWS":
		return principalForm.MatchString(value)
	case "Service":
		return value != "" && !strings.ContainsAny(value, "*?")
	case "Federated", "CanonicalUser":
		return value != ""
	default:
		return false
	}
}

func parseConditions(m member) ([]Condition, error) {
	operators, ok := m.value.(object)
	if !ok {
		return nil, malformed("Syntax errors in policy: Condition must be an object")
	}
	var list []Condition
	for _, operator := range operators {
		keys, ok := operator.value.(object)
		if !ok {
			return nil, malformed("Syntax errors in policy: %s must be an object", operator.name)
		}
		for _, key := range keys {
			values, err := scalarList(key)
			if err != nil {
				return nil, err
			}
			list = append(list, Condition{Operator: operator.name, Key: key.name, Values: values})
		}
	}
	return list, nil
}

var actionForm = regexp.MustCompile(`^(\*|[a-zA-Z0-9-]+:[a-zA-Z0-9*?]+)$`)

func (s *Statement) check(kind Kind) error {
	hasPrincipal := len(s.Principals) > 0 || s.NotPrincipal
	hasResource := len(s.Resources)+len(s.NotResources) > 0
	var problem string
	switch {
	case s.Effect != "Allow" && s.Effect != "Deny":
		problem = "Missing required field Effect"
	case len(s.Actions)+len(s.NotActions) == 0:
		problem = "Policy statement must contain actions."
	case len(s.Actions) > 0 && len(s.NotActions) > 0:
		problem = "Statement may not contain both Action and NotAction."
	case len(s.Resources) > 0 && len(s.NotResources) > 0:
		problem = "Statement may not contain both Resource and NotResource."
	case kind.ofCaller() && hasPrincipal:
		problem = "Policy document should not specify a principal."
	case !kind.ofCaller() && !hasPrincipal:
		problem = "Missing required field Principal"
	case kind == Trust && hasResource:
		problem = "Has prohibited field Resource"
	case kind != Trust && !hasResource:
		problem = "Policy statement must contain resources."
	}
	if problem != "" {
		return Malformed(problem)
	}
	for _, action := range slices.Concat(s.Actions, s.NotActions) {
		if !actionForm.MatchString(action) {
			return malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc. (%s)", action)
		}
		if kind == Trust && !slices.ContainsFunc(trustActions, func(known string) bool { return globText(strings.ToLower(action), known) }) {
			return malformed("AssumeRole policy may only specify STS AssumeRole actions.")
		}
	}
	for _, resource := range slices.Concat(s.Resources, s.NotResources) {
		if resource != "*" && !isARN(kind, resource) {
			return malformed("Resource %s must be in ARN format or \"*\".", resource)
		}
	}
	return nil
}

// trustActions are the actions that a role's trust policy can allow or deny,
// lower-case (aws-facts 13.8).
var trustActions = []string{
	"sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity", "sts:assumeroot",
	"sts:tagsession", "sts:setsourceidentity", "sts:setcontext",
}

// ofCaller reports whether a policy applies to a caller, and not to a resource.
func (k Kind) ofCaller() bool { return k == Identity || k == Session }

// isARN reports whether a Resource element is in ARN format. It has six fields,
// of which the last may contain colons, or ends with a star that stands for the
// rest. In an identity policy it may also end after its service or later, and
// the missing fields are stars; in a session policy it must be complete
// (aws-facts 12.3).
func isARN(kind Kind, text string) bool {
	fields := strings.SplitN(text, ":", 6)
	switch {
	case fields[0] != "arn":
		return false
	case len(fields) == 6:
		return true
	case len(fields) < 3 || fields[2] == "" || strings.ContainsAny(fields[2], "*?"):
		return false // the service has no wildcards
	case kind == Session:
		return false
	default:
		return kind == Identity || strings.HasSuffix(text, "*")
	}
}
