// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package generate

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

const validHub = "hub: {name: acme, vendor_account_id: 111111111111, region: us-east-1}\n"

// Every mistake is reported with its place, and all mistakes of one kind at once.
func TestMistakesAreReportedWithTheirPlace(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing":                  {"", `f:1:1: the file is empty`},
		"only a comment":           {"# hello\n", `f:1:1: the file is empty`},
		"invalid YAML":             {"hub: [", `f:1:1: did not find expected node content`},
		"a list":                   {"- hub", "f:1:1: this is not a specification, but a list: a specification has the sections hub and role, such as `hub: {"},
		"a file of customers":      {"customer_id,account_id\nglobex,222222222222\n", `f:1:1: this is not a specification, but a text that begins with "customer_id,account_id globex,…": a specification has the sections hub and role`},
		"unknown field":            {validHub + "role:\n  session: x\n", `f:3:3: role.session: unknown field: must be one of description, inline_policies, managed_policies, managed_policy_arns, max_session_duration, name, path, permissions_boundary_arn, tags`},
		"required fields":          {"hub: {name: acme}\n", "f:1:1: role: it is required\nf:1:6: hub.region: it is required\nf:1:6: hub.vendor_account_id: it is required"},
		"an invalid number":        {validHub + "role: {max_session_duration: 2h}", `f:2:30: role.max_session_duration: "2h" is not a whole number`},
		"an invalid list":          {validHub + "role: {managed_policy_arns: arn:aws:iam::aws:policy/A}", `f:2:29: role.managed_policy_arns: must be a list, not "arn:aws:iam::aws:policy/A"`},
		"a repeated key":           {validHub + "role:\n  path: /a/\n  path: /b/\n", `f:4:3: role.path: duplicate key`},
		"an anchor":                {validHub + "role: &r {path: /a/}\n", `f:2:7: role: anchors and aliases are not supported: write the value out`},
		"two documents":            {validHub + "role: {path: /a/}\n---\nx: 1\n", `f:3:1: the file holds more than one document`},
		"an account":               {"hub: {name: acme, vendor_account_id: 42, region: us-east-1}\nrole: {path: /}", `f:1:19: hub.vendor_account_id: `},
		"a hub's name":             {"hub: {name: Acme!, vendor_account_id: 111111111111, region: us-east-1}\nrole: {path: /}", `f:1:7: hub.name: `},
		"two partitions":           {"hub: {name: acme, vendor_account_id: 111111111111, region: us-east-1, regions: [us-east-1, cn-north-1]}\nrole: {path: /}", `f:1:92: hub.regions.cn-north-1: Region cn-north-1 is in partition aws-cn, the hub in aws`},
		"a policy":                 {validHub + "role:\n  inline_policies:\n    bad: '{\"Statement\": []}'\n", `f:4:5: role.inline_policies.bad: `},
		"an optional policy":       {validHub + "role: {path: /}\noptional_permissions:\n  logs:\n    description: Logs\n    managed_policy_arns: [x]\n", `f:6:27: optional_permissions.logs.managed_policy_arns.x: `},
		"a policy by name":         {validHub + "role:\n  managed_policy_arns:\n    - ReadOnlyAccess\n", `f:4:7: role.managed_policy_arns.ReadOnlyAccess: `},
		"a customer":               {validHub + "role: {path: /}\ncustomer: {id: -x}\n", `f:3:12: customer.id: "-x" is not a customer's ID`},
		"a Region outside the hub": {validHub + "role: {path: /}\ncustomer: {id: x, region: eu-west-1}\n", `f:3:19: customer.region: invalid Region "eu-west-1": must be one of the hub's Regions`},
		"an address":               {validHub + "role: {path: /}\ntemplate_url: http://x\n", `f:3:1: template_url: `},
		"a resource":               {validHub + "role: {path: /}\ntemplate_resources:\n  Logs: {Type: AWS::S3::Bucket}\n", `f:4:3: template_resources.Logs: the contents of the S3 bucket would be deleted with the stack: set DeletionPolicy`},
		"a short form":             {validHub + "role: {path: /}\ntemplate_resources:\n  T: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Ref T}}\n", `f:4:56: template_resources.T.Properties.DisplayName: short forms such as !Ref are not supported`},
		"an output":                {validHub + "role: {path: /}\ntemplate_outputs: '{\"role\": {\"Ref\": \"Role\"}}'\n", `f:3:1: template_outputs.role: Ref "Role" does not name a template resource`},
		"several, in order":        {"hub: {name: acme, vendor_account_id: x, region: mars-1}\nrole: {path: /}", "f:1:19: hub.vendor_account_id: "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read("f", []byte(c.text))
			if err == nil {
				t.Fatal("the file was accepted")
			}
			if !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got:\n%v\nwant:\n%v", err, c.want)
			}
		})
	}
}

func TestFilesForACustomerRequireTheirExternalID(t *testing.T) {
	for text, want := range map[string]string{
		validHub + "role: {path: /}":                             "customer.id and customer.external_id",
		validHub + "role: {path: /}\ncustomer: {id: globex}\n\n": "needs the external ID of customer globex",
	} {
		g, err := Read("f", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range Kinds {
			_, err := kind.Files(g)
			switch kind.Name {
			case "template", "hub":
				if err != nil {
					t.Errorf("%s: %v", kind.Name, err)
				}
			default:
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v", kind.Name, err)
				}
			}
		}
	}
}

// A mistake in every line of the largest file must take seconds. Each key is compared with those of its
// own mapping, because comparing it with all keys would take minutes.
func TestAFileFullOfMistakesIsRefusedInSeconds(t *testing.T) {
	text := validHub + "role: {path: /}\noptional_permissions:\n"
	for i := 0; len(text) < maxSize-20; i += 1000 {
		var lines strings.Builder
		for j := range 1000 {
			fmt.Fprintf(&lines, " a%d: {}\n", i+j)
		}
		text += lines.String()
	}
	text = text[:strings.LastIndex(text[:maxSize], "\n")+1]
	refused := make(chan error, 1)
	go func() {
		_, err := Read("f", []byte(text))
		refused <- err
	}()
	select {
	case err := <-refused:
		if problems := (Problems{}); !errors.As(err, &problems) || len(problems) != strings.Count(text, "{}") {
			t.Errorf("%d of %d mistakes are reported", len(problems), strings.Count(text, "{}"))
		}
	case <-time.After(time.Minute):
		t.Error("the file is not refused after a minute")
	}
}

// FuzzSpecification checks that every file is read, or refused with the places of its mistakes.
func FuzzSpecification(f *testing.F) {
	f.Add(validHub + "role: {path: /}")
	f.Add("{\"hub\": {\"name\": \"a\tb\"}}")
	f.Add("hub: &a [*a]\n")
	f.Add(validHub + "role: {inline_policies: {a: {Version: 2012-10-17, Statement: {Effect: Allow, Action: '*', Resource: '*'}}}}")
	f.Add(validHub + "role: {path: /}\ntemplate_resources: {T: {Type: AWS::SNS::Topic, Properties: {DisplayName: {Ref: T}}}}\ntemplate_outputs: '{\"a\": {\"Ref\": \"T\"}}'")
	f.Fuzz(func(t *testing.T, text string) {
		g, err := Read("f", []byte(text))
		if err != nil {
			var problems Problems
			if errors.As(err, &problems) {
				for _, p := range problems {
					if p.Line < 1 || p.Column < 0 || p.Message == "" {
						t.Errorf("a mistake without a place: %+v", p)
					}
				}
			}
			return
		}
		for _, kind := range Kinds {
			_, _ = kind.Files(g)
		}
	})
}
