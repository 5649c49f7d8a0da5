// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// requestChecks test which requests CloudFormation sends, when, and where it expects
// the answer.
var requestChecks = []Check{
	{
		ID: "2.2", Title: "In every Region of the run the response URL has a host of the table, which accepts the answer",
		Place: "internal/phonehome/url.go", Makes: "a topic, a queue and a stack in each Region", run: responseHosts,
	},
	{
		ID: "2.4", Title: "The rule of 2.4 accepts every genuine response URL, and S3 refuses a changed one",
		Mark:  "2.4 Rule [I]",
		Place: "internal/phonehome/url.go, internal/registrar/refusal.go", Makes: "a stack", run: changedURL,
	},
	{
		ID: "5.11", Title: "Every Region's messages verify with a certificate of the Region's own SNS and a public authority",
		Place: "internal/snscert", Makes: "a topic, a queue and a stack in each Region", run: signatures,
	},
	{
		ID: "1.9", Title: "A response URL accepts an answer 55 minutes after the request",
		Mark:  "The 2026 captures add `X-Amz-Security-Token`, so real life may be shorter [I]",
		Place: "internal/registrar (answers are given early)", Makes: "a stack", Slow: true, run: lateAnswer,
	},
	{
		ID: "1.10", Title: "CloudFormation does not publish an unanswered request again",
		Mark:  "Whether CFN re-publishes an unanswered request: [?]",
		Place: "internal/onboarding/answers.go (the first answer to a request wins)", Makes: "a stack", run: unansweredOnce,
	},
	{
		ID: "1.13a", Title: "After a Create that timed out, the rollback's Delete has an ID that CloudFormation made",
		Mark:  "After a Create timeout, Delete also comes with a CFN-made id [I]",
		Place: "internal/onboarding/decide_delete.go", Makes: "a stack", run: idAfterTimeout,
	},
	{
		ID: "1.13b", Title: "After a Create that was answered FAILED, the rollback's Delete has the ID of the answer",
		Place: "internal/onboarding/decide_delete.go", Makes: "a stack", run: idAfterFailure,
	},
	{
		ID: "1.12a", Title: "An Update that answers with another ID is followed by a Delete of the old one",
		Place: "internal/onboarding/decide_delete.go (it never disconnects a live role)", Makes: "a stack", run: replacement,
	},
	{
		ID: "1.12b", Title: "A renamed resource is created under its new name before it is deleted under the old one",
		Place: "internal/onboarding/decide_create.go", Makes: "a stack", run: rename,
	},
	{
		ID: "1.11", Title: "An update that does not change the resource sends no request, and one that does contains the old properties",
		Place: "internal/stacktemplate (TemplateVersion is a property)", Makes: "a stack", run: updates,
	},
	{
		ID: "1.15a", Title: "DeletionPolicy Retain on a custom resource sends no Delete when the stack is deleted",
		Mark:  "1.15 [D/I]",
		Place: "internal/onboarding/health.go (rounds of proofs detect a deleted role)", Makes: "a stack", run: retained,
	},
	{
		ID: "1.15b", Title: "UpdateReplacePolicy Retain sends no Delete of the old ID",
		Mark:  "on custom resources they suppress the Delete call [I]",
		Place: "internal/onboarding/health.go", Makes: "a stack", run: replacedAndRetained,
	},
	{
		ID: "9.1", Title: "A list whose elements are all AWS::NoValue arrives empty or not at all",
		Mark:  "and `Policies` of that form). [?]",
		Place: "internal/phonehome/json.go (both are read as empty)", Makes: "a stack", run: emptyList,
	},
}

// regional launches one stack in a Region, once in a run, and returns its answered
// request.
func (t *trial) regional(ctx context.Context, vendor, customer *Party, region account.Region) (request, *intake, error) {
	in, err := t.intake(ctx, vendor, region)
	if err != nil {
		return request{}, nil, err
	}
	name := "regional/" + vendor.name + "/" + region.String()
	if r, asked := t.shared[name].(request); asked {
		t.note("message in "+region.String(), r.body)
		return r, in, nil
	}
	if err := in.allowCustomer(ctx, customer); err != nil {
		return request{}, nil, err
	}
	var r request
	err = t.settled(ctx, func(part string) error {
		r, err = t.whole(ctx, in, customer, "regional"+part, nil)
		return err
	})
	if err == nil {
		t.shared[name] = r
	}
	return r, in, err
}

func responseHosts(ctx context.Context, t *trial) error {
	var hosts []string
	for _, region := range t.Regions {
		r, _, err := t.regional(ctx, t.Vendor, t.Customer, region)
		if err != nil {
			return fmt.Errorf("in %s: %w", region, err)
		}
		u, err := url.Parse(r.ResponseURL)
		if err != nil {
			return instead("in %s the response URL cannot be read: %v", region, err)
		}
		hosts = append(hosts, u.Host)
		bucket := "cloudformation-custom-resource-response-" + strings.ReplaceAll(region.String(), "-", "")
		if !strings.HasPrefix(u.Host, bucket+".s3") {
			return instead("in %s the bucket is not %s: %s", region, bucket, u.Host)
		}
		if want := "/" + r.StackId + "|" + r.LogicalResourceId + "|" + r.RequestId; u.Path != want {
			return instead("in %s the path is %s", region, u.Path)
		}
		if q := u.Query(); q.Get("X-Amz-SignedHeaders") != "host" {
			return instead("in %s the URL is not signed as SigV4 with host only: its query has %s", region, strings.Join(slices.Sorted(queryNames(q)), ", "))
		}
	}
	t.remark("%s", strings.Join(hosts, ", "))
	return nil
}

func queryNames(q url.Values) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range q {
			if !yield(name) {
				return
			}
		}
	}
}

func changedURL(ctx context.Context, t *trial) error {
	in, err := t.intake(ctx, t.Vendor, t.home())
	if err != nil {
		return err
	}
	if err := in.allowCustomer(ctx, t.Customer); err != nil {
		return err
	}
	s, err := t.launch(ctx, t.Customer, in.region, "changed", templateOf(resources{"Phone": phone(in.topic, nil)}))
	if err != nil {
		return err
	}
	defer s.dispose(context.WithoutCancel(ctx), in)
	var forged error
	_, status, err := s.drive(ctx, in, func(r request) *reply {
		if r.RequestType == "Create" {
			changed := r
			changed.ResponseURL = strings.Replace(r.ResponseURL, "X-Amz-Expires=7", "X-Amz-Expires=6", 1)
			forged = in.answer(ctx, changed, reply{phonehome.Success, "forged"})
		}
		return succeed(r)
	})
	switch {
	case err != nil:
		return err
	case forged == nil:
		return instead("a URL with a changed expiry is accepted")
	case !strings.Contains(forged.Error(), "SignatureDoesNotMatch"):
		t.note("an answer to a changed URL", forged.Error())
		return instead("a URL with a changed expiry is refused with another error: %v", forged)
	case status != "CREATE_COMPLETE":
		return instead("the stack is %s", status)
	}
	t.note("an answer to a changed URL", forged.Error())
	return nil
}

func signatures(ctx context.Context, t *trial) error {
	verifier, err := t.verifier(t.Vendor)
	if err != nil {
		return err
	}
	for _, region := range t.Regions {
		r, _, err := t.regional(ctx, t.Vendor, t.Customer, region)
		if err != nil {
			return fmt.Errorf("in %s: %w", region, err)
		}
		if err := verifier.Verify(ctx, []byte(r.body)); err != nil {
			return instead("a message in %s does not verify: %v", region, err)
		}
	}
	return nil
}

// one launches a stack with one custom resource, and answers its requests until the
// stack is complete or has failed.
func (t *trial) one(ctx context.Context, part string, resource func(topic string) resources, how answering) (*stack, *intake, []request, string, error) {
	in, err := t.intake(ctx, t.Vendor, t.home())
	if err != nil {
		return nil, nil, nil, "", err
	}
	if err := in.allowCustomer(ctx, t.Customer); err != nil {
		return nil, nil, nil, "", err
	}
	s, err := t.launch(ctx, t.Customer, in.region, part, templateOf(resource(in.topic)))
	if err != nil {
		return nil, nil, nil, "", err
	}
	asked, status, err := s.drive(ctx, in, how)
	return s, in, asked, status, err
}

func plain(topic string) resources { return resources{"Phone": phone(topic, nil)} }

// lateAnswer answers a request after an hour.
func lateAnswer(ctx context.Context, t *trial) error {
	waited := false
	s, in, _, status, err := t.one(ctx, "late", func(topic string) resources {
		r := phone(topic, nil)
		r["Properties"].(map[string]any)["ServiceTimeout"] = "3600"
		return resources{"Phone": r}
	}, func(r request) *reply {
		if r.RequestType == "Create" && !waited {
			waited = true
			if t.Pass(ctx, 55*time.Minute) != nil {
				return nil
			}
		}
		return succeed(r)
	})
	if s != nil {
		defer s.dispose(context.WithoutCancel(ctx), in)
	}
	if err != nil {
		return err
	}
	if status != "CREATE_COMPLETE" {
		return instead("the stack is %s", status)
	}
	return nil
}

// unanswered launches a stack whose Create request gets no answer, once in a run, and
// returns its requests.
func (t *trial) unanswered(ctx context.Context) ([]request, *stack, error) {
	type story struct {
		asked []request
		s     *stack
	}
	if known, told := t.shared["unanswered"].(story); told {
		for _, r := range known.asked {
			t.note(r.RequestType, r.body)
		}
		return known.asked, known.s, nil
	}
	s, in, asked, status, err := t.one(ctx, "silent", plain, func(r request) *reply {
		if r.RequestType == "Create" {
			return nil
		}
		return succeed(r)
	})
	if s != nil {
		defer s.dispose(context.WithoutCancel(ctx), in)
	}
	if err != nil {
		return nil, nil, err
	}
	if status != "ROLLBACK_COMPLETE" {
		return nil, nil, instead("without an answer the stack is %s", status)
	}
	t.shared["unanswered"] = story{asked, s}
	return asked, s, nil
}

func unansweredOnce(ctx context.Context, t *trial) error {
	asked, _, err := t.unanswered(ctx)
	if err != nil {
		return err
	}
	published := map[string]bool{}
	for _, r := range asked {
		if r.RequestType == "Create" {
			published[r.messageID] = true
		}
	}
	if len(published) != 1 {
		return instead("the Create was published %d times", len(published))
	}
	return nil
}

func idAfterTimeout(ctx context.Context, t *trial) error {
	asked, s, err := t.unanswered(ctx)
	if err != nil {
		return err
	}
	form := regexp.MustCompile(`^` + regexp.QuoteMeta(s.name) + `-Phone-[A-Z0-9]{10,16}$`)
	for _, r := range asked {
		if r.RequestType == "Delete" {
			if !form.MatchString(r.PhysicalResourceId) {
				return instead("the Delete's ID is %q, and not <stack>-<resource>-<random>", r.PhysicalResourceId)
			}
			return nil
		}
	}
	return instead("no Delete followed, but: %s", kinds(asked))
}

func idAfterFailure(ctx context.Context, t *trial) error {
	s, in, asked, status, err := t.one(ctx, "failing", plain, func(r request) *reply {
		if r.RequestType == "Create" {
			return &reply{phonehome.Failed, "refused-by-us"}
		}
		return succeed(r)
	})
	if s != nil {
		defer s.dispose(context.WithoutCancel(ctx), in)
	}
	switch {
	case err != nil:
		return err
	case kinds(asked) != "Create Phone, Delete Phone" || status != "ROLLBACK_COMPLETE":
		return instead("the stack is %s after: %s", status, kinds(asked))
	case asked[1].PhysicalResourceId != "refused-by-us":
		return instead("the Delete's ID is %q", asked[1].PhysicalResourceId)
	}
	return nil
}
