// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iampolicy

import (
	"fmt"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Finding is one remark on a policy that is well formed, so that Parse accepts
// it, but that IAM would refuse or a reviewer would question.
type Finding struct {
	Severity  Severity
	Code      string // stable: "pass-role-any"
	Policy    int    // the policy among those that were reviewed together
	Statement string // its Sid, or "Statement[0]"; empty: the whole policy
	Message   string // one sentence, which names the statement and says what to do
}

// String returns the finding as a line of output.
func (f Finding) String() string { return fmt.Sprintf("%s: %s [%s]", f.Severity, f.Message, f.Code) }

// Severity separates what IAM refuses from what people should look at.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"   // IAM would refuse the policy, or never do what it says
	SeverityWarning Severity = "warning" // it is allowed, and a reviewer would ask why
)

// Kind is what a document is for, which decides how long it may be.
type Kind int

// The kinds of identity policies.
const (
	Inline Kind = iota
	Managed
	Session
)

// Lint returns the findings on an identity policy, those that IAM would refuse
// first. It returns Parse's error if Parse refuses the text. The partition of
// the account that the policy is for may be zero, if it is not known yet.
func Lint(text string, kind Kind, partition account.Partition) ([]Finding, error) {
	d, err := ParseIdentity(text)
	if err != nil {
		return nil, err
	}
	findings := refusals(d, setting{version: d.Version, partition: partition})
	if f, found := tooLong(text, kind); found {
		findings = append(findings, f)
	}
	if f, found := withoutVersion(d, kind); found {
		findings = append(findings, f)
	}
	return append(findings, review([]Document{d}, nil)...), nil
}

// Policy is one inline policy of a role.
type Policy struct {
	Name     string // its name in messages
	Document string
}

// Review returns the warnings on all inline policies of one role, judged
// together: one policy may deny what another allows, and two permissions that
// are harmless alone may be dangerous together. Policies that Parse refuses are
// ignored.
func Review(policies []Policy) []Finding {
	documents, names := make([]Document, len(policies)), make([]string, len(policies))
	for i, p := range policies {
		names[i] = p.Name
		documents[i], _ = ParseIdentity(p.Document) // refused: no statements
	}
	return review(documents, names)
}

// ReviewManaged returns the warnings on a managed policy of which only the ARN
// is known: it knows the AWS managed policies that allow everything, or nearly
// everything.
func ReviewManaged(arn string) []Finding {
	name, found := strings.CutPrefix(arn[strings.LastIndex(arn, ":")+1:], "policy/")
	if !found || !strings.Contains(arn, ":iam::aws:") {
		return nil
	}
	if !awsManaged()[name] {
		return []Finding{{
			Severity: SeverityWarning, Code: "unknown-managed-policy",
			Message: fmt.Sprintf("there was no AWS managed policy %s on %s; if there is none, every customer's stack fails: look for a misspelling, and for its path, such as job-function/ or service-role/", name, awsManagedAsOf),
		}}
	}
	why := powerful[name]
	if why == "" {
		return nil
	}
	return []Finding{{
		Severity: SeverityWarning, Code: "powerful-managed-policy",
		Message: fmt.Sprintf("the managed policy %s %s; attach one that only has what you need", name, why),
	}}
}

// powerful holds those managed policies by name, with the reason for the
// warning. Source: AWS Managed Policy Reference Guide.
var powerful = map[string]string{
	"AdministratorAccess": "allows every action on every resource",
	"PowerUserAccess":     "allows nearly every action on every resource",
	"IAMFullAccess":       "allows its role to give itself and others every permission",
}

// where names a statement: by its Sid, or as Parse does.
func (s Statement) where(i int) string {
	if s.Sid != "" {
		return s.Sid
	}
	return fmt.Sprintf("Statement[%d]", i)
}

// naming returns the beginning of a sentence on a statement.
func (s Statement) naming(i int) string {
	if s.Sid != "" {
		return fmt.Sprintf("statement %q", s.Sid)
	}
	return s.where(i)
}

// remark returns a finding on a statement; rest is the part of its sentence that
// follows the statement's name.
func (s Statement) remark(severity Severity, code string, policy, i int, rest string) Finding {
	return Finding{Severity: severity, Code: code, Policy: policy, Statement: s.where(i), Message: s.naming(i) + " " + rest}
}

// inWords formats a list for a sentence.
func inWords(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}
