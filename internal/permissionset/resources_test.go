// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// withResources returns a minimal set with template resources and outputs.
func withResources(resources, outputs string) Set {
	s := minimal()
	s.CustomerParameters = map[string]CustomerParameter{
		"bucket": {Description: "A bucket"}, "maybe": {Description: "Perhaps another", Default: new("")},
	}
	s.OptionalPermissions = map[string]OptionalPermission{"maybe": {Description: "Read it", WhenParameter: "maybe", InlinePolicies: Policies{"maybe": onBucket("maybe")}}}
	s.TemplateResources, s.TemplateOutputs = JSON(resources), JSON(outputs)
	return s
}

// bucketWith returns a bucket with properties, together with a queue and a topic.
func bucketWith(properties string) string {
	return `{"B": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Delete", "Properties": ` + properties + `},
		"Q": {"Type": "AWS::SQS::Queue", "DeletionPolicy": "Delete"}, "T": {"Type": "AWS::SNS::Topic"}}`
}

// bucketPolicy returns the policy of a bucket with one statement.
func bucketPolicy(statement string) string {
	return `{"B": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Delete"},
		"P": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Ref": "B"}, "PolicyDocument": {"Version": "2012-10-17", "Statement": ` + statement + `}}}}`
}

func TestTemplateResourcesThatCouldHarmCustomersAreRefused(t *testing.T) {
	const arn = `{"Fn::GetAtt": ["B", "Arn"]}`
	one := func(definition string) string { return `{"X": ` + definition + `}` }
	for name, c := range map[string]struct{ resources, want string }{
		"not JSON":                       {`{"B": `, "template_resources: it is not JSON: it ends too early"},
		"broken JSON":                    {"{\n \"B\": x}", "template_resources: it is not JSON: line 2, column 7"},
		"a list":                         {`[]`, "template_resources: it is not a JSON object"},
		"something after it":             {`{} {}`, "template_resources: unexpected data after the JSON"},
		"a name twice":                   {`{"B": {"Type": "AWS::SNS::Topic", "Type": "AWS::S3::Bucket"}}`, `template_resources: duplicate name "Type"`},
		"too many":                       {many(21, `{"Type": "AWS::SNS::Topic"}`), "template_resources: there are 21, but at most 20 are allowed"},
		"too large":                      {one(`{"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "` + strings.Repeat("x", 33000) + `"}}`), "template_resources: they have 33"},
		"a Transform":                    {`{"Transform": "AWS::Serverless-2016-10-31"}`, `template_resources["Transform"]: a Transform would have a macro write`},
		"a name with a hyphen":           {`{"my-bucket": {"Type": "AWS::SNS::Topic"}}`, `template_resources["my-bucket"]: a resource's name has 1 to 64 letters and digits`},
		"a name with a function":         {`{"Fn::Sub": {"Type": "AWS::SNS::Topic"}}`, "a resource's name has 1 to 64"},
		"the role's name":                {`{"Role": {"Type": "AWS::SNS::Topic"}}`, `template_resources["Role"]: the name is reserved for the template`},
		"the phone-home's name":          {`{"PhoneHome": {"Type": "AWS::SNS::Topic"}}`, "the name is reserved"},
		"a parameter's name":             {`{"InputBucket": {"Type": "AWS::SNS::Topic"}}`, "the name is reserved"},
		"a policy's name":                {`{"PolicyCore": {"Type": "AWS::SNS::Topic"}}`, "the name is reserved"},
		"no resource":                    {one(`"AWS::SNS::Topic"`), `template_resources["X"]: it must be a resource`},
		"no type":                        {one(`{}`), "it has no Type"},
		"a role":                         {one(`{"Type": "AWS::IAM::Role"}`), "AWS::IAM::Role would grant something that is neither declared nor proven"},
		"a policy of IAM":                {one(`{"Type": "AWS::IAM::Policy"}`), "AWS::IAM::Policy would grant"},
		"a custom resource":              {one(`{"Type": "Custom::Thing"}`), "a custom resource would run code of another account"},
		"a custom resource's other name": {one(`{"Type": "AWS::CloudFormation::CustomResource"}`), "a custom resource would run code"},
		"a nested stack":                 {one(`{"Type": "AWS::CloudFormation::Stack"}`), "AWS::CloudFormation::Stack would bring in a template"},
		"a macro":                        {one(`{"Type": "AWS::CloudFormation::Macro"}`), "AWS::CloudFormation::Macro would bring in"},
		"a function":                     {one(`{"Type": "AWS::Lambda::Function"}`), "AWS::Lambda::Function needs a role of its own"},
		"a table":                        {one(`{"Type": "AWS::DynamoDB::Table"}`), "AWS::DynamoDB::Table is none of the types that a stack may have: AWS::Events::Rule, AWS::Logs::LogGroup"},
		"a type in lower case":           {one(`{"Type": "aws::s3::bucket"}`), "aws::s3::bucket is none of the types"},

		"a bucket without a DeletionPolicy":    {one(`{"Type": "AWS::S3::Bucket"}`), `template_resources["X"]: the contents of the S3 bucket would be deleted with the stack: set DeletionPolicy`},
		"a queue without a DeletionPolicy":     {one(`{"Type": "AWS::SQS::Queue"}`), "set DeletionPolicy"},
		"a log group without a DeletionPolicy": {one(`{"Type": "AWS::Logs::LogGroup"}`), "set DeletionPolicy"},
		"an invalid DeletionPolicy":            {one(`{"Type": "AWS::SNS::Topic", "DeletionPolicy": "Snapshot"}`), `template_resources["X"]: DeletionPolicy: it must be one of Delete, Retain, RetainExceptOnCreate`},
		"a DeletionPolicy by a function":       {one(`{"Type": "AWS::SNS::Topic", "DeletionPolicy": {"Ref": "X"}}`), "DeletionPolicy: it must be one of"},
		"an invalid UpdateReplacePolicy":       {one(`{"Type": "AWS::SNS::Topic", "UpdateReplacePolicy": "Snapshot"}`), "UpdateReplacePolicy: it must be one of Delete, Retain"},
		"a CreationPolicy":                     {one(`{"Type": "AWS::SNS::Topic", "CreationPolicy": {}}`), "CreationPolicy: it would keep the stack waiting"},
		"an UpdatePolicy":                      {one(`{"Type": "AWS::SNS::Topic", "UpdatePolicy": {}}`), "UpdatePolicy: it is for Auto Scaling groups"},
		"a Condition":                          {one(`{"Type": "AWS::SNS::Topic", "Condition": "X"}`), "Condition: the conditions of the template"},
		"Metadata":                             {one(`{"Type": "AWS::SNS::Topic", "Metadata": {}}`), "Metadata: a template resource has Type, Properties,"},
		"properties in a list":                 {one(`{"Type": "AWS::SNS::Topic", "Properties": []}`), "Properties: it must be an object: names with values"},
		"a dependency on the role":             {one(`{"Type": "AWS::SNS::Topic", "DependsOn": ["Role"]}`), `DependsOn: "Role" is not one of the template resources`},
		"a dependency by a function":           {one(`{"Type": "AWS::SNS::Topic", "DependsOn": {"Ref": "X"}}`), `DependsOn: {"Ref":"X"} is not one`},

		"a literal bucket":                     {bucketWith(`{"BucketName": "acme-logs"}`), `template_resources["B"]: Properties.BucketName: a literal name can exist only once`},
		"a name of the partition":              {bucketWith(`{"BucketName": "acme-{{xacct:partition}}"}`), "a literal name"},
		"a name by a function without account": {bucketWith(`{"BucketName": {"Fn::Join": ["-", ["acme", {"Ref": "AWS::Region"}]]}}`), "a literal name"},
		"a literal queue":                      {one(`{"Type": "AWS::SQS::Queue", "DeletionPolicy": "Retain", "Properties": {"QueueName": "events"}}`), "Properties.QueueName: a literal name"},
		"a literal topic":                      {one(`{"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "events"}}`), "Properties.TopicName: a literal name"},
		"a literal rule":                       {one(`{"Type": "AWS::Events::Rule", "Properties": {"Name": "events"}}`), "Properties.Name: a literal name"},
		"a literal log group":                  {one(`{"Type": "AWS::Logs::LogGroup", "DeletionPolicy": "Retain", "Properties": {"LogGroupName": "events"}}`), "Properties.LogGroupName: a literal name"},

		"a Ref to the role":             {bucketWith(`{"X": {"Ref": "Role"}}`), `template_resources["B"]: Properties.X: Ref "Role" does not name a template resource`},
		"a Ref to the external ID":      {bucketWith(`{"X": [{"Ref": "ExternalId"}]}`), `Properties.X.0: Ref "ExternalId" does not name a template resource`},
		"a Ref to a parameter":          {bucketWith(`{"X": {"Ref": "InputBucket"}}`), "does not name a template resource"},
		"a Ref to the stack":            {bucketWith(`{"X": {"Ref": "AWS::StackId"}}`), "does not name a template resource"},
		"a Ref to nothing":              {bucketWith(`{"X": {"Ref": "AWS::NoValue"}}`), "does not name a template resource"},
		"a Ref without a name":          {bucketWith(`{"X": {"Ref": ["B"]}}`), "does not name a template resource"},
		"an attribute of the role":      {bucketWith(`{"X": {"Fn::GetAtt": ["Role", "Arn"]}}`), "does not name a template resource"},
		"an attribute by its name":      {bucketWith(`{"X": {"Fn::GetAtt": "PhoneHome.Data"}}`), "does not name a template resource"},
		"an unknown attribute":          {bucketWith(`{"X": {"Fn::GetAtt": ["Q", "ARN"]}}`), `AWS::SQS::Queue has no attribute "ARN": there is Arn, QueueName, QueueUrl`},
		"an ImportValue":                {bucketWith(`{"X": {"Fn::ImportValue": "x"}}`), "Fn::ImportValue would read what another stack"},
		"a macro in a value":            {bucketWith(`{"X": {"Fn::Transform": {"Name": "AWS::Include"}}}`), "Properties.X: Fn::Transform would have a macro"},
		"a macro as the properties":     {bucketWith(`{"Fn::Transform": {"Name": "AWS::Include"}}`), "Fn::Transform"},
		"an Fn::Sub":                    {bucketWith(`{"X": {"Fn::Sub": "${AWS::AccountId}"}}`), "Fn::Sub would take a policy variable"},
		"an Fn::If":                     {bucketWith(`{"X": {"Fn::If": ["Y", 1, 2]}}`), "Fn::If is not one of the functions"},
		"a function and more":           {bucketWith(`{"X": {"Ref": "Q", "Y": 1}}`), "it has other keys besides Ref"},
		"a Join of a list":              {bucketWith(`{"X": {"Fn::Join": ["", {"Ref": "Q"}]}}`), "Properties.X.Fn::Join: it requires a delimiter, which is a string, and a list"},
		"a Join by a function":          {bucketWith(`{"X": {"Fn::Join": [{"Ref": "Q"}, []]}}`), "it requires a delimiter"},
		"a Join of numbers":             {bucketWith(`{"X": {"Fn::Join": ["", [1]]}}`), "Properties.X.Fn::Join.0: it must be a string"},
		"a reference as a delimiter":    {bucketWith(`{"X": {"Fn::Join": ["{{xacct:account_id}}", ["a", "b"]]}}`), "references are allowed only in"},
		"a secret in pieces":            {bucketWith(`{"X": {"Fn::Join": ["", ["{", {"Fn::Join": ["{", ["", "resolve:ssm:x}}"]]}]]}}`), "its parts form {{ together"},
		"a secret around a delimiter":   {bucketWith(`{"X": {"Fn::Join": ["{{", ["", "resolve:ssm:x}}"]]}}`), "its parts form {{ together"},
		"null":                          {bucketWith(`{"X": null}`), "Properties.X: it is null"},
		"a secret":                      {bucketWith(`{"X": "{{resolve:secretsmanager:x}}"}`), "it contains {{resolve:"},
		"a secret as a key":             {bucketWith(`{"{{resolve:ssm:x}}": 1}`), "it contains {{resolve:"},
		"a reference as a key":          {bucketWith(`{"X": {"{{xacct:account_id}}": 1}}`), "references are allowed only in"},
		"an unknown reference":          {bucketWith(`{"X": "{{xacct:region}}"}`), "is not a reference"},
		"an undeclared parameter":       {bucketWith(`{"X": "{{xacct:parameter:other}}"}`), `there is no customer parameter "other"`},
		"a parameter that may be empty": {bucketWith(`{"X": "{{xacct:parameter:maybe}}"}`), `the customer may leave "maybe" empty`},
		"a cycle":                       {`{"A": {"Type": "AWS::SNS::Topic", "Properties": {"X": {"Ref": "B"}}}, "B": {"Type": "AWS::SNS::Topic", "DependsOn": "A"}}`, `template_resources["A"]: it depends on itself through A, B, A`},

		"a policy for the customer's bucket":    {`{"P": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": "{{xacct:parameter:bucket}}", "PolicyDocument": {"Statement": []}}}}`, "Properties.Bucket: a policy of a bucket is only for template resources"},
		"a policy for the customer's queue":     {`{"P": {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": ["https://x"], "PolicyDocument": {"Statement": {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"}}}}}`, "Properties.Queues: a policy of a queue is only for template resources"},
		"a policy for a queue as a bucket's":    {`{"B": {"Type": "AWS::SQS::Queue", "DeletionPolicy": "Delete"}, "P": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Ref": "B"}, "PolicyDocument": {"Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}}}}}`, "is only for template resources"},
		"a policy for nothing":                  {`{"P": {"Type": "AWS::SNS::TopicPolicy", "Properties": {"PolicyDocument": {"Statement": {"Effect": "Deny", "Principal": "*", "Action": "sns:*", "Resource": "*"}}}}}`, "it has no Topics"},
		"a policy without properties":           {`{"P": {"Type": "AWS::SNS::TopicPolicy"}}`, "it has no Properties"},
		"a policy as a text":                    {`{"B": {"Type": "AWS::SNS::Topic"}, "P": {"Type": "AWS::SNS::TopicPolicy", "Properties": {"Topics": [{"Ref": "B"}], "PolicyDocument": "{}"}}}`, "PolicyDocument: it must be a policy document, not a string"},
		"a reference as a principal":            {bucketPolicy(`[{"Effect": "Allow", "Principal": {"AWS": "{{xacct:account_id}}"}, "Action": "s3:GetObject", "Resource": ` + arn + `}]`), "Statement.Principal.AWS: it contains {{xacct, but references are allowed only in"},
		"a function as a principal":             {bucketPolicy(`{"Effect": "Allow", "Principal": {"AWS": {"Ref": "AWS::AccountId"}}, "Action": "s3:GetObject", "Resource": ` + arn + `}`), "Ref is allowed in a policy only in resources"},
		"a reference as an action":              {bucketPolicy(`{"Effect": "Allow", "Principal": "*", "Action": "s3:{{xacct:parameter:bucket}}", "Resource": ` + arn + `}`), "Action: it contains {{xacct"},
		"a reference as a Sid":                  {bucketPolicy(`{"Sid": "{{xacct:account_id}}", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": ` + arn + `}`), "Sid: it contains {{xacct"},
		"a reference as a condition's key":      {bucketPolicy(`{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": ` + arn + `, "Condition": {"StringEquals": {"aws:{{xacct:account_id}}": "x"}}}`), "it contains {{xacct"},
		"a secret in a resource":                {bucketPolicy(`{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::{{resolve:ssm:x}}"}`), "it contains {{resolve:"},
		"the role in a condition":               {bucketPolicy(`{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": ` + arn + `, "Condition": {"ArnEquals": {"aws:PrincipalArn": {"Fn::GetAtt": ["Role", "Arn"]}}}}`), "does not name a template resource"},
		"an invalid effect":                     {bucketPolicy(`{"Effect": "Permit", "Principal": "*", "Action": "s3:GetObject", "Resource": ` + arn + `}`), "Properties.PolicyDocument: "},
		"a statement with a misspelt attribute": {bucketPolicy(`{"Effect": "Allow", "Principle": "*", "Action": "s3:GetObject", "Resource": ` + arn + `}`), `Properties.PolicyDocument: `},
	} {
		t.Run(name, func(t *testing.T) {
			problems := withResources(c.resources, "").Validate(vendor, commercial)
			if len(problems) == 0 {
				t.Fatalf("accepted; want %q", c.want)
			}
			if !slices.ContainsFunc(problems, func(e FieldError) bool { return strings.Contains(e.Error(), c.want) }) {
				t.Errorf("got  %v\nwant %s", problems, c.want)
			}
		})
	}
}

func many(n int, definition string) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(`"X%d": %s`, i, definition)
	}
	return "{" + strings.Join(all, ",") + "}"
}

func TestInvalidTemplateOutputsAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ outputs, want string }{
		"a name in capitals":    {`{"Bucket": {"Ref": "B"}}`, `template_outputs["Bucket"]: a name has 1 to 41 lower-case letters`},
		"the external ID":       {`{"id": {"Ref": "ExternalId"}}`, `template_outputs["id"]: Ref "ExternalId" does not name a template resource`},
		"the role":              {`{"role": {"Fn::GetAtt": ["Role", "Arn"]}}`, "does not name a template resource"},
		"a number":              {`{"n": 1}`, "it must be a string, Ref, Fn::GetAtt or Fn::Join"},
		"a list":                {`{"n": ["x"]}`, "it must be a string"},
		"a secret":              {`{"n": "{{resolve:ssm:x}}"}`, "it contains {{resolve:"},
		"an optional parameter": {`{"n": "{{xacct:parameter:maybe}}"}`, "the customer may leave"},
		"too many":              {`{` + strings.Repeat(`"a": "x",`, 0) + manyOutputs(21) + `}`, "template_outputs: there are 21, but at most 20 are allowed"},
		"too long together":     {`{"a": "` + strings.Repeat("x", 9000) + `"}`, "template_outputs: they have 90"},
		"not JSON":              {`x`, "template_outputs: it is not JSON"},
		"a duplicate name":      {`{"a": "x", "a": "y"}`, `duplicate name "a"`},
	} {
		t.Run(name, func(t *testing.T) {
			problems := withResources(bucketWith("{}"), c.outputs).Validate(vendor, commercial)
			if len(problems) != 1 || !strings.Contains(problems[0].Error(), c.want) {
				t.Errorf("got  %v\nwant %s", problems, c.want)
			}
		})
	}
}

func manyOutputs(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(`"a%d": "x"`, i)
	}
	return strings.Join(all, ",")
}

func TestTemplateResourcesKeepWhatTheVendorWrote(t *testing.T) {
	s := withResources(strings.ReplaceAll(exports, "{{xacct:parameter:size}}", "x"), exported)
	resources, err := s.Resources()
	if err != nil || len(resources) != 9 {
		t.Fatal(len(resources), err)
	}
	var written map[string]any
	if err := json.Unmarshal([]byte(s.TemplateResources), &written); err != nil {
		t.Fatal(err)
	}
	for _, r := range resources {
		var got any
		if err := json.Unmarshal(encode(r.Fill(func(text string) any { return text })), &got); err != nil {
			t.Fatal(err)
		}
		want := written[r.LogicalID].(map[string]any)
		for name, policy := range map[string]string{"Queue": "Delete", "Log": "Retain"} { // it applies to both deletion and replacement
			if r.LogicalID == name {
				want["UpdateReplacePolicy"] = policy
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", r.LogicalID, diff)
		}
	}
}

func TestSummariesAndPlansNameTemplateResources(t *testing.T) {
	s := withResources(exports, exported)
	want := []string{
		"EventBridge rule Changes", "S3 bucket Exports, which stays when you delete the stack", "log group Log, which stays when you delete the stack",
		"SQS queue Queue, which is deleted with the stack", "SNS subscription Subscription", "SNS topic Topic",
	}
	if diff := cmp.Diff(want, s.Summary().Creates); diff != "" {
		t.Error(diff)
	}
	next := withResources(`{"Exports": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Delete"}, "More": {"Type": "AWS::SNS::Topic"}}`, `{"bucket": {"Ref": "Exports"}, "topic": {"Ref": "More"}}`)
	before := withResources(`{"Exports": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}, "Queue": {"Type": "AWS::SQS::Queue", "DeletionPolicy": "Delete"}}`, `{"bucket": {"Ref": "Exports"}, "queue": {"Ref": "Queue"}}`)
	lines := []string{
		"has in its stack AWS::SNS::Topic More", "no longer has in its stack AWS::SQS::Queue Queue", "has in its stack another AWS::S3::Bucket Exports",
		"reports topic", "no longer reports queue",
	}
	if diff := cmp.Diff(lines, before.Changes(next)); diff != "" {
		t.Error(diff)
	}
	next.TemplateResources = `{"Exports": {"Type": "AWS::SNS::Topic"}, "More": {"Type": "AWS::SNS::Topic"}}`
	if problems := before.ValidateUpdate(next); len(problems) != 1 || !strings.Contains(problems[0].Error(), `template_resources["Exports"]: live stacks have it as AWS::S3::Bucket`) {
		t.Error(problems)
	}
	alone := before
	alone.RegisterWithoutStack = true
	if problems := alone.Validate(vendor, commercial); len(problems) != 1 || !strings.Contains(problems[0].Error(), "template_resources: with register_without_stack") {
		t.Error(problems)
	}
	public := withResources(bucketPolicy(`{"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": "s3:GetObject", "Resource": "*"}`), "")
	if warnings := fmt.Sprint(public.Review()); !strings.Contains(warnings, `template_resources["P"]: warning: P allows something to every AWS account`) {
		t.Error(warnings)
	}
}

// FuzzTemplateResources looks for a text that is accepted although it contains a function that refers to
// something other than the vendor's resources, a dynamic reference, or a reference that is not replaced.
func FuzzTemplateResources(f *testing.F) {
	f.Add(exports, exported)
	f.Add(bucketWith(`{"X": [{"Ref": "Q"}, "{{xacct:account_id}}"]}`), `{"a": {"Fn::GetAtt": "Q.Arn"}}`)
	f.Add(bucketPolicy(`{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": {"Ref": "B"}, "Condition": {"Null": {"x": "{{xacct:parameter:bucket}}"}}}`), `{}`)
	f.Add(`{"X": {"Type": "AWS::SNS::Topic", "Properties": {"a": {"Fn::Join": ["", ["{{", "resolve:ssm:x}}"]]}}}}`, "")
	f.Fuzz(func(t *testing.T, resources, outputs string) {
		s := withResources(resources, outputs)
		s.CustomerParameters["size"] = CustomerParameter{Description: "Size"}
		if len(s.Validate(vendor, commercial)) > 0 {
			return
		}
		own, _ := s.Resources()
		ids := map[string]bool{}
		for _, r := range own {
			ids[r.LogicalID] = true
			if resourceTypes[r.Type].name == "" {
				t.Errorf("a resource of type %s", r.Type)
			}
		}
		fill := func(text string) any {
			if pieces := Pieces(text); slices.ContainsFunc(pieces, Piece.IsReference) {
				return []any{"a function"}
			}
			return text
		}
		check := func(v any) { escapes(t, v, ids) }
		for _, r := range own {
			check(r.Fill(fill))
		}
		reported, _ := s.Outputs()
		for _, v := range reported {
			check(FillOutput(v, fill))
		}
	})
}

func escapes(t *testing.T, v any, own map[string]bool) {
	switch v := v.(type) {
	case string:
		if looksLikeReference(v) || dynamicReference().MatchString(v) {
			t.Errorf("%q is in the template", v)
		}
	case []any:
		for _, element := range v {
			escapes(t, element, own)
		}
	case map[string]any:
		for key, inner := range v {
			escapes(t, key, own)
			escapes(t, inner, own)
			switch {
			case key == "Fn::Join":
				if text := together(inner); strings.Contains(text, "{{") {
					t.Errorf("%q is joined", text)
				}
			case key == "Ref":
				if id, _ := inner.(string); !own[id] && !slices.Contains(pseudoParameters, id) {
					t.Errorf("a Ref to %v", inner)
				}
			case strings.HasPrefix(key, "Fn::") && key != "Fn::GetAtt":
				t.Errorf("a function %s", key)
			}
		}
	}
}
