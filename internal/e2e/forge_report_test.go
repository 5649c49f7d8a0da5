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

// report is the result of a siege.
type report struct {
	Sent     int            // forgeries
	Fates    map[string]int // their outcomes
	Honest   int            // honest customers between them
	Served   int            // of those
	Left     int            // of those, deleted again
	Hosts    map[string]int // requests that are no call of the AWS API, by host
	Slowest  time.Duration  // an honest operation, by CloudFormation's clock
	Cost     cost           // of a message, honest or forged
	Often    int            // how often a forgery was received at most
	Oftenest string         // which one that was
	Took     time.Duration
	Problems []string // broken promises; must be empty
}

// print prints the report for a person.
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
	fmt.Fprintf(out, "each message was received %.1f times and cost %.1f calls of AWS on average; %q was received most often, %d times\n", r.Cost.receives, r.Cost.calls, r.Oftenest, r.Often)
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
func (s *siege) checkRegistrations() {
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

// changes returns the outcomes in a customer's history that change a
// registration. The history has refusals, too.
func (s *siege) changes(c *Customer) []onboarding.Outcome {
	changing := []onboarding.Outcome{
		onboarding.OutcomeRegistered, onboarding.OutcomeUpdated, onboarding.OutcomeUpdatedUnproven, onboarding.OutcomeRolledBack,
		onboarding.OutcomeDisconnected, onboarding.OutcomeSuperseded, onboarding.OutcomeFellBack, onboarding.OutcomeDegraded,
		onboarding.OutcomeRestored,
	}
	return slices.DeleteFunc(c.Happened(), func(o onboarding.Outcome) bool { return !slices.Contains(changing, o) })
}

func stackOf(s *siege, id string) string {
	stack, _ := s.Stack(id)
	return stack.Status
}

// traces holds what the registrar did, by the object to which it did it.
type traces struct {
	aside map[string]bool       // messages in the dead-letter queue, and their content
	put   map[string][]Exchange // answers, by path
}

func (s *siege) traces() traces {
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
func (s *siege) fate(f sentForgery, t traces) string {
	if f.refused != nil {
		return fateUnsent
	}
	fates := map[string]bool{}
	if f.body != "" && t.aside[f.body] || f.body == "" && t.aside[f.text] {
		fates[fateDead] = true
	}
	for _, e := range t.put["/"+f.path] {
		if e.at < f.since {
			continue // the answer to the earlier sender
		}
		fate := map[int]string{http.StatusOK: fateAnswered, http.StatusForbidden: fateRefused, http.StatusBadRequest: fateRefused}[e.Status]
		if fate == "" {
			fate = fmt.Sprintf("answered with %d by the bucket", e.Status)
		}
		if f.Says != "" && !strings.Contains(string(e.Body), f.Says) {
			s.problem("%q is answered %s, and should say %q", f.Name, e.Body, f.Says)
		}
		fates[fate] = true
	}
	if len(fates) == 0 {
		return "ignored"
	}
	return strings.Join(slices.Sorted(maps.Keys(fates)), " and ")
}

// count finds out what the messages have cost.
func (s *siege) count(r *report) {
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
			r.Often, r.Oftenest = often[key], f.Name
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

// checkHosts verifies that nothing was sent to a host that is not AWS's own:
// answers go to CloudFormation's buckets of the hub's Regions, and certificates
// come from SNS there.
func (s *siege) checkHosts() map[string]int {
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
