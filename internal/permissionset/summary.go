// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// Summary is what a set grants, for people who don't read policies.
type Summary struct {
	Reads    []string // what the role may read, by service
	Changes  []string // what it may change, by service
	Broad    []string // sentences about policies that are more than a list of actions
	Optional []OptionalSummary
	Roles    []RoleSummary // the additional roles
	Creates  []string      // what the stack creates besides the roles
}

// RoleSummary is what an additional role grants.
type RoleSummary struct {
	Key         string
	Description string // the vendor's; may be empty
	Summary
}

// OptionalSummary is what an optional permission grants.
type OptionalSummary struct {
	Key         string
	Description string // the vendor's, for the customer
	Enabled     bool   // the initial position of its switch
	When        string // the value that the customer enters to grant it; it has no switch then
	Summary
}

// Summary returns what the set grants. It leaves out details: the policies themselves
// are decisive, and the console shows them.
func (s Set) Summary() Summary {
	summary := s.Role.Grants().summary()
	summary.Creates = s.Creates()
	for _, key := range slices.Sorted(maps.Keys(s.OptionalPermissions)) {
		o := s.OptionalPermissions[key]
		summary.Optional = append(summary.Optional, OptionalSummary{key, o.Description, o.DefaultEnabled, s.CustomerParameters[o.WhenParameter].Description, o.Grants().summary()})
	}
	for _, key := range slices.Sorted(maps.Keys(s.AdditionalRoles)) {
		summary.Roles = append(summary.Roles, RoleSummary{key, s.AdditionalRoles[key].Description, s.Additional(key).Role.Grants().summary()})
	}
	return summary
}

func (g Grants) summary() Summary {
	var w Summary
	for _, arn := range sortedSet(g.ManagedPolicyARNs) {
		name := displayText(arn[strings.LastIndex(arn, "/")+1:])
		if sentence := knownPolicies()[name]; sentence != "" && strings.Contains(arn, ":iam::aws:policy/") { // a policy of the customer's may have the same name
			w.Broad = append(w.Broad, sentence+" (AWS policy "+name+")")
		} else {
			w.Broad = append(w.Broad, "Everything in the policy "+name)
		}
	}
	sees, changes := map[string]bool{}, map[string][]string{}
	for _, policies := range []Policies{g.InlinePolicies, g.ManagedPolicies} {
		for _, name := range slices.Sorted(maps.Keys(policies)) {
			document, err := iampolicy.Parse(policies[name])
			if err != nil {
				w.Broad = append(w.Broad, "Everything in the policy "+name)
				continue
			}
			for _, statement := range document.Statements {
				w.add(statement, sees, changes)
			}
		}
	}
	w.Reads = slices.Sorted(maps.Keys(sees))
	for _, service := range slices.Sorted(maps.Keys(changes)) {
		actions := slices.Compact(slices.Sorted(slices.Values(changes[service])))
		w.Changes = append(w.Changes, service+": "+strings.Join(actions, ", "))
	}
	return w
}

// add adds the actions of a statement to the summary. It omits denied actions.
func (w *Summary) add(s iampolicy.Statement, sees map[string]bool, changes map[string][]string) {
	if s.Effect != iampolicy.Allow {
		return
	}
	if len(s.NotAction) > 0 {
		w.Broad = append(w.Broad, "Everything but "+strings.Join(s.NotAction, ", "))
	}
	for _, action := range s.Action {
		service, name, _ := strings.Cut(action, ":")
		switch {
		case service == "*":
			w.Broad = append(w.Broad, "Everything in the account")
		case name == "*":
			changes[serviceName(service)] = append(changes[serviceName(service)], "everything")
		case isRead(name):
			sees[serviceName(service)] = true
		default:
			changes[serviceName(service)] = append(changes[serviceName(service)], actionText(name))
		}
	}
}

// actionText returns an action as a phrase: "reboot instances" for RebootInstances,
// and "put anything" for Put*.
func actionText(name string) string {
	var b strings.Builder
	var before rune
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 && !unicode.IsUpper(before) {
			b.WriteByte(' ')
		}
		before = r
		b.WriteRune(unicode.ToLower(r))
	}
	words := b.String()
	if verb, found := strings.CutSuffix(words, "*"); found && !strings.ContainsAny(verb, " *?") {
		return verb + " anything"
	}
	return words
}

// readVerbs are the verbs of actions that change nothing.
var readVerbs = []string{"Get", "List", "Describe", "BatchGet", "Filter", "Search", "Query", "Scan", "View", "Check", "Lookup", "Head", "Select", "Simulate"}

func isRead(action string) bool {
	return slices.ContainsFunc(readVerbs, func(verb string) bool {
		return len(action) >= len(verb) && strings.EqualFold(action[:len(verb)], verb)
	})
}

var knownPolicies = sync.OnceValue(func() map[string]string {
	return map[string]string{
		"AdministratorAccess":                   "Everything in the account",
		"AWSSupportAccess":                      "See and manage support cases",
		"CloudWatchReadOnlyAccess":              "See metrics, alarms and logs",
		"ComputeOptimizerReadOnlyAccess":        "See recommendations about sizes of resources",
		"PowerUserAccess":                       "Everything but managing users, roles and the organization",
		"ReadOnlyAccess":                        "See all settings, and read the data in most services",
		"SecurityAudit":                         "See settings that matter for security, but not your data",
		"ViewOnlyAccess":                        "See lists of resources, but not your data",
		"AWSBillingReadOnlyAccess":              "See bills and costs",
		"Billing":                               "See and manage bills and costs",
		"AmazonS3ReadOnlyAccess":                "Read everything in S3",
		"AmazonEC2ReadOnlyAccess":               "See everything in EC2",
		"AWSOrganizationsReadOnlyAccess":        "See the accounts of the organization",
		"AWSCloudTrail_ReadOnlyAccess":          "See who did what in the account",
		"IAMReadOnlyAccess":                     "See users, roles and policies",
		"AmazonRDSReadOnlyAccess":               "See databases, but not their content",
		"AWSSavingsPlansReadOnlyAccess":         "See savings plans",
		"AWSTrustedAdvisorReadOnlyAccess":       "See recommendations of Trusted Advisor",
		"AmazonDynamoDBReadOnlyAccess":          "Read tables in DynamoDB",
		"AWSResourceExplorerReadOnlyAccess":     "Find resources",
		"AmazonEventBridgeReadOnlyAccess":       "See event rules",
		"AWSConfigUserAccess":                   "See the history of settings",
		"AmazonGuardDutyReadOnlyAccess":         "See findings of GuardDuty",
		"AWSSecurityHubReadOnlyAccess":          "See findings of Security Hub",
		"AmazonInspector2ReadOnlyAccess":        "See findings of Inspector",
		"AWSCostAndUsageReportAutomationPolicy": "Manage cost and usage reports",
	}
})

var serviceNames = sync.OnceValue(func() map[string]string {
	return map[string]string{
		"autoscaling": "Auto Scaling", "ce": "costs", "cloudformation": "CloudFormation", "cloudtrail": "CloudTrail (who did what)", "cloudwatch": "CloudWatch (metrics and alarms)",
		"config": "Config (history of settings)", "cur": "cost and usage reports", "dynamodb": "DynamoDB (tables)", "ec2": "EC2 (servers and networks)", "ecr": "ECR (container images)",
		"ecs": "ECS (containers)", "eks": "EKS (Kubernetes)", "elasticloadbalancing": "load balancers", "events": "EventBridge (event rules)", "guardduty": "GuardDuty (threats)",
		"iam": "IAM (users, roles and policies)", "kms": "KMS (keys)", "lambda": "Lambda (functions)", "logs": "CloudWatch Logs", "organizations": "Organizations (accounts)", "rds": "RDS (databases)",
		"route53": "Route 53 (DNS)", "s3": "S3 (files)", "secretsmanager": "Secrets Manager (secrets)", "securityhub": "Security Hub (findings)", "sns": "SNS (notifications)", "sqs": "SQS (queues)",
		"ssm": "Systems Manager", "sts": "sessions (STS)", "tag": "tags", "support": "support cases",
	}
})

func serviceName(prefix string) string {
	if name := serviceNames()[strings.ToLower(prefix)]; name != "" {
		return name
	}
	return prefix
}
