// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/launch"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

func newCustomerShowCommand(p process) *cobra.Command {
	var on hubFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show CUSTOMER --hub NAME",
		Short: "Show a customer's link, roles and history",
		Long: `Show a customer's link, roles and history: each request or change, what was decided,
and why. Times are UTC.

With --json it prints one object:

  customer_id
  link       account_id, status, external_id, generation, role_arn (the expected one),
             permission_set, fleet (the xacct_fleet that declares the customer),
             trusted_principal_arns, template_version, template_url, shard,
             created_at, expires_at, closed_at, blocked_at, blocked_reason,
             launch_url (while the link is open; not if it has to be signed)
  roles      a list of objects as ` + "`xacct customers --json`" + ` prints them, past roles
             included, each with superseded_stack_ids: earlier stacks that have not
             been deleted yet, and last_proof: outcome (succeeded or failed), at, and
             unchanged_at, when the last round of proofs that changed nothing ended
  history    a list of objects, oldest first: at, came (Create, Update, Delete,
             verification, or vendor: a change of the link, made by the principal by),
             decided, refused (the request failed, and changed nothing),
             status (of the role afterwards), reason (of a refused request: what the
             customer reads), waiting (not answered yet), cause (what the vendor can do
             about it), account_id, stack_id, logical_id, request_id

The history reaches back 400 days. Of requests that changed nothing (refused, waiting
because of a fault on the vendor's side, or never delivered) it keeps the latest of each
kind and day, for 60 days. not_permitted means that a permission is missing on the
vendor's side; the cause names the principal, the action and the resource.`,
		Args: cli.Exactly(1, "CUSTOMER: its ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, found, err := on.customer(cmd.Context(), p, args[0])
			if err != nil {
				return err
			}
			history, err := in.records.History(cmd.Context(), args[0])
			if err != nil {
				return in.explain(err)
			}
			round, _, err := in.records.LastRound(cmd.Context())
			if err != nil {
				return in.explain(err)
			}
			dossier := newDossier(in.record, found, history, round, p.clock())
			if asJSON {
				return cli.PrintJSON(cmd.OutOrStdout(), dossier)
			}
			return dossier.print(cmd.OutOrStdout())
		},
	}
	on.addTo(cmd)
	cmd.ValidArgsFunction = onlyFirst(on.completeCustomers(p))
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON (described above)")
	return cmd
}

// dossier is the complete record of one customer, as --json prints it.
type dossier struct {
	CustomerID string        `json:"customer_id"`
	Link       linkView      `json:"link"`
	Roles      []roleView    `json:"roles"`
	History    []historyView `json:"history"`
}

type linkView struct {
	AccountID         string            `json:"account_id,omitempty"`
	Status            string            `json:"status"`
	ExternalID        string            `json:"external_id"`
	Generation        int               `json:"generation"`
	RoleARN           string            `json:"role_arn,omitempty"`
	PermissionSet     string            `json:"permission_set,omitempty"`
	Fleet             string            `json:"fleet,omitempty"`
	TrustedPrincipals []account.RoleARN `json:"trusted_principal_arns,omitempty"`
	TemplateVersion   string            `json:"template_version"`
	TemplateURL       string            `json:"template_url"`
	Shard             int               `json:"shard"`
	CreatedAt         *time.Time        `json:"created_at,omitempty"`
	ExpiresAt         *time.Time        `json:"expires_at,omitempty"`
	ClosedAt          *time.Time        `json:"closed_at,omitempty"`
	BlockedAt         *time.Time        `json:"blocked_at,omitempty"`
	BlockedReason     string            `json:"blocked_reason,omitempty"`
	LaunchURL         string            `json:"launch_url,omitempty"`

	launch string // the URL, or the command that prints it
}

type roleView struct {
	customerRole

	Superseded []account.StackARN `json:"superseded_stack_ids,omitempty"`
	LastProof  *proofView         `json:"last_proof,omitempty"`
}

// proofView is the result of a role's last proof.
type proofView struct {
	Outcome     string     `json:"outcome"`
	At          time.Time  `json:"at"`
	UnchangedAt *time.Time `json:"unchanged_at,omitempty"`
}

// lastProof returns the result of a role's last proof; nil if there is none. A
// round that finds a role unchanged writes nothing to it, so a later round is
// reported as well.
func lastProof(r onboarding.Registration, round *onboarding.RoundSummary) *proofView {
	var view proofView
	switch {
	case r.Status == onboarding.Active && !r.ProvenAt.IsZero():
		view = proofView{Outcome: "succeeded", At: r.ProvenAt.UTC().Truncate(time.Second)}
	case r.Status == onboarding.Degraded && !r.ChangedAt.IsZero():
		view = proofView{Outcome: "failed", At: r.ChangedAt.UTC().Truncate(time.Second)}
	default:
		return nil
	}
	if round != nil && round.EndedAt.After(r.ProvenAt) && round.EndedAt.After(r.ChangedAt) {
		view.UnchangedAt = known(round.EndedAt)
	}
	return &view
}

func (p *proofView) describe() string {
	if p == nil {
		return ""
	}
	text := p.Outcome + " at " + cli.Moment(p.At)
	if p.UnchangedAt != nil {
		text += "; the round that ended at " + momentOf(p.UnchangedAt) + " changed nothing"
	}
	return text
}

// launchOf returns an open link's URL, empty if it has to be signed, and a text
// for people: the URL, or the command that prints it. Both are empty if the
// link is not open.
func launchOf(record registry.HubRecord, link onboarding.Link, now time.Time) (url, text string) {
	if link.Status(now) != onboarding.LinkOpen {
		return "", ""
	}
	if !record.TemplateAccess.Presigned() {
		if declared, err := declaration.Of(link); err == nil {
			url, _ = launch.URL(link, declared, "") // `xacct link` reports the error
		}
	}
	return url, cmp.Or(url, "`xacct link "+link.ID()+"` prints it")
}

type historyView struct {
	At        time.Time `json:"at"`
	Came      string    `json:"came"`
	Decided   string    `json:"decided"`
	Refused   bool      `json:"refused,omitempty"`
	Status    string    `json:"status,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	Waiting   bool      `json:"waiting,omitempty"`
	Cause     string    `json:"cause,omitempty"`
	AccountID string    `json:"account_id,omitempty"`
	StackID   string    `json:"stack_id,omitempty"`
	LogicalID string    `json:"logical_id,omitempty"`
	RequestID string    `json:"request_id,omitempty"`
	By        string    `json:"by,omitempty"`
	OnBehalf  string    `json:"on_behalf_of,omitempty"`

	stack account.StackARN
	who   string // the vendor's principal, shortened for people
}

func newDossier(record registry.HubRecord, c onboarding.Customer, history []onboarding.HistoryEntry, round *onboarding.RoundSummary, now time.Time) dossier {
	expected := pending(c.Link, record.Region.Partition(), now)
	d := dossier{
		CustomerID: c.Link.CustomerID,
		Link: linkView{
			AccountID:         expected.AccountID,
			Status:            expected.LinkStatus,
			ExternalID:        expected.ExternalID,
			Generation:        c.Link.Generation,
			RoleARN:           expected.RoleARN,
			PermissionSet:     c.Link.PermissionSet,
			Fleet:             c.Link.Fleet,
			TrustedPrincipals: c.Link.TrustedPrincipals,
			TemplateVersion:   c.Link.TemplateVersion,
			TemplateURL:       c.Link.TemplateURL,
			Shard:             c.Link.Shard,
			CreatedAt:         known(c.Link.CreatedAt),
			ExpiresAt:         known(c.Link.ExpiresAt),
			ClosedAt:          known(c.Link.ClosedAt),
			BlockedAt:         expected.BlockedAt,
			BlockedReason:     expected.BlockedReason,
		},
		Roles:   []roleView{},
		History: []historyView{},
	}
	d.Link.LaunchURL, d.Link.launch = launchOf(record, c.Link, now)
	for _, r := range c.Registrations {
		d.Roles = append(d.Roles, roleView{registered(record, c.Link, r, now), r.Superseded, lastProof(r, round)})
	}
	for _, h := range history {
		d.History = append(d.History, historyView{
			At: h.At.UTC(), Came: came(h), Decided: string(h.Outcome), Refused: h.Refused, Status: string(h.Status), Reason: h.Detail,
			Waiting: h.Waiting, Cause: h.Cause,
			AccountID: h.Account.String(), StackID: h.Stack.String(), LogicalID: h.LogicalID, RequestID: h.RequestID, By: h.By, OnBehalf: h.OnBehalf, stack: h.Stack, who: who(h, record.Account),
		})
	}
	slices.SortStableFunc(d.History, func(a, b historyView) int { return a.At.Compare(b.At) })
	return d
}

// came returns the cause of a history entry: vendor, verification, or the type
// of the customer's request.
func came(h onboarding.HistoryEntry) string {
	switch {
	case h.By != "":
		return "vendor"
	case h.RequestID == "":
		return "verification"
	}
	return string(h.Request)
}

// alsoAccepted returns the external ID from before a rotation, while the role
// still accepts it.
func (r roleView) alsoAccepted() string {
	switch {
	case r.RotationOverdue:
		return r.PreviousExternalID + " (the old external ID is still accepted after 30 days: `xacct link --update --format cli` prints the update that ends it)"
	case r.PreviousExternalID == r.ExternalID:
		return "" // it has not changed yet
	}
	return r.PreviousExternalID
}

func (d dossier) print(out io.Writer) error {
	cli.Say(out, "Customer %s\n\nLink\n", cli.Printable(d.CustomerID))
	l := d.Link
	cli.Facts(out,
		"Status", l.describe(),
		"Blocked", l.blocked(),
		"Account", l.AccountID,
		"Expected role", l.RoleARN,
		"External ID", l.ExternalID,
		"Permission set", l.PermissionSet,
		"Fleet", l.Fleet,
		"Trusted principals", join(l.TrustedPrincipals),
		"Template version", l.TemplateVersion,
		"Template", l.TemplateURL,
		"Launch link", l.launch,
	)
	if len(d.Roles) == 0 {
		cli.Say(out, "\nNo account has been connected with it yet.\n")
	}
	if last, waits := d.waiting(); waits {
		cli.Say(out, "\nStack %s in account %s was waiting at %s: %s\n", cli.Printable(last.stack.Name), last.AccountID, cli.Moment(last.At), cli.Printable(last.why()))
	}
	for _, r := range d.Roles {
		cli.Say(out, "\nRole %s\n", cli.Printable(r.RoleARN))
		cli.Facts(out,
			"Status", r.describe(),
			"Reason", r.Reason,
			"External ID", differing(r.ExternalID, l.ExternalID),
			"Also accepted", r.alsoAccepted(),
			"Template version", strings.TrimSpace(r.TemplateVersion+" "+bracketed(r.template())),
			"Permissions", strings.Join(r.GrantedPermissions, ", "),
			"Additional roles", quoted(r.AdditionalRoleARNs),
			"Parameters", quoted(r.Parameters),
			"Reported", quoted(r.Reported),
			"Stack", r.StackID,
			"Earlier stacks", join(r.Superseded),
			"Registered", momentOf(r.RegisteredAt),
			"Proven", momentOf(r.ProvenAt),
			"Last proof", r.LastProof.describe(),
		)
	}
	if len(d.History) == 0 {
		return nil
	}
	cli.Say(out, "\nHistory\n")
	t := cli.NewTable("TIME", "CAME", "DECIDED", "STATUS", "STACK", "REGION", "BY", "REASON")
	t.Optional("REGION", "STACK", "STATUS", "BY")
	for _, h := range d.History {
		t.Row(cli.Moment(h.At), h.Came, h.Decided, h.Status, h.stack.Name, h.stack.Region.String(), h.who, h.why())
	}
	return t.Print(out)
}

// waiting returns the latest history entry that is not a change by the vendor,
// and whether its stack is waiting for an answer.
func (d dossier) waiting() (last historyView, ok bool) {
	for _, h := range slices.Backward(d.History) {
		if h.By == "" {
			return h, h.Waiting
		}
	}
	return historyView{}, false
}

// who returns the principal that made a change, after the caller on whose
// behalf it was made, if any. ARNs of the vendor's own account are shortened to
// the name.
func who(h onboarding.HistoryEntry, vendor account.ID) string {
	by := h.By
	if _, name, found := strings.Cut(by, ":"+vendor.String()+":"); found {
		by = name
	}
	if h.OnBehalf != "" {
		return h.OnBehalf + ", by " + by
	}
	return by
}

// why returns the reason that the customer reads, and the cause that the vendor
// can remove.
func (h historyView) why() string {
	if h.Waiting && h.Reason+h.Cause == "" {
		return "its role cannot be assumed yet, as is usual in the first seconds of a role; it is tried again"
	}
	if h.Reason != "" && h.Cause != "" {
		return h.Reason + " Cause: " + h.Cause
	}
	return h.Reason + h.Cause
}

// quoted returns untrusted parameters as pairs of a key and a quoted value.
func quoted(parameters map[string]string) string {
	var texts []string
	for _, key := range slices.Sorted(maps.Keys(parameters)) {
		texts = append(texts, fmt.Sprintf("%s = %q", key, parameters[key]))
	}
	return strings.Join(texts, ", ")
}

func (l linkView) describe() string {
	text := l.Status
	switch {
	case l.ClosedAt != nil:
		text += " since " + momentOf(l.ClosedAt)
	case l.ExpiresAt != nil && l.Status == string(onboarding.LinkExpired):
		text += " since " + momentOf(l.ExpiresAt)
	case l.ExpiresAt != nil:
		text += " until " + momentOf(l.ExpiresAt)
	}
	if l.CreatedAt != nil {
		text += ", created " + momentOf(l.CreatedAt)
	}
	return text
}

// blocked returns when and why an operator blocked the customer; empty if none
// did.
func (l linkView) blocked() string {
	if l.BlockedAt == nil {
		return ""
	}
	text := "since " + momentOf(l.BlockedAt)
	if l.BlockedReason != "" {
		text += ": " + l.BlockedReason
	}
	return text
}

func (r roleView) describe() string {
	if r.ChangedAt == nil {
		return r.Status
	}
	return r.Status + " since " + momentOf(r.ChangedAt)
}

func join[T fmt.Stringer](values []T) string {
	var texts []string
	for _, v := range values {
		texts = append(texts, v.String())
	}
	return strings.Join(texts, ", ")
}

func bracketed(s string) string {
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}

// differing returns a value if it is not the usual one; empty otherwise.
func differing(value, usual string) string {
	if value == usual {
		return ""
	}
	return value
}

func momentOf(t *time.Time) string {
	if t == nil {
		return ""
	}
	return cli.Moment(*t)
}
