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

// namedIAM is what a customer agrees to, by the command line as by the
// checkbox in the console: the template makes a role with a name (aws-facts 3.8).
const namedIAM = "CAPABILITY_NAMED_IAM"

// CreateCommand returns the link as a command of the AWS command line, which
// creates the same stack. What would mean something to a shell is quoted, so it
// is safe to paste whatever the link carries.
func CreateCommand(l quickcreate.Link) (string, error) {
	if err := check(l); err != nil {
		return "", err
	}
	return command("create-stack",
		option{"--region", []string{l.Region.String()}},
		option{"--stack-name", []string{l.StackName}},
		option{"--template-url", []string{l.TemplateURL}},
		option{"--parameters", parameters(toFillIn(l.Parameters))},
		option{"--capabilities", []string{namedIAM}},
	), nil
}

// UpdateCommand gives the stack of a registration today's template, and leaves
// everything as the customer has chosen it. It names every parameter of that
// template, because CloudFormation takes the default for one that isn't named.
//
// What every template of ours has, keeps its value. CloudFormation refuses to
// keep the value of a parameter that the stack's older template didn't have
// (aws-facts 12.8), and only the stack's reports tell which of the others it had.
// So the expected account is given again, each switch is set to what the stack
// reported as granted, and a value that the customer typed in is kept if the stack
// reported it, and never repeated. A switch that is new is off, whatever its
// default: it is not seen when a command is pasted, and a customer who wants it
// says Yes in the console.
//
// If the link's external ID is another one than the stack's, the command gives the
// new one, and the one before as the previous one, which the role goes on accepting
// until the next update.
func UpdateCommand(link onboarding.Link, d declaration.Declaration, r onboarding.Registration) (string, error) {
	stack := r.Stack
	if err := check(quickcreate.Link{Region: stack.Region, StackName: stack.Name, TemplateURL: link.TemplateURL}); err != nil {
		return "", err
	}
	var chosen []string
	given := gained(link)
	maps.Copy(given, rotated(link, r))
	for name := range basic(link) {
		if _, changes := given[name]; !changes {
			chosen = append(chosen, "ParameterKey="+name+",UsePreviousValue=true")
		}
	}
	maps.Copy(given, switches(d, r))
	for key := range d.CustomerParameters {
		name := permissionset.InputParameter(key)
		if _, reported := r.Parameters[key]; reported {
			chosen = append(chosen, "ParameterKey="+name+",UsePreviousValue=true")
			delete(given, name)
		}
	}
	for _, what := range d.CustomerChooses {
		if _, reported := r.Parameters[what]; reported {
			chosen = append(chosen, "ParameterKey="+stacktemplate.ChosenParameter(what)+",UsePreviousValue=true")
		}
	}
	slices.Sort(chosen)
	return command("update-stack",
		option{"--region", []string{stack.Region.String()}},
		option{"--stack-name", []string{stack.String()}},
		option{"--template-url", []string{link.TemplateURL}},
		option{"--parameters", append(chosen, parameters(toFillIn(given))...)},
		option{"--capabilities", []string{namedIAM}},
	), nil
}

// switches returns the parameters of all optional permissions that are declared,
// as the customer has switched them.
func switches(d declaration.Declaration, r onboarding.Registration) map[string]string {
	values := make(map[string]string, len(d.OptionalPermissions))
	for key, permission := range d.OptionalPermissions {
		if permission.WhenParameter != "" {
			continue // it has no switch
		}
		position := permissionset.SwitchedOff
		if slices.Contains(r.GrantedPermissions, key) {
			position = permissionset.SwitchedOn
		}
		values[permissionset.SwitchParameter(key)] = position
	}
	return values
}

// StackSetCommands launch the template in every account of an organization: a
// service-managed StackSet, and its instances in one Region, because the role
// is the same in all of them. They are for the organization's management
// account, which itself gets no instance (aws-facts 8), or if delegated is set for
// a member account that administers StackSets for it.
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
		option{"--parameters", parameters(toFillIn(l.Parameters))},
		option{"--capabilities", []string{namedIAM}},
		option{"--permission-model", []string{"SERVICE_MANAGED"}},
		option{"--auto-deployment", []string{"Enabled=true,RetainStacksOnAccountRemoval=false"}},
	)
	instances := command("create-stack-instances", region, name, callAs,
		option{"--regions", []string{l.Region.String()}},
		// An account in which the stack fails must not keep the others from it.
		option{"--operation-preferences", []string{"FailureTolerancePercentage=100,MaxConcurrentPercentage=25"}},
	)
	// The only part that a shell is to expand, and nothing of it is a value.
	const everybody = `  --deployment-targets "OrganizationalUnitIds=$(aws organizations list-roots --query 'Roots[0].Id' --output text)"`
	return create + " &&\n" + instances + lineEnd + everybody, nil
}

// check refuses what the console would ask the customer for and a command
// can't.
func check(l quickcreate.Link) error {
	if l.StackName == "" {
		return fmt.Errorf("the link proposes no name for the stack, and only the console asks for one")
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

// parameters returns those of a stack as the command line takes them: its
// shorthand, one word a parameter, or JSON if a value has characters that
// mean something in the shorthand.
func parameters(values map[string]string) []string {
	type parameter struct{ ParameterKey, ParameterValue string }
	words, list, short := []string{}, []parameter{}, true
	for _, name := range slices.Sorted(maps.Keys(values)) {
		words = append(words, "ParameterKey="+name+",ParameterValue="+values[name])
		list = append(list, parameter{name, values[name]})
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

// plain is what has no meaning in the shorthand of the AWS command line.
var plain = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9._/:@+-]+$`) })

// word is what a shell takes as it stands.
var word = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9._/:@+=,-]+$`) })

// quote makes one word of a shell out of a value: within single quotes nothing
// has a meaning but the single quote itself.
func quote(value string) string {
	if word().MatchString(value) {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}
