// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/launch"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// pageData contains the values that the page's templates show.
type pageData struct {
	Title                 string
	Vendor, Support, Logo string
	Color                 string // six digits
	CustomerID            string
	State                 State
	Reason                string // why the stack failed, as shown to the customer
	Open                  bool   // principals other than the vendor can assume the role
	AccountID             string
	AsksAccount           bool // the page asks for the customer's account
	Entered, Problem      string
	LaunchURL             string
	RoleARN               string
	ReturnURL             string
	Summary               permissionset.Summary
	Questions             []string // values that the customer enters in the console
	RoleName              string
	Expires               string
	Action                string // target of the form, or of the link on a page without a form
	HasSession            bool   // the browser has a session
}

// Heading returns the headline for the state; empty for a page without a state.
func (d pageData) Heading() string {
	switch d.State {
	case Connected:
		return "Connected"
	case Blocked:
		return "Not possible at the moment"
	case Closed:
		return "This link is closed"
	case Expired:
		return "This link has expired"
	case Working:
		return "Your stack has reported"
	case Degraded:
		if d.Open {
			return "The role is not safe any more"
		}
		return "The role does not work any more"
	case Failed:
		return "The stack was not accepted"
	case Disconnected:
		return "Disconnected"
	case AwaitingAccount:
		return "Which AWS account?"
	case Waiting:
		if d.HasSession {
			return "Waiting for your stack"
		}
		return "Ready"
	}
	return ""
}

// Tone returns the CSS class of the headline.
func (d pageData) Tone() string {
	switch d.State {
	case Connected:
		return "good"
	case Blocked, Closed, Expired, Degraded, Failed:
		return "bad"
	case Working, Disconnected, AwaitingAccount, Waiting:
	}
	return ""
}

// step is one of the steps to a connected account, as the page shows them.
type step struct {
	Text string
	Mark string // done, now or failed; empty: not begun
}

// Steps returns the steps to a connected account with the customer's progress; nil if
// the state is not part of them.
func (d pageData) Steps() []step {
	steps := []step{{Text: "You create the stack in AWS"}, {Text: "The stack reports to " + d.Vendor}, {Text: d.Vendor + " checks the role"}, {Text: "Connected"}}
	done, mark := 0, "now"
	switch d.State {
	case AwaitingAccount:
		mark = ""
	case Waiting:
		if !d.HasSession {
			mark = ""
		}
	case Working:
		done = 2
	case Failed:
		done, mark = 2, "failed"
	case Connected:
		done, mark = len(steps), ""
	case Blocked, Closed, Expired, Degraded, Disconnected:
		return nil
	}
	for i := range steps[:done] {
		steps[i].Mark = "done"
	}
	if mark != "" {
		steps[done].Mark = mark
	}
	return steps
}

// Again reports whether the customer had a stack before.
func (d pageData) Again() bool {
	return d.State == Failed || d.State == Degraded || d.State == Disconnected
}

// Follows reports whether the page should be updated frequently, because the state may
// change soon.
func (d pageData) Follows() bool {
	switch d.State {
	case Connected, Blocked, Closed, Expired:
		return false
	case Working, Degraded, Failed, Disconnected, AwaitingAccount, Waiting:
	}
	return d.HasSession
}

// Refreshes reports whether the page reloads without scripts: not if it has a field,
// whose text would be lost.
func (d pageData) Refreshes() bool { return d.Follows() && !d.AsksAccount }

// reconnectDelay returns the interval, in seconds, at which the script requests the state.
func (d pageData) pollSeconds() string {
	if d.Follows() {
		return "3"
	}
	return "30"
}

// Version returns an ETag that depends only on the state of the connection. The launch
// URL is excluded, because it may be signed again each time.
func (d pageData) Version() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%t|%s|%t|%t|%s|%s", d.State, d.Reason, d.Open, d.AccountID, d.AsksAccount, d.LaunchURL != "", d.RoleARN, d.Expires))
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

// presignedLifetime is how long the presigned URL of a template is valid; a new one is created
// whenever the page is shown.
const presignedLifetime = time.Hour

func (s *Server) data(r *http.Request, v visit) (pageData, error) {
	link, now, page := v.customer.Link, s.config.Clock(), s.brand(v.record)
	d := pageData{
		Vendor: vendorName(v.record), Support: v.record.SupportURL, CustomerID: link.CustomerID, AccountID: link.SoleAccount().String(), AsksAccount: s.asksAccount(v),
		Logo: page.LogoURL, Color: colorOf(page), RoleName: link.RoleName,
	}
	if page.MayReturn(v.token.ReturnURL) { // the list may have changed since the token was issued
		d.ReturnURL = v.token.ReturnURL
	}
	d.Title = "Connect your AWS account to " + d.Vendor
	if !link.ExpiresAt.IsZero() {
		d.Expires = link.ExpiresAt.UTC().Format("2 January 2006 at 15:04 UTC")
	}
	if d.State, d.Reason = stateOf(v.customer, v.lastAttempt, now); d.State != Failed {
		d.Reason = "" // written for the vendor: it may name the vendor's own principals
	}
	d.Open = slices.ContainsFunc(v.customer.Current(), func(r onboarding.Registration) bool { return r.Status == onboarding.Degraded && r.Open })
	if reg, ok := v.customer.SoleRegistration(); ok && reg.Live() {
		d.RoleARN, d.AccountID = reg.Role.String(), reg.Account.String()
	}
	declared, err := declaration.Of(link)
	if err != nil {
		return d, err
	}
	d.Summary, d.Questions = declared.Set().Summary(), questions(declared.Set().Choices)
	if !mayLaunch(link, now) {
		return d, nil
	}
	if v.record.TemplateAccess.Presigned() {
		signed, err := s.config.Hub.PresignTemplate(r.Context(), v.record, link, presignedLifetime)
		if err != nil {
			return d, err
		}
		link.TemplateURL = signed.URL
	}
	d.LaunchURL, err = launch.URL(link, declared, s.config.Console)
	return d, err
}

// questions returns the descriptions of the values that the console asks the customer
// for.
func questions(c permissionset.Choices) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(c.CustomerParameters)) {
		asked := c.CustomerParameters[name]
		text := asked.Description
		if asked.Default != nil {
			text += " (you may leave this as it is)"
		}
		all = append(all, text)
	}
	if c.Chooses(permissionset.ChoosesBoundary) {
		all = append(all, "A permissions boundary of yours, if your account has one (you may leave this as it is)")
	}
	if c.Chooses(permissionset.ChoosesPath) {
		all = append(all, "The path of the role, if your account has rules for it (you may leave this as it is)")
	}
	return all
}

func vendorName(record registry.HubRecord) string {
	if record.DisplayName != "" {
		return record.DisplayName
	}
	return record.Name
}
