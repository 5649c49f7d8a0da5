// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// asking returns the minimal set with customer parameters.
func asking(parameters map[string]CustomerParameter) Set {
	s := minimal()
	s.CustomerParameters = parameters
	return s
}

// one returns a set with one customer parameter.
func one(change func(*CustomerParameter)) Set {
	p := CustomerParameter{Description: "Name of your bucket"}
	change(&p)
	return asking(map[string]CustomerParameter{"bucket": p})
}

func TestEveryMistakeInACustomerParameterNamesItsField(t *testing.T) {
	pattern := func(text string) Set { return one(func(p *CustomerParameter) { p.AllowedPattern = text }) }
	values := func(texts ...string) Set { return one(func(p *CustomerParameter) { p.AllowedValues = texts }) }
	many := map[string]CustomerParameter{}
	for i := range 51 {
		many[fmt.Sprintf("p%d", i)] = CustomerParameter{Description: "P"}
	}
	for name, c := range map[string]struct {
		set  Set
		want string
	}{
		"a key in capitals":     {asking(map[string]CustomerParameter{"Bucket": {Description: "B"}}), `customer_parameters["Bucket"]: a key has 1 to 41`},
		"two keys for one name": {asking(map[string]CustomerParameter{"a_b": {Description: "B"}, "a__b": {Description: "B"}}), `customer_parameters["a_b"]: its parameter would be called InputAB, as that of "a__b"`},
		"too many":              {asking(many), "customer_parameters: there are 51, but a customer can be asked for at most 50"},
		"too long together": {asking(map[string]CustomerParameter{
			"a": {Description: "A", MaxLength: 4096}, "b": {Description: "B", MaxLength: 4096}, "c": {Description: "C", MaxLength: 4096}, "d": {Description: "D", MaxLength: 4096}, "e": {Description: "E"},
		}), "customer_parameters: their values may have 16512 characters in total, but at most 16384 are allowed"},
		"no description":             {one(func(p *CustomerParameter) { p.Description = "" }), "customer_parameters.bucket.description: it is empty"},
		"a dynamic description":      {one(func(p *CustomerParameter) { p.Description = "{{resolve:ssm:x}}" }), "customer_parameters.bucket.description: it contains {{resolve:"},
		"a reference in a text":      {one(func(p *CustomerParameter) { p.Description = AccountReference }), "customer_parameters.bucket.description: it contains {{xacct"},
		"an unmatched default":       {one(func(p *CustomerParameter) { p.Default = new("a b") }), `customer_parameters.bucket.default: "a b" does not match [A-Za-z0-9._/-]+`},
		"a long default":             {one(func(p *CustomerParameter) { p.Default, p.MaxLength = new("abcd"), 3 }), `customer_parameters.bucket.default: "abcd" has 4 characters, and not 1 to 3`},
		"a default not allowed":      {one(func(p *CustomerParameter) { p.Default, p.AllowedValues = new("c"), []string{"a", "b"} }), `customer_parameters.bucket.default: invalid value "c": must be one of allowed_values`},
		"values and a pattern":       {one(func(p *CustomerParameter) { p.AllowedPattern, p.AllowedValues = "a", []string{"a"} }), "customer_parameters.bucket.allowed_pattern: allowed_values limits the values already"},
		"an empty value":             {values("a", ""), "customer_parameters.bucket.allowed_values: a value is empty"},
		"a star":                     {values("a", "*"), `customer_parameters.bucket.allowed_values["*"]: it has '*'`},
		"a variable":                 {values("${aws:username}"), `it has '$'`},
		"a reference in a value":     {values(AccountReference), `it has '{'`},
		"an umlaut":                  {values("ü"), `it has 'ü'`},
		"a negative length":          {one(func(p *CustomerParameter) { p.MaxLength = -1 }), "customer_parameters.bucket.max_length: a value has 1 to 4096 characters"},
		"a length that is too large": {one(func(p *CustomerParameter) { p.MaxLength = 4097 }), "customer_parameters.bucket.max_length: a value has 1 to 4096 characters"},
		"min above max":              {one(func(p *CustomerParameter) { p.MinLength = 129 }), "customer_parameters.bucket.min_length: 129 is more than max_length, which is 128"},
		"empty, or long":             {one(func(p *CustomerParameter) { p.Default, p.MinLength = new(""), 3 }), "customer_parameters.bucket.min_length: the customer may leave the field empty"},
		"an invalid pattern":         {pattern("(a"), "customer_parameters.bucket.allowed_pattern: it is not a valid regular expression"},
		"every character":            {pattern("a.*"), `customer_parameters.bucket.allowed_pattern: it allows '*'`},
		"all but a letter":           {pattern("[^a]+"), "it contains '^' within [ ]"},
		"all that is printable":      {pattern("[ -~]+"), "it has a hyphen within [ ]"},
		"a long range":               {pattern("[A-z]+"), `it allows '\\'`},
		"from a digit on":            {pattern("[0-Z]+"), `it allows '?'`},
		"an escaped star":            {pattern(`\*`), `it allows '*'`},
		"an escaped dollar":          {pattern(`a\$`), `it allows '$'`},
		"a brace":                    {pattern(`a{`), `it allows '{'`},
		"all but digits":             {pattern(`\D`), `it contains \D: only \d and \w`},
		"a blank":                    {pattern(`\s`), `it contains \s`},
		"a character's number":       {pattern(`\x2a`), `it contains \x`},
		"a quotation":                {pattern(`\Q*\E`), `it contains \Q`},
		"an intersection":            {pattern(`[a-z&&b]`), "it contains '&' within [ ]"},
		"a class in a class":         {pattern(`[a[b]]`), "it contains '[' within [ ]"},
		"a class of POSIX":           {pattern(`[[:alpha:]]`), "it contains '[' within [ ]"},
		"a switch":                   {pattern(`(?i)a`), "it contains a (? group"},
		"a lookahead":                {pattern(`(?=a)a`), "it contains a (? group"},
		"an end in the middle":       {pattern(`a$|b`), "it contains '$' in the middle"},
		"an umlaut in a pattern":     {pattern(`ü`), "but a pattern may contain only printable ASCII"},
		"a backslash at its end":     {pattern(`a\`), `it ends in \`},
	} {
		t.Run(name, func(t *testing.T) {
			problems := c.set.Validate(vendor, commercial)
			if len(problems) != 1 || !strings.Contains(problems[0].Error(), c.want) {
				t.Errorf("got  %v\nwant %s", problems, c.want)
			}
		})
	}
}

func TestPatternsThatVendorsWriteAreAccepted(t *testing.T) {
	for _, text := range []string{
		"", "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "^[0-9]{12}$", `^\d{12}$`, `arn:aws:s3:::[a-z0-9.-]+(/[\w/-]*)?`, "(?:prod|test)-[A-Z]{2,3}", `[\w+=,.@-]+`, "[a-zA-Z0-9_/]*?", `[\-a]`, "[a-]b", `\.\/\-`,
	} {
		if problems := one(func(p *CustomerParameter) { p.AllowedPattern = text }).Validate(vendor, commercial); len(problems) > 0 {
			t.Errorf("%q: %v", text, problems)
		}
	}
}

// No policy must treat a value that a pattern allows as more than text.
func FuzzAllowedValuesHaveOnlyHarmlessCharacters(f *testing.F) {
	for _, pattern := range []string{"[a-z]+", "^a|b$", `(?:\w|-)*`, "[^a]", ".", "[!-~]", `\*`, "[A-z]", `[\]-a]`, `a\\`, "[*-.]", "x{2,3}"} {
		for _, value := range []string{"a", "*", "${aws:username}", "b?", "{{resolve:ssm:x}}", `"`, `\`, "\n", "ü"} {
			f.Add(pattern, value)
		}
	}
	f.Fuzz(func(t *testing.T, pattern, value string) {
		p := CustomerParameter{Description: "D", AllowedPattern: pattern, MaxLength: 4096}
		if checkPattern(pattern) != nil || pattern == "" {
			t.Skip("a set can't declare this pattern")
		}
		for _, text := range []string{value, p.sample("bucket")} {
			if p.allows(text) == nil && strings.ContainsFunc(text, func(r rune) bool { return !harmless(r) }) {
				t.Errorf("%q allows %q", pattern, text)
			}
		}
	})
}

func TestPiecesAreTextsAndReferences(t *testing.T) {
	for text, want := range map[string][]Piece{
		"":                     nil,
		"arn:aws:s3:::b":       {{Text: "arn:aws:s3:::b"}},
		AccountReference:       {{Account: true}},
		"a{{xacct:partition}}": {{Text: "a"}, {Partition: true}},
		"{{xacct:parameter:a}}{{xacct:parameter:b_2}}/*": {{Parameter: "a"}, {Parameter: "b_2"}, {Text: "/*"}},
		"{{xacct:parameter:A}}":                          {{Text: "{{xacct:parameter:A}}"}},
		"{{xacct:parameter:}}":                           {{Text: "{{xacct:parameter:}}"}},
		"x{{xacct:other}}{{xacct:account_id}}":           {{Text: "x{{xacct:other}}{{xacct:account_id}}"}},
		"{{xacct:account_id":                             {{Text: "{{xacct:account_id"}},
	} {
		if diff := cmp.Diff(want, Pieces(text)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

// whole returns a policy in which a text is replaced by another one.
func whole(old, text string) string {
	return strings.Replace(`{"Version":"2012-10-17","Id":"id","Statement":[{"Sid":"sid","Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::b"],"Condition":{"StringEquals":{"aws:PrincipalTag/k":["v"]}}}]}`, old, text, 1)
}

func TestReferencesAreAcceptedOnlyInTheirPlaces(t *testing.T) {
	asked := map[string]CustomerParameter{"bucket": {Description: "B"}, "maybe": {Description: "M", Default: new("")}}
	inline := func(text string) func(*Set) {
		return func(s *Set) { s.Role.InlinePolicies = Policies{"p": text} }
	}
	when := func(parameter, text string) func(*Set) {
		return func(s *Set) {
			s.OptionalPermissions = map[string]OptionalPermission{"o": {Description: "O", WhenParameter: parameter, InlinePolicies: Policies{"p": text}}}
		}
	}
	bucket, maybe := ParameterReference("bucket"), ParameterReference("maybe")
	for name, c := range map[string]struct {
		change func(*Set)
		want   string // empty if the set is valid
	}{
		"a resource":              {inline(whole("arn:aws:s3:::b", "arn:aws:s3:::"+bucket+"/x/*")), ""},
		"a resource alone":        {inline(whole(`["arn:aws:s3:::b"]`, `"arn:`+PartitionReference+`:s3:::`+bucket+`"`)), ""},
		"an escaped resource":     {inline(whole("arn:aws:s3:::b", `arn:aws:s3:::\u007b{xacct:parameter:bucket}}`)), ""},
		"all but a resource":      {inline(whole(`"Resource":["arn:aws:s3:::b"]`, `"NotResource":"arn:aws:s3:::`+bucket+`"`)), ""},
		"a condition's value":     {inline(whole(`"v"`, `"`+bucket+`","`+AccountReference+`"`)), ""},
		"after a policy variable": {inline(whole("arn:aws:s3:::b", "arn:aws:s3:::b/${aws:username}/"+bucket)), ""},
		"a managed policy": {func(s *Set) {
			s.Role.ManagedPolicyARNs = []string{"arn:" + PartitionReference + ":iam::" + AccountReference + ":policy/" + bucket}
		}, ""},
		"a boundary":                       {func(s *Set) { s.Role.PermissionsBoundaryARN = "arn:aws:iam::" + AccountReference + ":policy/B" }, ""},
		"a created policy":                 {func(s *Set) { s.Role.ManagedPolicies = Policies{"p": whole("arn:aws:s3:::b", "arn:aws:s3:::"+bucket)} }, ""},
		"one that may be empty, given":     {when("maybe", whole("arn:aws:s3:::b", "arn:aws:s3:::"+maybe)), ""},
		"an action":                        {inline(whole("s3:GetObject", "s3:"+bucket)), `is not an action`},
		"a Sid":                            {inline(whole(`"sid"`, `"`+bucket+`"`)), `may only have letters and digits`},
		"an ID":                            {inline(whole(`"id"`, `"`+bucket+`"`)), `it contains {{xacct`},
		"a condition's key":                {inline(whole("PrincipalTag/k", "PrincipalTag/"+bucket)), `it contains {{xacct`},
		"a policy's name":                  {func(s *Set) { s.Role.InlinePolicies = Policies{bucket: readBuckets} }, `is not a policy name`},
		"a path":                           {func(s *Set) { s.Role.Path = "/" + bucket + "/" }, `role.path: it contains {{xacct`},
		"a description":                    {func(s *Set) { s.Role.Description = "of " + bucket }, `role.description: it contains {{xacct`},
		"a tag":                            {func(s *Set) { s.Role.Tags = map[string]string{"k": bucket} }, `role.tags["k"]`},
		"a parameter that is not declared": {inline(whole("arn:aws:s3:::b", "arn:aws:s3:::"+ParameterReference("other"))), `role.inline_policies["p"]: there is no customer parameter "other"`},
		"one that may be empty":            {inline(whole("arn:aws:s3:::b", "arn:aws:s3:::"+maybe)), `the customer may leave "maybe" empty: refer to it only in an optional permission with when_parameter = "maybe"`},
		"another one is given":             {when("", whole("arn:aws:s3:::b", "arn:aws:s3:::"+maybe)), `optional_permissions.o.inline_policies["p"]: the customer may leave "maybe" empty`},
		"an unknown reference":             {inline(whole("arn:aws:s3:::b", "arn:aws:s3:::{{xacct:region}}")), `"arn:aws:s3:::{{xacct:region}}" is not a reference`},
		"a reference beside other braces":  {inline(whole("arn:aws:s3:::b", "arn:aws:s3:::"+bucket+"/{{x}}")), `is not a reference, or is next to one`},
		"in a policy variable":             {inline(whole("arn:aws:s3:::b", "arn:aws:s3:::${aws:PrincipalTag/"+bucket+"}")), `within or next to the braces of a policy variable`},
		"after a dollar sign":              {inline(whole("arn:aws:s3:::b", "arn:aws:s3:::$"+bucket)), `within or next to the braces`},
		"between braces":                   {inline(whole("arn:aws:s3:::b", "arn:aws:s3:::{"+bucket+"}")), `within or next to the braces`},
		"a secret beside it":               {inline(whole("arn:aws:s3:::b", "arn:aws:s3:::"+bucket+"{{resolve:ssm:x}}")), `it contains {{resolve:`},
		"the same policy twice": {func(s *Set) {
			s.Role.ManagedPolicyARNs = []string{"arn:aws:iam::aws:policy/A", "arn:" + PartitionReference + ":iam::aws:policy/A"}
		}, `it is the same policy as arn:aws:iam::aws:policy/A`},
		"when_parameter of no parameter":      {when("other", readBuckets), `optional_permissions.o.when_parameter: there is no customer parameter "other"`},
		"when_parameter of a required one":    {when("bucket", readBuckets), `optional_permissions.o.when_parameter: the customer must always enter "bucket"`},
		"a chosen path":                       {func(s *Set) { s.CustomerChooses, s.Role.Path = []string{ChoosesPath}, "/vendors/acme/" }, ""},
		"a chosen path of special characters": {func(s *Set) { s.CustomerChooses, s.Role.Path = []string{ChoosesPath}, "/a!/" }, `role.path: "/a!/" is the default of what the customer chooses`},
		"a chosen boundary that refers": {func(s *Set) {
			s.CustomerChooses, s.Role.PermissionsBoundaryARN = []string{ChoosesBoundary}, "arn:aws:iam::"+AccountReference+":policy/B"
		}, `role.permissions_boundary_arn: it is the default of what the customer chooses`},
		"a chosen path without a stack": {func(s *Set) { s.CustomerChooses, s.RegisterWithoutStack = []string{ChoosesPath}, true }, `customer_chooses["role_path"]: with register_without_stack registrars look for the role by its ARN`},
		"what can't be chosen":          {func(s *Set) { s.CustomerChooses = []string{"role_name"} }, `customer_chooses["role_name"]: customers may choose permissions_boundary, role_path`},
		"a parameter of that name": {func(s *Set) {
			s.CustomerChooses = []string{ChoosesPath}
			s.CustomerParameters = map[string]CustomerParameter{"role_path": {Description: "P"}}
		}, `customer_parameters["role_path"]: what the customer chooses is reported under this name`},
		"when_parameter and default_enabled": {func(s *Set) {
			s.OptionalPermissions = map[string]OptionalPermission{"o": {Description: "O", WhenParameter: "maybe", DefaultEnabled: true, InlinePolicies: Policies{"p": readBuckets}}}
		}, `optional_permissions.o.default_enabled: it is on when the customer gives "maybe"`},
	} {
		t.Run(name, func(t *testing.T) {
			s := asking(asked)
			c.change(&s)
			problems := s.Validate(vendor, commercial)
			if c.want == "" && len(problems) > 0 {
				t.Errorf("%v", problems)
			}
			if c.want != "" && (len(problems) == 0 || !strings.Contains(problems[0].Error(), c.want)) {
				t.Errorf("got  %v\nwant %s", problems, c.want)
			}
		})
	}
}

// IAM counts what the customer has entered. A vendor must learn at plan time whether the longest value
// fits.
func TestSizesCountTheLongestValuesOfReferences(t *testing.T) {
	s := one(func(p *CustomerParameter) { p.MaxLength = 4000 })
	statement := `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::` + ParameterReference("bucket") + `"}`
	document := `{"Version":"2012-10-17","Statement":[` + statement + `,` + statement + `]}`
	s.Role.ManagedPolicies = Policies{"p": document}
	parts, err := s.Created(s.Role.Grants())
	if err != nil || len(parts) != 2 || strings.Count(parts[0].Document, ParameterReference("bucket")) != 1 {
		t.Errorf("%v, %v", parts, err)
	}
	s.Role.ManagedPolicies, s.Role.InlinePolicies = nil, Policies{"p": document, "q": document}
	if problems := s.Validate(vendor, commercial); len(problems) != 1 || !strings.Contains(problems[0].Error(), "the inline policies have 16") {
		t.Errorf("%v", problems)
	}
}
