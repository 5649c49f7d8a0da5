// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/launch"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/quickcreate"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// Customer is a tenant with an onboarding link.
type Customer struct {
	*World
	Name    string
	Account string
	Link    onboarding.Link
}

// AccountID returns the n-th of an unlimited number of account IDs.
func AccountID(n int) string { return strconv.Itoa(200_000_000_000 + n) }

// roleV1 and roleV2 are the vendor's current and next version of the role.
var (
	roleV1 = permissionset.Role{InlinePolicies: map[string]string{
		"logs": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:GetLogEvents","Resource":"*"}]}`,
	}}
	roleV2 = permissionset.Role{InlinePolicies: map[string]string{
		"logs": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:GetLogEvents","logs:FilterLogEvents"],"Resource":"*"}]}`,
	}}
)

// Invite creates a customer with a link as the provider does: template, record and
// permission to publish.
func (w *World) Invite(name, accountID string, change ...func(*onboarding.Link)) *Customer {
	w.T.Helper()
	id, err := account.ParseID(accountID)
	w.Must(err)
	spec := w.Specification(roleV1)
	template, err := stacktemplate.Render(spec)
	w.Must(err)
	link := onboarding.Link{
		Hub: w.Record.Name, CustomerID: name, Account: id,
		ExternalID: onboarding.ExternalID(w.Record.Key.Bytes(), w.Record.Name, name, 0),
		RoleName:   w.Record.Name + "-" + name, RolePath: "/",
		TemplateVersion: stacktemplate.Version(spec),
		TemplateURL:     w.Publish(template.JSON()), TemplateParameters: template.LinkParameters(),
		CreatedAt: w.Now(),
	}
	for _, f := range change {
		f(&link)
	}
	link, err = w.Registry().CreateLink(w.T.Context(), link)
	w.Must(err)
	w.Must(w.Hub.Permissions().Allow(w.T.Context(), link.Shard, id))
	return &Customer{World: w, Name: name, Account: accountID, Link: link}
}

// Change rewrites the customer's link.
func (c *Customer) Change(change func(*onboarding.Link)) {
	c.T.Helper()
	link := c.Link
	change(&link)
	link, err := c.Registry().UpdateLink(c.T.Context(), link)
	c.Must(err)
	c.Link = link
}

// URL returns the launch link, into a Region's console.
func (c *Customer) URL(in string) string { return c.URLOf(in, c.Link.TemplateURL) }

// URLOf returns the launch link with another template.
func (c *Customer) URLOf(in, template string) string {
	c.T.Helper()
	address, err := quickcreate.Link{
		Region: region(in), TemplateURL: template, StackName: c.Record.Name + "-access",
		Parameters: launch.Parameters(c.Link),
	}.URL("")
	c.Must(err)
	return address
}

// Launch opens the link in the customer's own account and creates the stack.
func (c *Customer) Launch(in string, o sandbox.LaunchOptions) (stackID string) {
	c.T.Helper()
	return c.LaunchOf(in, c.Link.TemplateURL, o)
}

// LaunchOf launches the link with another template, as if the URL had been edited in
// the browser.
func (c *Customer) LaunchOf(in, template string, o sandbox.LaunchOptions) (stackID string) {
	c.T.Helper()
	id, err := c.LaunchURL(c.T.Context(), c.URLOf(in, template), c.Account, o)
	c.Must(err)
	return id
}

// Connect launches the link and requires success.
func (c *Customer) Connect(in string) (stackID string) {
	c.T.Helper()
	id := c.Launch(in, sandbox.LaunchOptions{})
	c.Settled(id, "CREATE_COMPLETE")
	c.Quiet()
	c.Owned(id, onboarding.Active)
	return id
}

// Update starts an update of a stack.
func (c *Customer) Update(stackID string, o sandbox.UpdateOptions) {
	c.T.Helper()
	c.Must(c.UpdateStack(c.T.Context(), stackID, o))
}

// Delete starts the deletion of a stack.
func (c *Customer) Delete(stackID string) {
	c.T.Helper()
	c.Must(c.DeleteStack(c.T.Context(), stackID))
}

// Registrations returns the customer's registrations.
func (c *Customer) Registrations() []onboarding.Registration {
	c.T.Helper()
	found, err := c.Registry().Customer(c.T.Context(), c.Name)
	c.Must(err)
	return found.Registrations
}

// Owned returns the customer's registration. It fails the test unless there is
// exactly one, of this stack and with this status.
func (c *Customer) Owned(stackID string, status onboarding.RegistrationStatus) onboarding.Registration {
	c.T.Helper()
	all := c.Registrations()
	if len(all) != 1 || all[0].Stack.String() != stackID || all[0].Status != status {
		c.T.Fatalf("customer %s should have one registration, %s, of stack %s; it has %+v\n%s", c.Name, status, stackID, all, c.log)
	}
	return all[0]
}

// Unknown fails the test if the customer has a registration.
func (c *Customer) Unknown() {
	c.T.Helper()
	if all := c.Registrations(); len(all) != 0 {
		c.T.Errorf("customer %s has registrations, and should have none: %+v\n%s", c.Name, all, c.log)
	}
}

// Happened returns the outcomes of the requests of the customer's stacks, oldest
// first, without entries about requests that wait for a proof.
func (c *Customer) Happened() []onboarding.Outcome {
	c.T.Helper()
	history, err := c.Registry().History(c.T.Context(), c.Name)
	c.Must(err)
	var outcomes []onboarding.Outcome
	for _, entry := range history {
		if entry.By == "" && !entry.Waiting {
			outcomes = append(outcomes, entry.Outcome)
		}
	}
	return outcomes
}

// Template returns the hub's template with a role.
func (w *World) Template(role permissionset.Role) []byte {
	w.T.Helper()
	template, err := stacktemplate.Render(w.Specification(role))
	w.Must(err)
	return template.JSON()
}

// Edited publishes a template with edited resources, and returns its URL.
func (w *World) Edited(body []byte, edit func(resources map[string]any)) (address string) {
	w.T.Helper()
	var template map[string]any
	w.Must(json.Unmarshal(body, &template))
	edit(template["Resources"].(map[string]any))
	body, err := json.Marshal(template)
	w.Must(err)
	return w.Publish(body)
}

// Advance moves the clock and wakes everything that waits for it.
func (w *World) Advance(d time.Duration) { w.Clock().Advance(d) }
