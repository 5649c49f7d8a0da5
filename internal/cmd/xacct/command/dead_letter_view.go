// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/deadletters"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// letterView is a dead letter, with the fields of its phone-home if it can be
// parsed.
type letterView struct {
	deadletters.Letter

	kind     string // Create, Update or Delete; "unreadable" if it is not a phone-home
	customer string // empty: unknown
	account  string
	request  *phonehome.Request // nil if it is not a phone-home
}

const unreadable = "unreadable"

// letterList is what `dead-letters list --json` prints.
type letterList struct {
	Letters []letterView `json:"letters"`
	More    bool         `json:"more"`
}

// letterFacts are the fields of a letter in a list.
type letterFacts struct {
	ID         string     `json:"id"`
	SentAt     *time.Time `json:"sent_at,omitempty"`
	Kind       string     `json:"kind"`
	CustomerID string     `json:"customer_id,omitempty"`
	AccountID  string     `json:"account_id,omitempty"`
	Reason     string     `json:"reason"`
}

// letterDetails are all fields of a letter.
type letterDetails struct {
	letterFacts

	Topic       string     `json:"topic,omitempty"`
	RequestedAt *time.Time `json:"requested_at,omitempty"`
	StackID     string     `json:"stack_id,omitempty"`
	LogicalID   string     `json:"logical_id,omitempty"`
	RequestID   string     `json:"request_id,omitempty"`
	RoleARN     string     `json:"role_arn,omitempty"`
	ExternalID  string     `json:"external_id,omitempty"`
	Text        string     `json:"text"`
}

func (v letterView) facts() letterFacts {
	return letterFacts{v.ID, known(v.SentAt), v.kind, v.customer, v.account, v.Reason}
}

// MarshalJSON encodes the fields of a list, never the message itself, which
// contains signatures.
func (v letterView) MarshalJSON() ([]byte, error) { return json.Marshal(v.facts()) }

func (v letterView) detailed() letterDetails {
	d := letterDetails{letterFacts: v.facts(), Text: withoutSignatures(v.Body)}
	if r := v.request; r != nil {
		d.Topic, d.RequestedAt, d.StackID, d.LogicalID, d.RequestID = r.Topic.String(), known(r.SentAt), r.Stack.String(), r.LogicalID, r.RequestID
		d.RoleARN, d.ExternalID = r.Properties.RoleARN, r.Properties.ExternalID
	}
	return d
}

// viewLetters parses the letters, and finds their customers. All customers are
// read with one query, however many letters there are; if no letter can be
// parsed, none are read.
func (in *intake) viewLetters(ctx context.Context, letters []deadletters.Letter) ([]letterView, error) {
	views := make([]letterView, len(letters))
	readable := false
	for i, letter := range letters {
		views[i] = newLetterView(letter)
		readable = readable || views[i].request != nil
	}
	if !readable {
		return views, nil
	}
	customers, err := in.records.Customers(ctx)
	if err != nil {
		return nil, in.explain(err)
	}
	whose := newOwners(customers)
	for i := range views {
		if views[i].request != nil {
			views[i].customer = whose.owner(*views[i].request)
		}
	}
	return views, nil
}

func newLetterView(letter deadletters.Letter) letterView {
	view := letterView{Letter: letter, kind: unreadable}
	request, err := phonehome.Decode([]byte(letter.Body))
	if err != nil {
		// For an operator, an unverified claim is better than nothing.
		if envelope, err := phonehome.DecodeEnvelope([]byte(letter.Body)); err == nil {
			view.kind = claimedKind(envelope.Message)
		}
		return view
	}
	view.request, view.kind, view.account = &request, string(request.Type), request.Stack.Account.String()
	return view
}

func claimedKind(message string) string {
	var claim struct{ RequestType phonehome.RequestType }
	if json.Unmarshal([]byte(message), &claim) != nil {
		return unreadable
	}
	switch claim.RequestType {
	case phonehome.Create, phonehome.Update, phonehome.Delete:
		return string(claim.RequestType) + "?"
	}
	return unreadable
}

// owners finds the customer of a phone-home by the external ID and stack that
// it claims. The claim is not proven: it is a hint for the operator.
type owners struct {
	byExternalID map[string]string
	byStack      map[account.StackARN]string
}

func newOwners(customers []onboarding.Customer) owners {
	o := owners{map[string]string{}, map[account.StackARN]string{}}
	for _, c := range customers {
		o.byExternalID[c.Link.ExternalID.String()] = c.Link.CustomerID
		for _, r := range c.Registrations {
			o.byExternalID[r.ExternalID.String()] = c.Link.CustomerID
			for _, stack := range append([]account.StackARN{r.Stack}, r.Superseded...) {
				o.byStack[stack] = c.Link.CustomerID
			}
		}
	}
	return o
}

func (o owners) owner(r phonehome.Request) string {
	if customer, ok := o.byStack[r.Stack]; ok {
		return customer
	}
	if r.Properties.ExternalID == "" {
		return ""
	}
	return o.byExternalID[r.Properties.ExternalID]
}

func (v letterView) print(out io.Writer) {
	cli.Say(out, "Dead letter %s\n\n", cli.Printable(v.ID))
	cli.Facts(out, "Time", cli.Moment(v.SentAt), "Reason", v.Reason, "Kind", v.kind, "Customer", v.customer)
	if r := v.request; r != nil {
		cli.Facts(out,
			"Topic", r.Topic.String(),
			"Sent", cli.Moment(r.SentAt),
			"Stack", r.Stack.String(),
			"Resource", r.LogicalID,
			"Request", r.RequestID,
			"Role", r.Properties.RoleARN,
			"External ID", r.Properties.ExternalID,
		)
	}
	fmt.Fprintf(out, "\n%s\n", withoutSignatures(text(v.Body)))
}

// Signed URLs in JSON, which may be a string within JSON: the query of a URL,
// and signed or secret values in it, however the "?" and "=" are written.
var (
	queryPart  = regexp.MustCompile(`(?i)(https?:[^\s"?]*)\?(?:\\+[^\s"\\]|[^\s"\\])*`)
	signedPart = regexp.MustCompile(`(?i)((?:Signature|X-Amz-Security-Token|X-Amz-Credential|AWSAccessKeyId)(?:=|%3d|\\+u003d))(?:\\+[^\s"\\]|[^\s"\\&])*`)
)

// withoutSignatures returns the text without the queries and signatures of its
// URLs.
func withoutSignatures(s string) string {
	return signedPart.ReplaceAllString(queryPart.ReplaceAllString(s, "$1?…"), "$1…")
}

// text returns untrusted text with its line breaks, but without characters that
// a terminal would interpret.
func text(s string) string {
	var lines []string
	for line := range strings.Lines(s) {
		lines = append(lines, cli.Printable(strings.TrimRight(line, "\r\n")))
	}
	return strings.Join(lines, "\n")
}
