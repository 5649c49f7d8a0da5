// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package launch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/quickcreate"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// namedIAM is the capability that a customer acknowledges, on the command line or with
// the checkbox in the console: the template creates a role with a custom name
// (aws-facts 3.8).
const namedIAM = "CAPABILITY_NAMED_IAM"

// CreateCommand returns the link as an AWS CLI command that creates the same stack. All
// values that are special to a shell are quoted, so that the command is safe to paste
// whatever the link contains.
func CreateCommand(l quickcreate.Link) (string, error) {
	if err := check(l); err != nil {
		return "", err
	}
	return command("create-stack",
		option{"--region", []string{l.Region.String()}},
		option{"--stack-name", []string{l.StackName}},
		option{"--template-url", []string{l.TemplateURL}},
		option{"--parameters", parameters(nil, withPlaceholders(l.Parameters))},
		option{"--capabilities", []string{namedIAM}},
	), nil
}

// UpdateCommand returns an AWS CLI command that updates a registration's stack to the
// present template and keeps all choices of the customer. The command contains every
// parameter of the template, because CloudFormation uses the default for a parameter
// that is left out.
//
// Parameters that all templates have keep their values. CloudFormation refuses to keep
// the value of a parameter that the stack's older template did not have (aws-facts
// 12.8), and of the other parameters only the stack's reports show which it had. So the
// expected account is given again, each switch is set as the stack reported it, and a
// value that the customer typed in is kept if the stack reported it, and is never
// repeated in the command. A new switch is off, whatever its default, because it is not
// seen when a command is pasted; a customer who wants it selects Yes in the console.
//
// If the link's external ID differs from the stack's, the command sets the new one, and
// the old one as the previous external ID, which the role accepts until the next
// update.
func UpdateCommand(link onboarding.Link, d declaration.Declaration, r onboarding.Registration) (string, error) {
	stack := r.Stack
	if err := check(quickcreate.Link{Region: stack.Region, StackName: stack.Name, TemplateURL: link.TemplateURL}); err != nil {
		return "", err
	}
	var kept []string
	given := addedParameters(link)
	maps.Copy(given, rotated(link, r))
	for name := range baseParameters(link) {
		if _, changes := given[name]; !changes {
			kept = append(kept, name)
		}
	}
	maps.Copy(given, switches(d, r))
	for key := range d.CustomerParameters {
		name := permissionset.InputParameter(key)
		if _, reported := r.Parameters[key]; reported {
			kept = append(kept, name)
			delete(given, name)
		}
	}
	for _, what := range d.CustomerChooses {
		if _, reported := r.Parameters[what]; reported {
			kept = append(kept, stacktemplate.ChosenParameter(what))
		}
	}
	return command("update-stack",
		option{"--region", []string{stack.Region.String()}},
		option{"--stack-name", []string{stack.String()}},
		option{"--template-url", []string{link.TemplateURL}},
		option{"--parameters", parameters(kept, withPlaceholders(given))},
		option{"--capabilities", []string{namedIAM}},
	), nil
}

// switches returns the parameters of all declared optional permissions, with the
// customer's choices.
func switches(d declaration.Declaration, r onboarding.Registration) map[string]string {
	values := make(map[string]string, len(d.OptionalPermissions))
	for key, permission := range d.OptionalPermissions {
		if permission.WhenParameter != "" {
			continue // the permission has no switch
		}
		position := permissionset.SwitchedOff
		if slices.Contains(r.GrantedPermissions, key) {
			position = permissionset.SwitchedOn
		}
		values[permissionset.SwitchParameter(key)] = position
	}
	return values
}

// StackSetCommands returns AWS CLI commands that launch the template in every account
// of an organization: a service-managed StackSet, and its instances in one Region,
// because roles are global. The commands are for the organization's management account,
// which itself gets no instance (aws-facts 8), or, if delegated is set, for a member
// account that is a delegated administrator of StackSets.
func StackSetCommands(l quickcreate.Link, delegated bool) (string, error) {
	if err := check(l); err != nil {
		return "", err
	}
	callAs := option{"--call-as", nil}
	if delegated {
		callAs.values = []string{"DELEGATED_ADMIN"}
	}
	region, name := option{"--region", []string{l.Region.String()}}, option{"--stack-set-name", []string{l.StackName}}
	create := command("create-stack-set", region, name, callAs,
		option{"--template-url", []string{l.TemplateURL}},
		option{"--parameters", parameters(nil, withPlaceholders(l.Parameters))},
		option{"--capabilities", []string{namedIAM}},
		option{"--permission-model", []string{"SERVICE_MANAGED"}},
		option{"--auto-deployment", []string{"Enabled=true,RetainStacksOnAccountRemoval=false"}},
	)
	instances := command("create-stack-instances", region, name, callAs,
		option{"--regions", []string{l.Region.String()}},
		// An account in which the stack fails must not stop the others.
		option{"--operation-preferences", []string{"FailureTolerancePercentage=100,MaxConcurrentPercentage=25"}},
	)
	// The only part that a shell expands. It contains no values of the link.
	const everybody = `  --deployment-targets "OrganizationalUnitIds=$(aws organizations list-roots --query 'Roots[0].Id' --output text)"`
	return create + " &&\n" + instances + lineEnd + everybody, nil
}

// check returns an error if the link lacks a value for which only the console can ask,
// or is invalid.
func check(l quickcreate.Link) error {
	if l.StackName == "" {
		return fmt.Errorf("the link has no stack name, and only the console asks for one")
	}
	_, err := l.URL("")
	return err
}

type option struct {
	name   string
	values []string
}

const lineEnd = " \\\n"

func command(action string, options ...option) string {
	lines := []string{"aws cloudformation " + action}
	for _, o := range options {
		if len(o.values) == 0 {
			continue
		}
		line := "  " + o.name
		for _, value := range o.values {
			line += " " + quote(value)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, lineEnd)
}

// parameters returns a stack's parameters as arguments of the AWS CLI: those that keep
// their values, and then those with new ones. They are in its shorthand syntax, one
// argument per parameter, or all in one JSON argument if a value contains characters
// that are special in the shorthand: the AWS CLI reads no mix of both.
func parameters(kept []string, values map[string]string) []string {
	type parameter struct {
		ParameterKey     string
		ParameterValue   *string `json:",omitempty"`
		UsePreviousValue bool    `json:",omitempty"`
	}
	words, list, short := []string{}, []parameter{}, true
	for _, name := range slices.Sorted(slices.Values(kept)) {
		words = append(words, "ParameterKey="+name+",UsePreviousValue=true")
		list = append(list, parameter{ParameterKey: name, UsePreviousValue: true})
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		words = append(words, "ParameterKey="+name+",ParameterValue="+values[name])
		list = append(list, parameter{ParameterKey: name, ParameterValue: new(values[name])})
		short = short && plain().MatchString(values[name])
	}
	if short {
		return words
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(list) // strings always encode
	return []string{strings.TrimSpace(b.String())}
}

// plain matches values without characters that are special in the AWS CLI's shorthand
// syntax.
var plain = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9._/:@+-]+$`) })

// word matches values that a shell does not change.
var word = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9._/:@+=,-]+$`) })

// quote returns a value as one word for a shell. Within single quotes only the single
// quote itself is special.
func quote(value string) string {
	if word().MatchString(value) {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}
