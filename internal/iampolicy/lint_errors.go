// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iampolicy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Errors are findings of what IAM would refuse and Parse accepts. Parse also reads
// policies of existing stacks, so its rules don't change; these rules are for new
// policies. Source: IAM User Guide, pages "IAM JSON policy elements" and
// "Access Analyzer policy check reference" (findings of type ERROR).

// setting is what a rule must know besides the statement.
type setting struct {
	version   string
	partition account.Partition // zero: not known
}

// errorRules look at one statement each. They return the part of the finding
// that follows the statement's name.
var errorRules = []struct {
	code string
	find func(Statement, setting) []string
}{
	{"action-of-no-service", actionsOfNoService},
	{"malformed-resource", malformedResources},
	{"other-partition", otherPartitions},
	{"unknown-condition-operator", unknownOperators},
	{"malformed-condition-key", malformedKeys},
	{"condition-key-twice", keysTwice},
	{"malformed-date", malformedDates},
	{"malformed-variable", malformedVariables},
	{"variable-of-terraform", variablesOfTerraform},
}

func refusals(d Document, in setting) []Finding {
	var findings []Finding
	for i, s := range d.Statements {
		for _, rule := range errorRules {
			for _, rest := range rule.find(s, in) {
				findings = append(findings, s.remark(SeverityError, rule.code, 0, i, rest))
			}
		}
	}
	return findings
}

// maxSize holds the quotas of aws-facts 7.1 and 7.2 for one document. An inline
// policy shares its quota with the role's others: see InlineSize.
var maxSize = map[Kind]int{Managed: MaxManagedSize, Session: MaxSessionSize}

// TooLong is the code of the finding that a document is longer than IAM allows
// for its kind.
const TooLong = "too-long"

func tooLong(text string, kind Kind) (Finding, bool) {
	size, err := Size(text)
	limit, limited := maxSize[kind]
	return Finding{Severity: SeverityError, Code: TooLong, Message: fmt.Sprintf(
		"the policy has %d characters without whitespace, and IAM allows %d; use wildcards, or split it", size, limit)}, err == nil && limited && size > limit
}

// withoutVersion: IAM says "a managed policy must have a version string"; an
// inline policy need not.
func withoutVersion(d Document, kind Kind) (Finding, bool) {
	return Finding{Severity: SeverityError, Code: "no-version", Message: fmt.Sprintf(
		`a managed policy must have a version; write "Version": %q`, Version2012)}, kind == Managed && d.Version != Version2012
}

// actionsOfNoService: IAM calls the service the vendor of an action, and
// accepts no wildcard in it.
func actionsOfNoService(s Statement, _ setting) (problems []string) {
	for _, action := range slices.Concat(s.Action, s.NotAction) {
		service, _, found := strings.Cut(action, ":")
		if found && strings.ContainsAny(service, "*?") {
			problems = append(problems, fmt.Sprintf("has the action %q, and IAM takes no wildcard in the name of a service; name the service", action))
		}
	}
	return problems
}

func malformedResources(s Statement, _ setting) (problems []string) {
	for _, resource := range slices.Concat(s.Resource, s.NotResource) {
		if problem := malformedResource(resource); problem != "" {
			problems = append(problems, fmt.Sprintf("has the resource %q, %s", clip(resource), problem))
		}
	}
	return problems
}

var (
	arnPartition = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(\*|aws(-[a-z]+)*)$`) })
	arnService   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9-]+$`) })
	arnRegion    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9*?-]*$`) })
	digits       = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9]+$`) })
)

// malformedResource returns what is wrong with a resource. The last star of a
// shorter ARN also matches the missing colons. "IAM JSON policy elements:
// Resource", "IAM ARNs".
func malformedResource(text string) string {
	if text == "*" {
		return ""
	}
	parts := strings.SplitN(text, ":", 6)
	if parts[0] != "arn" {
		return `which is no ARN; it begins with arn: or is "*"`
	}
	if len(parts) < 6 && (len(parts) < 4 || !strings.HasSuffix(text, "*")) {
		return fmt.Sprintf("which has %d of the six parts of an ARN; write arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE", len(parts))
	}
	for len(parts) < 6 {
		parts = append(parts, "*")
	}
	partition, service, region, owner, name := parts[1], parts[2], parts[3], parts[4], parts[5]
	switch {
	case !arnPartition().MatchString(partition):
		return fmt.Sprintf(`and AWS has no partition %q; write "aws", or that of the hub`, partition)
	case !arnService().MatchString(service):
		return "whose service must be written in full, in lower case and without wildcards"
	case !arnRegion().MatchString(region) && !strings.Contains(region, "${"):
		return fmt.Sprintf("and %q is no Region; leave the Region empty, or write one such as us-east-1, or *", region)
	case digits().MatchString(owner) && len(owner) != 12:
		return fmt.Sprintf("and the account %q has %d digits; an account ID has 12", owner, len(owner))
	case name == "":
		return "which names nothing after the last colon"
	case service == "iam" && region != "":
		return "and IAM has no Regions; leave the Region empty"
	case service == "iam" && name != "root" && !strings.ContainsAny(name, "/*?$"):
		return "whose kind is missing; write role/NAME, user/NAME or policy/NAME"
	}
	return ""
}

// otherPartitions: IAM refuses the ARNs of other partitions than its account's:
// Partition "aws" is not valid for resource.
func otherPartitions(s Statement, in setting) (problems []string) {
	if in.partition.IsZero() {
		return nil
	}
	for _, resource := range slices.Concat(s.Resource, s.NotResource) {
		parts := strings.SplitN(resource, ":", 3)
		if len(parts) == 3 && parts[0] == "arn" && parts[1] != "*" && parts[1] != in.partition.String() && arnPartition().MatchString(parts[1]) {
			problems = append(problems, fmt.Sprintf("has the resource %q of partition %s, and the hub is in %s; nothing crosses partitions, so a hub per partition is needed",
				clip(resource), parts[1], in.partition))
		}
	}
	return problems
}

// operators are those of "IAM JSON policy elements: Condition operators", with
// a check of their values. IAM ignores their case.
var operators = sync.OnceValue(func() map[string]func(value string) bool {
	return map[string]func(value string) bool{
		"stringequals": anyText, "stringnotequals": anyText, "stringequalsignorecase": anyText, "stringnotequalsignorecase": anyText,
		"stringlike": anyText, "stringnotlike": anyText, "binaryequals": anyText,
		"arnequals": anyText, "arnlike": anyText, "arnnotequals": anyText, "arnnotlike": anyText,
		"numericequals": number, "numericnotequals": number, "numericlessthan": number, "numericlessthanequals": number,
		"numericgreaterthan": number, "numericgreaterthanequals": number,
		"dateequals": date, "datenotequals": date, "datelessthan": date, "datelessthanequals": date,
		"dategreaterthan": date, "dategreaterthanequals": date,
		"bool": truth, "null": truth, "ipaddress": network, "notipaddress": network,
	}
})

// operatorOf finds the check of an operator without its ForAnyValue: and
// IfExists. Null takes no IfExists, because it tests just that.
func operatorOf(name string) (base string, check func(string) bool, known bool) {
	name = strings.ToLower(name)
	if set, rest, found := strings.Cut(name, ":"); found {
		if set != "foranyvalue" && set != "forallvalues" {
			return name, nil, false
		}
		name = rest
	}
	base, ifExists := strings.CutSuffix(name, "ifexists")
	check, known = operators()[base]
	return base, check, known && !(ifExists && base == "null")
}

func unknownOperators(s Statement, _ setting) (problems []string) {
	for _, operator := range sortedNames(s.Condition) {
		if _, _, known := operatorOf(operator); !known {
			problems = append(problems, fmt.Sprintf("has the condition operator %q, which IAM doesn't know; use one such as StringEquals, ArnLike or Bool", clip(operator)))
		}
	}
	return problems
}

func malformedKeys(s Statement, _ setting) (problems []string) {
	for _, operator := range sortedNames(s.Condition) {
		for _, key := range sortedNames(s.Condition[operator]) {
			if service, name, found := strings.Cut(key, ":"); !found || service == "" || name == "" {
				problems = append(problems, fmt.Sprintf("has the condition key %q; a key is SERVICE:NAME, such as aws:SourceIp", clip(key)))
			}
		}
	}
	return problems
}

// keysTwice: the names of condition keys ignore case.
func keysTwice(s Statement, _ setting) (problems []string) {
	for _, operator := range sortedNames(s.Condition) {
		seen := map[string]string{}
		for _, key := range sortedNames(s.Condition[operator]) {
			if other, found := seen[strings.ToLower(key)]; found {
				problems = append(problems, fmt.Sprintf("has the condition keys %q and %q, which are one key to IAM; put their values into one list", clip(other), clip(key)))
			}
			seen[strings.ToLower(key)] = key
		}
	}
	return problems
}

// malformedDates: dates are the only values that IAM parses when it stores a
// policy.
func malformedDates(s Statement, _ setting) (problems []string) {
	s.eachValue(func(operator, key, value string) {
		if base, check, known := operatorOf(operator); known && strings.HasPrefix(base, "date") && !check(value) {
			problems = append(problems, fmt.Sprintf("compares %s with %q, which is no date; write it like 2030-01-31T18:00:00Z", key, clip(value)))
		}
	})
	return problems
}

// eachValue visits all values of conditions, in order.
func (s Statement) eachValue(visit func(operator, key, value string)) {
	for _, operator := range sortedNames(s.Condition) {
		for _, key := range sortedNames(s.Condition[operator]) {
			for _, value := range s.Condition[operator][key] {
				visit(operator, key, value)
			}
		}
	}
}

func anyText(string) bool { return true }

var numberPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$`) })

func number(value string) bool { return numberPattern().MatchString(value) }

func truth(value string) bool {
	return strings.EqualFold(value, "true") || strings.EqualFold(value, "false")
}

// date accepts an ISO 8601 date of the W3C's profile, or epoch seconds.
func date(value string) bool {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02", "2006-01", "2006"} {
		if _, err := time.Parse(layout, value); err == nil {
			return true
		}
	}
	return digits().MatchString(value)
}

var networkPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)(/[0-9]{1,3})?$`)
})

func network(value string) bool { return networkPattern().MatchString(value) }

// malformedVariables: documents of version 2012-10-17 have variables in
// resources and in the values of conditions. "IAM policy elements: Variables
// and tags".
func malformedVariables(s Statement, in setting) (problems []string) {
	if in.version != Version2012 {
		return nil
	}
	for _, text := range s.expandable() {
		if problem := malformedVariable(text); problem != "" {
			problems = append(problems, fmt.Sprintf("has %q, %s", clip(text), problem))
		}
	}
	return problems
}

// expandable returns the texts of a statement in which IAM replaces variables.
func (s Statement) expandable() []string {
	texts := slices.Concat(s.Resource, s.NotResource)
	s.eachValue(func(_, _, value string) { texts = append(texts, value) })
	return texts
}

// variablePattern: a key of the request, optionally with a default in quotes,
// or one of the three escapes for special characters.
var variablePattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([A-Za-z0-9.-]+:[^:\s,'][^,']*(, ?'[^']*')?|[*?$])$`)
})

func malformedVariable(text string) string {
	for {
		_, rest, found := strings.Cut(text, "${")
		if !found {
			return ""
		}
		name, rest, closed := strings.Cut(rest, "}")
		switch {
		case !closed:
			return "where a policy variable has no closing brace; write ${aws:username}, or ${$} for a dollar sign"
		case strings.HasPrefix(name, "AWS::"):
			return fmt.Sprintf("and ${%s} is CloudFormation's, which is not filled in here; write the value, or *", name)
		case !variablePattern().MatchString(name):
			return fmt.Sprintf("and ${%s} is no policy variable; write one such as ${aws:username}, or ${$} for a dollar sign", clip(name))
		}
		text = rest
	}
}

// ampersandVariable is how the data source aws_iam_policy_document writes a
// policy variable; only that data source understands it.
var ampersandVariable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`&\{[A-Za-z0-9.-]+:[^}]*\}?`) })

// variablesOfTerraform: IAM takes &{…} literally, so the statement matches
// nothing that exists.
func variablesOfTerraform(s Statement, _ setting) (problems []string) {
	for _, text := range s.expandable() {
		if variable := ampersandVariable().FindString(text); variable != "" {
			problems = append(problems, fmt.Sprintf("has %q, and %s is a variable only in the data source aws_iam_policy_document, never to IAM; write $%s, in HCL with two dollar signs",
				clip(text), clip(variable), clip(variable[1:])))
		}
	}
	return problems
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
