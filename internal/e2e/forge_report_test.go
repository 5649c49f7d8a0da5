// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// report is the result of a run.
type report struct {
	Sent         int            // forgeries
	Fates        map[string]int // number of forgeries by outcome
	Honest       int            // honest customers that launched meanwhile
	Served       int            // of those
	Left         int            // of those, deleted again
	Hosts        map[string]int // requests that are not AWS API calls, by host
	Slowest      time.Duration  // longest honest operation, by CloudFormation's clock
	Cost         cost           // average of a message, honest or forged
	Often        int            // maximum number of receives of a forgery
	MostReceived string         // which one that was
	Took         time.Duration
	Problems     []string // broken promises; must be empty
}

// print prints the report.
func (r *report) print(out io.Writer) {
	fmt.Fprintf(out, "%d forged or broken messages, sent through the hub's topics by a customer who may publish\n", r.Sent)
	for _, fate := range []string{fateUnsent, fateDead, fateRefused, fateAnswered} {
		fmt.Fprintf(out, "  %4d %s\n", r.Fates[fate], map[string]string{
			fateUnsent:   "refused by SNS itself",
			fateDead:     "moved to the dead-letter queue, unanswered",
			fateRefused:  "answered, and refused by CloudFormation's bucket: nothing changed",
			fateAnswered: "answered to the forger's own stack: nothing registered",
		}[fate])
	}
	fmt.Fprintf(out, "%d of %d honest customers between them were served; %d of them deleted their stacks\n", r.Served, r.Honest, r.Left)
	fmt.Fprintf(out, "the slowest of them waited %s by CloudFormation's clock\n", r.Slowest.Round(time.Second))
	fmt.Fprintf(out, "each message was received %.1f times and cost %.1f calls of AWS on average; %q was received most often, %d times\n", r.Cost.receives, r.Cost.calls, r.MostReceived, r.Often)
	fmt.Fprintf(out, "hosts that anything was sent to:\n")
	for _, host := range slices.Sorted(maps.Keys(r.Hosts)) {
		fmt.Fprintf(out, "  %4d %s\n", r.Hosts[host], host)
	}
	fmt.Fprintf(out, "broken promises: %d\n", len(r.Problems))
	for _, problem := range r.Problems {
		fmt.Fprintf(out, "  %s\n", problem)
	}
	fmt.Fprintf(out, "it took %s\n", r.Took.Round(time.Millisecond))
}

// checkRegistrations compares all registrations with what the honest customers
// did.
func (s *forgeryTest) checkRegistrations() {
	s.T.Helper()
	honest := map[string]string{s.victim.Name: s.victimStack}
	for _, c := range s.customers {
		honest[c.Name] = c.stack
	}
	customers, err := s.Registry().Customers(s.T.Context())
	s.Must(err)
	for _, c := range customers {
		stackID, expected := honest[c.Link.CustomerID]
		switch {
		case !expected && len(c.Registrations) > 0:
			s.problem("the forger is registered: %+v", c.Registrations)
			continue
		case !expected:
			continue
		case len(c.Registrations) != 1:
			s.problem("customer %s has %d registrations", c.Link.CustomerID, len(c.Registrations))
			continue
		}
		r, stack := c.Registrations[0], stackOf(s, stackID)
		want := onboarding.Active
		if stack == "DELETE_COMPLETE" {
			want = onboarding.Disconnected
		}
		if r.Stack.String() != stackID || r.Status != want || r.Role != c.Link.Role(r.Stack.Region.Partition()) {
			s.problem("customer %s should be %s by stack %s, which is %s: %+v", r.CustomerID, want, stackID, stack, r)
		}
	}
	if now := s.victim.Registrations(); len(now) != 1 || !reflect.DeepEqual(now[0], s.victimWas) {
		s.problem("the victim's registration was touched: %+v, and it was %+v", now, s.victimWas)
	}
	if got := s.changes(s.victim); !slices.Equal(got, []onboarding.Outcome{onboarding.OutcomeRegistered}) {
		s.problem("the victim's history has the changes %v", got)
	}
	if got := s.changes(s.mallory); len(got) > 0 {
		s.problem("the forger's history has the changes %v", got)
	}
}

// changes returns the outcomes in a customer's history that change a registration,
// without the refusals.
func (s *forgeryTest) changes(c *Customer) []onboarding.Outcome {
	changing := []onboarding.Outcome{
		onboarding.OutcomeRegistered, onboarding.OutcomeUpdated, onboarding.OutcomeUpdatedUnproven, onboarding.OutcomeRolledBack,
		onboarding.OutcomeDisconnected, onboarding.OutcomeSuperseded, onboarding.OutcomeFellBack, onboarding.OutcomeDegraded,
		onboarding.OutcomeRestored,
	}
	return slices.DeleteFunc(c.Happened(), func(o onboarding.Outcome) bool { return !slices.Contains(changing, o) })
}

func stackOf(s *forgeryTest, id string) string {
	stack, _ := s.Stack(id)
	return stack.Status
}

// traces has the effects of the registrar's calls, by their object.
type traces struct {
	aside map[string]bool       // messages in the dead-letter queue, and their content
	put   map[string][]Exchange // answers, by path
}

func (s *forgeryTest) traces() traces {
	t := traces{map[string]bool{}, map[string][]Exchange{}}
	for i, e := range s.registrar.Sent() {
		switch e.at = i; {
		case e.Action == "sqs:SendMessage":
			var in struct{ MessageBody string }
			s.Must(json.Unmarshal(e.Body, &in))
			t.aside[in.MessageBody], t.aside[open(in.MessageBody).Message] = true, true
		case e.Method == http.MethodPut:
			t.put[e.path()] = append(t.put[e.path()], e)
		}
	}
	return t
}

// fate returns the outcome of a forgery.
func (s *forgeryTest) fate(f sentForgery, t traces) string {
	if f.refused != nil {
		return fateUnsent
	}
	fates := map[string]bool{}
	if f.body != "" && t.aside[f.body] || f.body == "" && t.aside[f.text] {
		fates[fateDead] = true
	}
	for _, e := range t.put["/"+f.path] {
		if e.at < f.since {
			continue // the answer to an earlier sender
		}
		fate := map[int]string{http.StatusOK: fateAnswered, http.StatusForbidden: fateRefused, http.StatusBadRequest: fateRefused}[e.Status]
		if fate == "" {
			fate = fmt.Sprintf("answered with %d by the bucket", e.Status)
		}
		if f.Says != "" && !strings.Contains(string(e.Body), f.Says) {
			s.problem("%q is answered %s, which should contain %q", f.Name, e.Body, f.Says)
		}
		fates[fate] = true
	}
	if len(fates) == 0 {
		return "ignored"
	}
	return strings.Join(slices.Sorted(maps.Keys(fates)), " and ")
}

// count adds the cost of the messages to the report.
func (s *forgeryTest) count(r *report) {
	sent := s.registrar.Sent()
	messages, often := map[string]bool{}, map[string]int{}
	for _, e := range sent {
		for _, m := range received(e) {
			messages[m.MessageID] = true
			often[m.Body]++
			if text := open(m.Body).Message; text != "" {
				often[text]++
			}
		}
	}
	r.Cost = costOf(sent, len(messages))
	for _, f := range s.sent {
		key := f.text
		if f.body != "" {
			key = f.body
		}
		if often[key] > r.Often {
			r.Often, r.MostReceived = often[key], f.Name
		}
	}
}

// path returns the decoded path of a request.
func (e Exchange) path() string {
	u, err := url.ParseRequestURI(e.URI)
	if err != nil {
		return ""
	}
	return u.Path
}

var certificatePath = regexp.MustCompile(`^/SimpleNotificationService-[0-9a-f]{32}\.pem$`)

// checkHosts returns the requests by host, and reports a problem for each host that
// is not AWS's: answers go to CloudFormation's buckets of the hub's Regions, and
// certificates come from SNS there.
func (s *forgeryTest) checkHosts() map[string]int {
	buckets := []string{
		"cloudformation-custom-resource-response-eucentral1.s3.eu-central-1.amazonaws.com",
		"cloudformation-custom-resource-response-eucentral1.s3-eu-central-1.amazonaws.com",
		"cloudformation-custom-resource-response-useast1.s3.us-east-1.amazonaws.com",
		"cloudformation-custom-resource-response-useast1.s3-us-east-1.amazonaws.com",
		"cloudformation-custom-resource-response-useast1.s3.amazonaws.com",
	}
	certificates := []string{"sns.eu-central-1.amazonaws.com", "sns.us-east-1.amazonaws.com"}
	hosts := map[string]int{}
	for _, e := range s.registrar.Sent() {
		if e.Action != "" {
			continue
		}
		hosts[e.Host]++
		host := strings.TrimSuffix(e.Host, ":443")
		answer := e.Method == http.MethodPut && slices.Contains(buckets, host)
		certificate := e.Method == http.MethodGet && slices.Contains(certificates, host) && certificatePath.MatchString(e.path())
		if !answer && !certificate {
			s.problem("something was sent to %s: %s %s", e.Host, e.Method, e.URI)
		}
	}
	return hosts
}
