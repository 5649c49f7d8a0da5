// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iampolicy

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

func id(t testing.TB, s string) account.ID {
	t.Helper()
	v, err := account.ParseID(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func topicARN(t testing.TB, s string) account.TopicARN {
	t.Helper()
	v, err := account.ParseTopicARN(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func region(t testing.TB, s string) account.Region {
	t.Helper()
	v, err := account.ParseRegion(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func accounts(n int) []account.ID {
	ids := make([]account.ID, n)
	for i := range ids {
		ids[i], _ = account.ParseID(fmt.Sprintf("%012d", 222222222222+i))
	}
	return ids
}

func organizations(n int) []account.OrganizationID {
	var ids []account.OrganizationID
	for i := range n {
		o, _ := account.ParseOrganizationID(fmt.Sprintf("o-%010d", i))
		ids = append(ids, o)
	}
	return ids
}

const topicText = "arn:aws:sns:eu-central-1:111111111111:xacct-acme-0"

func builtDocuments(t testing.TB) map[string]Document {
	vendor := id(t, "111111111111")
	role, err := account.ParseRoleARN("arn:aws:iam::111111111111:role/deploy/App")
	if err != nil {
		t.Fatal(err)
	}
	queue, err := Queue("arn:aws:sqs:us-east-1:111111111111:xacct-acme", region(t, "us-east-1"),
		QueueSources{vendor, []string{"xacct-acme-?", "xacct-acme-??"}, []account.Region{region(t, "eu-central-1"), region(t, "ap-east-1")}})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]Document{
		"trust":                Trust{Partition: role.Partition, Accounts: []account.ID{vendor}}.Document("0123456789abcdef"),
		"trust in principals":  Trust{Partition: role.Partition, Accounts: []account.ID{vendor}, Principals: []account.RoleARN{role, role}}.Document("0123456789abcdef"),
		"topic":                Topic(topicARN(t, topicText), accounts(3), 7),
		"topic without anyone": Topic(topicARN(t, topicText), nil, 0),
		"queue":                queue,
		"bucket":               PublicTemplates("xacct-acme-0011", role.Partition),
	}
}

func TestTheBuiltDocuments(t *testing.T) {
	want := map[string]string{
		"trust": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"sts:AssumeRole",` +
			`"Condition":{"StringEquals":{"sts:ExternalId":"0123456789abcdef"}}}]}`,
		"trust in principals": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"sts:AssumeRole",` +
			`"Condition":{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/deploy/App"},"StringEquals":{"sts:ExternalId":"0123456789abcdef"}}}]}`,
		"queue": `{"Version":"2012-10-17","Statement":[{"Sid":"XacctTopics","Effect":"Allow","Principal":{"Service":["sns.amazonaws.com","sns.ap-east-1.amazonaws.com"]},` +
			`"Action":"sqs:SendMessage","Resource":"arn:aws:sqs:us-east-1:111111111111:xacct-acme","Condition":{"ArnLike":{"aws:SourceArn":` +
			`["arn:aws:sns:*:111111111111:xacct-acme-?","arn:aws:sns:*:111111111111:xacct-acme-??"]}}},` +
			`{"Sid":"XacctOnlyTLS","Effect":"Deny","Principal":{"AWS":"*"},"Action":"sqs:*","Resource":"arn:aws:sqs:us-east-1:111111111111:xacct-acme","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`,
		"bucket": `{"Version":"2012-10-17","Statement":[{"Sid":"XacctPublicTemplates","Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::xacct-acme-0011/templates/*"},` +
			`{"Sid":"XacctOnlyTLS","Effect":"Deny","Principal":{"AWS":"*"},"Action":"s3:*","Resource":["arn:aws:s3:::xacct-acme-0011","arn:aws:s3:::xacct-acme-0011/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`,
	}
	built := builtDocuments(t)
	for name, text := range want {
		if got := built[name].String(); got != text {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, text)
		}
	}
}

// clearText returns the statement that denies requests without TLS.
func clearText(sequence int) string {
	return fmt.Sprintf(`{"Sid":"XacctOnlyTLS%d","Effect":"Deny","Principal":{"AWS":"*"},"Action":"SNS:Publish","Resource":"%s","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`, sequence, topicText)
}

func TestPublishersReplaceOnlyOurStatements(t *testing.T) {
	topic := topicARN(t, topicText)
	const other = `{"Sid":"Ops <team> & co","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999999999999:root","Odd":"x"},"Action":"SNS:Subscribe","Resource":"` + topicText + `"}`
	existing := "{\n\"Version\":\"2008-10-17\",\"Id\":\"mine\",\"Statement\":[" + other + "]}"

	first, err := MergePublishers(existing, topic, Publishers{Accounts: accounts(2)}, 7)
	if err != nil {
		t.Fatal(err)
	}
	wantOurs := `{"Sid":"XacctPublishers7","Effect":"Allow","Principal":{"AWS":"*"},"Action":"SNS:Publish","Resource":"` + topicText + `","Condition":{"StringEquals":{"aws:PrincipalAccount":["222222222222","222222222223"]}}}`
	if want := `{"Version":"2008-10-17","Id":"mine","Statement":[` + other + `,` + wantOurs + `,` + clearText(7) + `]}`; first != want {
		t.Errorf("got  %s\nwant %s", first, want)
	}
	second, err := MergePublishers(first, topic, Publishers{Accounts: accounts(1)}, 8)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(second, "XacctPublishers7") || strings.Count(second, "XacctPublishers8") != 1 || !strings.Contains(second, other) {
		t.Errorf("got %s", second)
	}
	last, err := MergePublishers(second, topic, Publishers{}, 9)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"Version":"2008-10-17","Id":"mine","Statement":[` + other + `,` + clearText(9) + `]}`; last != want {
		t.Errorf("got  %s\nwant %s", last, want)
	}
}

func TestOrganizationsAndAnyoneHaveStatementsOfTheirOwn(t *testing.T) {
	topic := topicARN(t, topicText)
	both := Publishers{Accounts: accounts(1), Organizations: organizations(2)}
	text, err := MergePublishers(`{"Statement":[]}`, topic, both, 3)
	if err != nil {
		t.Fatal(err)
	}
	statement := func(sid, condition string) string {
		return `{"Sid":"` + sid + `","Effect":"Allow","Principal":{"AWS":"*"},"Action":"SNS:Publish","Resource":"` + topicText + `","Condition":{` + condition + `}}`
	}
	want := `{"Statement":[` + statement("XacctPublishers3", `"StringEquals":{"aws:PrincipalAccount":"222222222222"}`) + `,` +
		statement("XacctOrganizations3", `"StringEquals":{"aws:PrincipalOrgID":["o-0000000000","o-0000000001"]}`) + `,` + clearText(3) + `]}`
	if text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	both.Anyone = true
	if text, err = MergePublishers(text, topic, both, 4); err != nil {
		t.Fatal(err)
	}
	if want := `{"Statement":[` + statement("XacctAnyone4", `"StringLike":{"aws:PrincipalAccount":"*"}`) + `,` + clearText(4) + `]}`; text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

func TestATopicIsNeverLeftWithoutAPolicy(t *testing.T) {
	topic := topicARN(t, topicText)
	ours := `{"Statement":` + encode(Publishers{Accounts: accounts(1)}.statements(topic, 1)[0].wire()) + `}`
	for _, existing := range []string{"", ours} {
		got, err := MergePublishers(existing, topic, Publishers{}, 2)
		if err != nil {
			t.Fatal(err)
		}
		if got != Topic(topic, nil, 2).String() {
			t.Errorf("%s became %s", existing, got)
		}
	}
	if _, err := MergePublishers(`{"Statement":`, topic, Publishers{}, 2); err == nil || !strings.Contains(err.Error(), topicText) {
		t.Errorf("a policy that cannot be read: %v", err)
	}
}

func TestPublishersAreReadBack(t *testing.T) {
	topic := topicARN(t, topicText)
	rapid.Check(t, func(r *rapid.T) {
		want := Publishers{Anyone: rapid.Bool().Draw(r, "anyone")}
		if !want.Anyone {
			want.Accounts = accounts(rapid.IntRange(1, 40).Draw(r, "accounts"))
			want.Organizations = organizations(rapid.IntRange(0, 5).Draw(r, "organizations"))
		}
		sequence := rapid.Int64Range(0, 1<<62).Draw(r, "sequence")
		text, err := MergePublishers("", topic, want, sequence)
		if err != nil {
			r.Fatal(err)
		}
		got, number, ok := PublishersOf(text)
		if !ok || number != sequence || !reflect.DeepEqual(got, want) {
			r.Fatalf("got %v %d %v from %s", got, number, ok, text)
		}
	})
}

func TestAChangedStatementIsNotOurs(t *testing.T) {
	good, err := MergePublishers("", topicARN(t, topicText), Publishers{Accounts: accounts(2)}, 7)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, ok := PublishersOf(good); !ok {
		t.Fatalf("not read back: %s", good)
	}
	ours := good[strings.Index(good, `{"Sid":"XacctPublishers7"`):strings.Index(good, `,{"Sid":"XacctOnlyTLS7"`)]
	for name, text := range map[string]string{
		"no policy":          "",
		"no statement":       `{"Version":"2012-10-17","Statement":[]}`,
		"clear text allowed": strings.Replace(good, ","+clearText(7), "", 1),
		"another number":     strings.Replace(good, "XacctOnlyTLS7", "XacctOnlyTLS6", 1),
		"another effect":     strings.Replace(good, ours, strings.Replace(ours, "Allow", "Deny", 1), 1),
		"another action":     strings.Replace(good, ours, strings.Replace(ours, "SNS:Publish", "SNS:*", 1), 1),
		"another operator":   strings.Replace(good, ours, strings.Replace(ours, "StringEquals", "StringLike", 1), 1),
		"a wildcard":         strings.Replace(good, `"222222222222"`, `"*"`, 1),
		"the statement two":  strings.Replace(good, ours, ours+","+strings.Replace(ours, "Publishers7", "Publishers6", 1), 1),
	} {
		if _, _, ok := PublishersOf(text); ok {
			t.Errorf("%s: accepted as ours: %s", name, text)
		}
	}
	// Without its number the statement is a foreign one, which allows no publisher.
	if who, _, ok := PublishersOf(strings.Replace(good, "XacctPublishers7", "XacctPublishers", 1)); !ok || !who.Empty() {
		t.Errorf("without the number: %v", who)
	}
}

func TestTheErrorOfAFullTopicHasTheNumberThatFits(t *testing.T) {
	topic := topicARN(t, topicText)
	_, err := MergePublishers("", topic, Publishers{Accounts: accounts(3000)}, 123)
	var full *TopicFullError
	if !errors.As(err, &full) {
		t.Fatalf("got %v", err)
	}
	if full.Room < 1900 {
		t.Errorf("only %d accounts fit, want about 1,900", full.Room)
	}
	text, err := MergePublishers("", topic, Publishers{Accounts: accounts(full.Room)}, 123)
	if err != nil || len(text) > MaxTopicSize {
		t.Errorf("the number that fits has %d bytes: %v", len(text), err)
	}
	if _, err := MergePublishers("", topic, Publishers{Accounts: accounts(full.Room + 1)}, 123); !errors.As(err, &full) {
		t.Errorf("one account more than fits is accepted: %v", err)
	}
}

func TestATopicPolicyHasAtMostAHundredStatements(t *testing.T) {
	statements := make([]json.RawMessage, MaxTopicStatements)
	for i := range statements {
		statements[i] = json.RawMessage(`{}`)
	}
	topic := topicARN(t, topicText)
	if _, err := MergePublishers(encode(rawPolicy{Statement: statements}), topic, Publishers{Accounts: accounts(1)}, 1); err == nil || !strings.Contains(err.Error(), "102 statements") {
		t.Errorf("got %v", err)
	}
}

func TestAQueuePolicyHasThePrincipalsOfOptInRegions(t *testing.T) {
	from := QueueSources{id(t, "111111111111"), []string{"xacct-acme-?"}, []account.Region{region(t, "eu-central-1")}}
	for queueRegion, want := range map[string][]string{
		"us-east-1":    {"sns.amazonaws.com"},
		"eu-central-1": {"sns.amazonaws.com"},
		"eu-south-1":   {"sns.amazonaws.com", "sns.eu-south-1.amazonaws.com"},
	} {
		d, err := Queue("arn:aws:sqs:"+queueRegion+":111111111111:q", region(t, queueRegion), from)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Statements[0].Principal["Service"]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", queueRegion, got, want)
		}
	}
	for name, want := range map[string]bool{"us-gov-west-1": true, "cn-north-1": true, "eusc-de-east-1": true, "me-south-1": false, "eu-west-3": true} {
		if got := EnabledByDefault(region(t, name)); got != want {
			t.Errorf("%s: enabled by default is %v", name, got)
		}
	}
	if _, err := Queue("q", region(t, "us-east-1"), QueueSources{}); err == nil {
		t.Error("a queue without topics has a policy")
	}
}

// The queue's policy grows with each opt-in Region's service principal, but not with topics.
func TestAQueuePolicyHasRoomForEveryRegion(t *testing.T) {
	from := QueueSources{Account: id(t, "111111111111"), Names: []string{"xacct-" + strings.Repeat("a", 31) + "-?", "xacct-" + strings.Repeat("a", 31) + "-??"}}
	for _, name := range append([]string{
		"af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-3", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7",
		"ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2", "il-central-1", "me-central-1", "me-south-1", "mx-central-1",
	}, defaultRegions...) {
		from.Regions = append(from.Regions, region(t, name))
	}
	d, err := Queue("arn:aws:sqs:ap-southeast-7:111111111111:xacct-"+strings.Repeat("a", 31), region(t, "ap-southeast-7"), from)
	if err != nil {
		t.Fatal(err)
	}
	if size := len(d.String()); size > MaxQueueSize/4 {
		t.Errorf("it has %d bytes for %d Regions", size, len(from.Regions))
	}
	for n := range 400 { // future Regions
		from.Regions = append(from.Regions, region(t, fmt.Sprintf("%s-future-%d", []string{"us", "eu", "ap", "sa"}[n/100], n%100)))
	}
	if _, err := Queue("q", region(t, "ap-southeast-7"), from); err == nil || !strings.Contains(err.Error(), "SQS allows 8192: use fewer Regions") {
		t.Errorf("a policy that is too large is accepted: %v", err)
	}
}

func TestSizesAreCountedAsIAMDoes(t *testing.T) {
	const spaced = "{\n  \"a b\": [1,  2],\t\"é\" : null }\n"
	if got, err := Size(spaced); err != nil || got != len([]rune(`{"a b":[1,2],"é":null}`)) {
		t.Errorf("got %d, %v", got, err)
	}
	sum, err := InlineSize(map[string]string{"one": "{ }", "two": "[ 1 ]"})
	if err != nil || sum != 5 {
		t.Errorf("got %d, %v", sum, err)
	}
	if _, err := InlineSize(map[string]string{"broken": "{"}); err == nil || !strings.Contains(err.Error(), `inline policy "broken": line 1`) {
		t.Errorf("got %v", err)
	}
}
