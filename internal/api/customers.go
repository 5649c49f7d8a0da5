// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// OneCustomer contains the path parameter of a customer.
type OneCustomer struct {
	CustomerID string `path:"customer_id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" patternDescription:"letters, digits and ._- beginning with a letter or digit" doc:"The vendor's own name for the customer." example:"globex"`
}

// Resolve adds the customer to the request's log line.
func (o *OneCustomer) Resolve(ctx huma.Context) []error {
	annotate(ctx.Context(), func(l *logLine) { l.customer = o.CustomerID })
	return nil
}

// LinkOrder is the body of a PUT.
type LinkOrder struct {
	PermissionSet string            `json:"permission_set" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" doc:"Name of the permission set that defines what the customer is asked to grant." example:"readonly"`
	AccountID     string            `json:"account_id,omitempty" pattern:"^[0-9]{12}$" patternDescription:"12 digits" doc:"The customer's AWS account. May be left out if the hub is open to anyone, or with ask_account_id." example:"222222222222"`
	AskAccountID  bool              `json:"ask_account_id,omitempty" doc:"Let the connect page ask the customer for their account. Until then the link can't be launched."`
	Region        string            `json:"region,omitempty" maxLength:"32" pattern:"^[a-z]{2}(-[a-z]+)+-[0-9]$" doc:"Region that the link proposes, one of the hub's; default the hub's own." example:"us-east-1"`
	StackName     string            `json:"stack_name,omitempty" maxLength:"128" pattern:"^[A-Za-z][A-Za-z0-9-]*$" doc:"Name that the link proposes for the stack; default <hub>-access."`
	ExpiresAt     *time.Time        `json:"expires_at,omitempty" doc:"Time from which new stacks can't use the link; default never. Required if the hub is open to anyone."`
	Metadata      map[string]string `json:"metadata,omitempty" maxProperties:"20" doc:"The vendor's own data, returned unchanged: at most 20 strings of 256 characters."`
	Adopt         bool              `json:"adopt,omitempty" doc:"Take the link over if it belongs to another of the vendor's tools."`
}

type putInput struct {
	OneCustomer
	IfMatch string `header:"If-Match" maxLength:"32" doc:"The ETag of the link as it was read: permission_set, expires_at and metadata of the open link become those of this request. Without it, PUT creates the link or changes nothing."`
	Body    LinkOrder
}

type customerOutput struct {
	Status   int
	ETag     string `header:"ETag" doc:"The revision of the link. It changes with the link, and not with the customer's actions."`
	Location string `header:"Location" doc:"Path of the link, if it was created."`
	Body     CustomerView
}

func (s *Server) output(record registry.HubRecord, c onboarding.Customer, found attempt) *customerOutput {
	return &customerOutput{Status: http.StatusOK, ETag: etag(c.Link), Body: s.view(record, c, found)}
}

func etag(link onboarding.Link) string { return strconv.Quote(strconv.FormatInt(link.Revision, 10)) }

// revision returns the revision in an If-Match header; 0 if the header is absent.
func revision(ifMatch string) (int64, error) {
	if ifMatch == "" {
		return 0, nil
	}
	text, quoted := strings.CutPrefix(ifMatch, `"`)
	text, ended := strings.CutSuffix(text, `"`)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 || !quoted || !ended {
		return 0, &customers.Refusal{Field: "If-Match", Summary: "Invalid ETag", Detail: `Send the ETag as the answer had it, with its quotes, such as "3".`}
	}
	return n, nil
}

func (s *Server) put(ctx context.Context, in *putInput) (*customerOutput, error) {
	served, err := s.order(ctx, in)
	if err != nil {
		return nil, s.problem(requestID(ctx), in.CustomerID, err)
	}
	out := s.output(served.Record, served.Customer, attempt{})
	if served.Created {
		out.Status, out.Location = http.StatusCreated, "/v1/customers/"+in.CustomerID
	}
	return out, nil
}

func (s *Server) order(ctx context.Context, in *putInput) (customers.Result, error) {
	seen, err := revision(in.IfMatch)
	if err != nil {
		return customers.Result{}, err
	}
	order := customers.Order{
		CustomerID: in.CustomerID, PermissionSet: in.Body.PermissionSet, AsksAccount: in.Body.AskAccountID,
		Region: in.Body.Region, StackName: in.Body.StackName, Metadata: in.Body.Metadata, Adopt: in.Body.Adopt, Revision: seen,
	}
	if in.Body.AccountID != "" {
		if order.Account, err = account.ParseID(in.Body.AccountID); err != nil {
			return customers.Result{}, &customers.Refusal{Field: "account_id", Summary: "Invalid AWS account ID", Detail: err.Error()}
		}
	}
	if in.Body.ExpiresAt != nil {
		order.ExpiresAt = in.Body.ExpiresAt.UTC().Truncate(time.Second)
	}
	return s.links.Put(ctx, order)
}

func (s *Server) get(ctx context.Context, in *OneCustomer) (*customerOutput, error) {
	record, found, last, err := s.loadCustomer(ctx, in.CustomerID)
	if err != nil {
		return nil, s.problem(requestID(ctx), in.CustomerID, err)
	}
	return s.output(record, found, last), nil
}

// loadCustomer returns the hub's record and a customer, with the latest attempt from the
// history if the customer's state depends on it.
func (s *Server) loadCustomer(ctx context.Context, id string) (registry.HubRecord, onboarding.Customer, attempt, error) {
	record, found, err := s.customer(ctx, id)
	if err != nil {
		return record, found, attempt{}, err
	}
	if state, _ := stateOf(found, attempt{}, s.config.Clock()); state == Connected || state == Closed {
		return record, found, attempt{}, nil
	}
	history, err := s.records.History(ctx, id)
	return record, found, lastAttempt(found, history), err
}

type deleteInput struct {
	OneCustomer
	IfMatch string `header:"If-Match" maxLength:"32" doc:"The ETag of the link: it is closed only if it is unchanged."`
	Adopt   bool   `query:"adopt" doc:"Close the link even if it belongs to another of the vendor's tools."`
}

func (s *Server) delete(ctx context.Context, in *deleteInput) (*customerOutput, error) {
	seen, err := revision(in.IfMatch)
	if err == nil {
		_, err = s.links.Close(ctx, in.CustomerID, seen, in.Adopt)
	}
	if err != nil {
		return nil, s.problem(requestID(ctx), in.CustomerID, err)
	}
	return s.get(ctx, &in.OneCustomer)
}

type listInput struct {
	Limit         int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"Maximum number of customers."`
	After         string `query:"after" maxLength:"64" doc:"The customer ID after which the page begins: next of the previous page."`
	State         State  `query:"state" enum:"blocked,connected,degraded,closed,expired,awaiting_account,disconnected,waiting" doc:"Only customers in this state. A stack that failed or is being proven counts as waiting here."`
	PermissionSet string `query:"permission_set" maxLength:"64" doc:"Only customers of this permission set."`
	AccountID     string `query:"account_id" pattern:"^[0-9]{12}$" doc:"Only customers of this account."`
}

type listOutput struct {
	Link string `header:"Link" doc:"The next page, as an RFC 8288 link."`
	Body CustomerList
}

// CustomerList is one page of customers, in the order of their IDs.
type CustomerList struct {
	Customers []CustomerView `json:"customers"`
	Next      string         `json:"next,omitempty" doc:"Value of after for the next page; absent on the last one. A page with filters may be short, or empty, and not be the last."`
}

// maxScanned is the maximum number of customers that are read for one page.
const maxScanned = 2000

func (s *Server) list(ctx context.Context, in *listInput) (*listOutput, error) {
	record, err := s.records.Hub(ctx)
	if err != nil {
		return nil, s.problem(requestID(ctx), "", err)
	}
	out := &listOutput{Body: CustomerList{Customers: []CustomerView{}}}
	scanned, at, more := 0, "", false
	read := in.Limit
	if in.filters() {
		read = maxScanned
	}
	for customer, err := range s.records.Walk(ctx, registry.Part{After: in.After, Limit: read + 1}) {
		if err != nil {
			return nil, s.problem(requestID(ctx), "", err)
		}
		if len(out.Body.Customers) == in.Limit || scanned == maxScanned {
			more = true
			break
		}
		scanned, at = scanned+1, customer.Link.CustomerID
		if view := s.view(record, customer, attempt{}); in.wants(view) {
			out.Body.Customers = append(out.Body.Customers, view)
		}
	}
	if more {
		out.Body.Next = at
		query := in.query()
		query.Set("after", at)
		out.Link = fmt.Sprintf("</v1/customers?%s>; rel=\"next\"", query.Encode())
	}
	return out, nil
}

func (in *listInput) filters() bool {
	return in.State != "" || in.PermissionSet != "" || in.AccountID != ""
}

func (in *listInput) wants(v CustomerView) bool {
	account := in.AccountID == "" || v.AccountID == in.AccountID
	for _, role := range v.Roles {
		account = account || role.AccountID == in.AccountID
	}
	return account && (in.State == "" || v.State == in.State) && (in.PermissionSet == "" || v.PermissionSet == in.PermissionSet)
}

func (in *listInput) query() url.Values {
	query := url.Values{"limit": {strconv.Itoa(in.Limit)}}
	for name, value := range map[string]string{"state": string(in.State), "permission_set": in.PermissionSet, "account_id": in.AccountID} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return query
}
