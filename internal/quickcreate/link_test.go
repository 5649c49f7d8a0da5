// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package quickcreate

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// must returns the value or panics.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

const template = "https://xacct-acme-0011223344556677.s3.us-east-1.amazonaws.com/templates/00ff.json"

func link(region string) Link {
	return Link{
		Region:      must(account.ParseRegion(region)),
		TemplateURL: template,
		StackName:   "acme-access",
		Parameters:  map[string]string{"ExternalId": "00ff", "RoleName": "acme-Müller & Co", "CustomerName": "c1"},
	}
}

func TestALinkLeadsToTheConsoleOfItsPartition(t *testing.T) {
	const rest = "#/stacks/quickcreate?templateURL=https%3A%2F%2Fxacct-acme-0011223344556677.s3.us-east-1.amazonaws.com%2Ftemplates%2F00ff.json" +
		"&stackName=acme-access&param_CustomerName=c1&param_ExternalId=00ff&param_RoleName=acme-M%C3%BCller%20%26%20Co"
	for region, want := range map[string]string{
		"us-east-1":      "https://us-east-1.console.aws.amazon.com/cloudformation/home?region=us-east-1",
		"ap-southeast-7": "https://ap-southeast-7.console.aws.amazon.com/cloudformation/home?region=ap-southeast-7",
		"us-gov-west-1":  "https://us-gov-west-1.console.amazonaws-us-gov.com/cloudformation/home?region=us-gov-west-1",
		"cn-north-1":     "https://cn-north-1.console.amazonaws.cn/cloudformation/home?region=cn-north-1",
		"eusc-de-east-1": "https://eusc-de-east-1.console.amazonaws-eusc.eu/cloudformation/home?region=eusc-de-east-1",
	} {
		got, err := link(region).URL("")
		if err != nil {
			t.Fatal(err)
		}
		if got != want+rest {
			t.Errorf("%s:\ngot  %s\nwant %s", region, got, want+rest)
		}
	}
}

func TestALinkToAnotherConsoleHasTheSameForm(t *testing.T) {
	aws := must(link("eu-central-1").URL(""))
	_, rest, _ := strings.Cut(aws, "/cloudformation/")
	for _, override := range []string{"http://127.0.0.1:4566/console", "http://127.0.0.1:4566/console/"} {
		got := must(link("eu-central-1").URL(override))
		if want := "http://127.0.0.1:4566/console/cloudformation/" + rest; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if diff := cmp.Diff(link("eu-central-1").Parameters, must(Parse(got)).Parameters); diff != "" {
			t.Error(diff)
		}
	}
	for _, override := range []string{"127.0.0.1:4566", "ftp://host/", "http://host/?a=b", "http://host/#x", "http://me:secret@host/"} {
		if got, err := link("eu-central-1").URL(override); err == nil {
			t.Errorf("%s is accepted as a console: %s", override, got)
		}
	}
}

func TestUpdateAndStackLinksNameTheStack(t *testing.T) {
	stack := must(account.ParseStackARN("arn:aws-cn:cloudformation:cn-north-1:222222222222:stack/acme-access/0aa1-22"))
	const id = "arn%3Aaws-cn%3Acloudformation%3Acn-north-1%3A222222222222%3Astack%2Facme-access%2F0aa1-22"
	const home = "https://cn-north-1.console.amazonaws.cn/cloudformation/home?region=cn-north-1#"

	got := must(UpdateURL("", stack, "https://b.s3.cn-north-1.amazonaws.com.cn/t.json"))
	if want := home + "/stacks/update/template?stackId=" + id + "&templateURL=https%3A%2F%2Fb.s3.cn-north-1.amazonaws.com.cn%2Ft.json"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if _, err := UpdateURL("", account.StackARN{}, template); err == nil {
		t.Error("the zero stack has an update link")
	}
	if _, err := UpdateURL("", stack, "http://x/"); err == nil {
		t.Error("a template URL that is not https is accepted")
	}
}

func TestALinkThatWouldNotWorkIsRefused(t *testing.T) {
	many := map[string]string{}
	for i := range 201 {
		many["P"+strings.Repeat("x", i)] = ""
	}
	for name, c := range map[string]struct {
		change func(*Link)
		want   string
	}{
		"no Region":                  {func(l *Link) { l.Region = account.Region{} }, "needs a Region"},
		"no template":                {func(l *Link) { l.TemplateURL = "" }, "is not the URL of a template"},
		"a template over plain HTTP": {func(l *Link) { l.TemplateURL = "http://b.s3.amazonaws.com/t" }, "begins with https://"},
		"a bad stack name":           {func(l *Link) { l.StackName = "1st" }, "is not a stack name"},
		"a bad parameter name":       {func(l *Link) { l.Parameters = map[string]string{"a=b&c": ""} }, "is not the name of a template's parameter"},
		"a long value":               {func(l *Link) { l.Parameters["P"] = strings.Repeat("x", 4097) }, "parameter P is not text of at most 4096 bytes"},
		"broken text":                {func(l *Link) { l.Parameters["P"] = "\xff" }, "parameter P is not text"},
		"too many parameters":        {func(l *Link) { l.Parameters = many }, "not 201"},
		"a long link":                {func(l *Link) { l.Parameters["A"] = strings.Repeat("ü", 2000) }, "are truncated for some customers"},
	} {
		l := link("us-east-1")
		c.change(&l)
		if got, err := l.URL(""); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v and %.80s, want %q", name, err, got, c.want)
		}
	}
}

func TestLinksAreParsedAsTheConsoleParsesThem(t *testing.T) {
	const query = "templateURL=" + template + "&stackName=s&param_A=a+b%20c&param_B=&other=x"
	want := Link{Region: must(account.ParseRegion("us-east-1")), TemplateURL: template, StackName: "s", Parameters: map[string]string{"A": "a+b c", "B": ""}}
	for _, text := range []string{
		"https://us-east-1.console.aws.amazon.com/cloudformation/home?region=us-east-1#/stacks/quickcreate?" + query,
		"https://us-east-1.console.aws.amazon.com/cloudformation/home?region=us-east-1#/stacks/create/review?" + query,
		"https://console.aws.amazon.com/cloudformation/home?region=us-east-1#/stacks/create/review?" + query,
		"http://localhost:4566/console/cloudformation/home?region=us-east-1#/stacks/quickcreate?" + query,
	} {
		got, err := Parse(text)
		if err != nil {
			t.Error(err)
			continue
		}
		if !same(got, want) {
			t.Errorf("%s\nis read as %+v", text, got)
		}
	}
}

func TestAnInvalidLaunchLinkIsRefused(t *testing.T) {
	good := must(link("us-east-1").URL(""))
	for name, text := range map[string]string{
		"nothing":                      "",
		"another page":                 strings.Replace(good, "/cloudformation/", "/iam/", 1),
		"another route":                strings.Replace(good, "quickcreate", "stackinfo", 1),
		"no fragment":                  good[:strings.Index(good, "#")],
		"no Region":                    strings.Replace(good, "?region=us-east-1", "", 1),
		"another Region than its host": strings.Replace(good, "region=us-east-1", "region=us-east-2", 1),
		"another partition's host":     strings.Replace(good, "console.aws.amazon.com", "console.amazonaws.cn", 1),
		"a Region of no partition":     strings.Replace(good, "region=us-east-1", "region=us-iso-east-1", 1),
		"plain HTTP":                   strings.Replace(good, "https://us", "http://us", 1),
		"another port":                 strings.Replace(good, "amazon.com/", "amazon.com:8443/", 1),
		"a user's name":                strings.Replace(good, "https://us", "https://me@us", 1),
		"templateUrl":                  strings.Replace(good, "templateURL", "templateUrl", 1),
		"a name twice":                 good + "&stackName=other",
		"a broken escape":              good + "&param_X=%zz",
		"a broken name":                good + "&%zz=1",
		"too long":                     good + "&param_X=" + strings.Repeat("x", MaxLength),
	} {
		if got, err := Parse(text); err == nil {
			t.Errorf("%s: read as %+v", name, got)
		} else if len(err.Error()) > 1000 {
			t.Errorf("%s: the message has %d bytes", name, len(err.Error()))
		}
	}
}

func same(a, b Link) bool {
	return a.Region == b.Region && a.TemplateURL == b.TemplateURL && a.StackName == b.StackName && maps.Equal(a.Parameters, b.Parameters)
}

func TestEveryLinkRoundTrips(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		want := Link{
			Region:      must(account.ParseRegion(rapid.SampledFrom([]string{"us-east-1", "us-gov-east-1", "cn-northwest-1", "eusc-de-east-1"}).Draw(r, "region"))),
			TemplateURL: template + "?versionId=" + escape(rapid.String().Draw(r, "version")),
			StackName:   rapid.StringMatching(`|[A-Za-z][A-Za-z0-9-]{0,127}`).Draw(r, "stack"),
			Parameters:  rapid.MapOfN(rapid.StringMatching(`[A-Za-z0-9]{1,20}`), rapid.StringN(0, 60, 200), 0, 8).Draw(r, "parameters"),
		}
		console := rapid.SampledFrom([]string{"", "http://127.0.0.1:4566/console"}).Draw(r, "console")
		text, err := want.URL(console)
		if err != nil {
			r.Fatal(err)
		}
		if got := Console(text); got != console {
			r.Fatalf("the console %q was parsed as %q", console, got)
		}
		if strings.IndexFunc(text, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune(`"<>\^{}|+`+"`", c) }) >= 0 {
			r.Fatalf("not encoded: %s", text)
		}
		got, err := Parse(text)
		if err != nil {
			r.Fatal(err)
		}
		if !same(got, want) {
			r.Fatalf("%+v\nwas parsed as\n%+v", want, got)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(must(link("us-east-1").URL("")))
	f.Add(must(link("cn-north-1").URL("http://127.0.0.1:1/console")))
	f.Add("https://console.aws.amazon.com/cloudformation/home?region=us-east-1#/stacks/create/review?templateURL=https://x/&param_A=%00")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := Parse(text)
		if err != nil {
			return
		}
		again, err := l.URL("")
		if err != nil {
			if strings.Contains(err.Error(), "shorten") {
				return // URL encodes more strictly, so its result may be longer
			}
			t.Fatalf("%q is read as %+v, which is refused: %v", text, l, err)
		}
		back, err := Parse(again)
		if err != nil || !same(back, l) {
			t.Fatalf("%q is read as %+v and then as %+v: %v", text, l, back, err)
		}
	})
}
