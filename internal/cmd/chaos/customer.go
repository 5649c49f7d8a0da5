// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/launch"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/quickcreate"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// customer has an AWS account and a link, does one action after another, and
// records the registrations that the vendor should have.
type customer struct {
	w      *world
	random *rand.Rand // decides everything that the customer does
	number int
	link   onboarding.Link
	stacks int // launched so far

	stack    string        // the stack that is connected; empty: none
	version  int           // of the live stack's template
	expected []expectation // the registry must hold one of these states
	before   []expectation // expected, before the current stack
	done     outcomes
}

// expectation is one state of the customer's registration. The zero value is no
// registration.
type expectation struct {
	stack     string
	connected bool
	version   string
	gone      bool // the stack no longer exists, but sent no Delete
}

// outcomes counts the actions of customers by their result.
type outcomes struct {
	connected, refused, updated, refusedUpdates, cancelled, deleted, forgotten, second int
}

func newCustomer(w *world, number int, link onboarding.Link) *customer {
	return &customer{
		w: w, number: number, link: link, expected: []expectation{{}},
		random: rand.New(rand.NewPCG(w.seed, uint64(number))), //nolint:gosec // repeatable on purpose
	}
}

// chance returns true with probability p.
func (c *customer) chance(p float64) bool { return c.random.Float64() < p }

// pause waits for a random time below limit.
func (c *customer) pause(ctx context.Context, limit time.Duration) error {
	return wait(ctx, c.w, time.Duration(c.random.Int64N(int64(limit))))
}

// run launches a number of stacks, one after the other.
func (c *customer) run(ctx context.Context, stacks int) {
	if c.pause(ctx, time.Minute) != nil {
		return
	}
	for c.stacks < stacks {
		if err := c.step(ctx, c.stacks == stacks-1); err != nil {
			c.w.fail("customer %d: %v", c.number, err)
			return
		}
	}
}

// step launches one stack and does one random action with it.
func (c *customer) step(ctx context.Context, last bool) error {
	switch draw := c.random.Float64(); {
	case draw < 0.10:
		return c.mistake(ctx)
	case draw < 0.13 && c.stack != "":
		return c.secondStack(ctx)
	}
	if c.stack != "" {
		if err := c.leave(ctx); err != nil {
			return err
		}
	}
	if c.chance(0.05) {
		return c.cancelCreation(ctx)
	}
	if err := c.connect(ctx); err != nil || c.stack == "" {
		return err
	}
	for c.chance(0.4) {
		if err := c.update(ctx); err != nil {
			return err
		}
	}
	if last && c.chance(0.5) {
		return c.leave(ctx)
	}
	return nil
}

// connect launches the link unchanged: the vendor must answer SUCCESS.
func (c *customer) connect(ctx context.Context) error {
	version := c.random.IntN(2)
	id, err := c.launch(ctx, c.w.templates[version].url, sandbox.LaunchOptions{})
	if err != nil {
		return err
	}
	if ok, err := c.ends(ctx, id, "CREATE_COMPLETE"); !ok {
		return err
	}
	c.done.connected++
	c.stack, c.version = id, version
	c.before = c.expected
	c.expected = []expectation{{stack: id, connected: true, version: c.w.templates[version].version}}
	return nil
}

// cancelCreation deletes a stack while it is being created. The vendor may connect
// it before that, but it must not be connected afterwards.
func (c *customer) cancelCreation(ctx context.Context) error {
	id, err := c.launch(ctx, c.link.TemplateURL, sandbox.LaunchOptions{})
	if err != nil {
		return err
	}
	if err := c.pause(ctx, 90*time.Second); err != nil {
		return err
	}
	if err := c.delete(ctx, id); err != nil {
		return err
	}
	if ok, err := c.ends(ctx, id, "DELETE_COMPLETE"); !ok {
		return err
	}
	c.done.cancelled++
	c.expected = append(c.expected, expectation{stack: id})
	return nil
}

// mistake launches something that the vendor must refuse: an edited external
// ID, an edited role, or the link of another customer.
func (c *customer) mistake(ctx context.Context) error {
	o := sandbox.LaunchOptions{Parameters: map[string]string{}}
	link := c.link
	switch c.random.IntN(3) {
	case 0:
		o.Parameters[stacktemplate.ParameterExternalID] = c.hexDigits(40)
		o.Parameters[stacktemplate.ParameterRoleName] = c.hexDigits(20) // another stack may have the name of the link's
	case 1:
		o.Parameters[stacktemplate.ParameterRoleName] = c.hexDigits(20)
	default:
		link = c.w.customers[(c.number+1)%len(c.w.customers)].link
	}
	id, err := c.launchLink(ctx, link, link.TemplateURL, o)
	if err != nil {
		return err
	}
	if ok, err := c.ends(ctx, id, "ROLLBACK_COMPLETE"); !ok {
		return err
	}
	c.done.refused++
	return c.remove(ctx, id)
}

// secondStack launches the link once more beside the stack that is connected.
// The role exists already, so the stack fails before it has sent a message.
func (c *customer) secondStack(ctx context.Context) error {
	id, err := c.launch(ctx, c.link.TemplateURL, sandbox.LaunchOptions{})
	if err != nil {
		return err
	}
	if ok, err := c.ends(ctx, id, "ROLLBACK_COMPLETE"); !ok {
		return err
	}
	c.done.second++
	return c.remove(ctx, id)
}

// update changes the live stack: to another template, to an external ID that
// the vendor must refuse, or in a way that the vendor ignores.
func (c *customer) update(ctx context.Context) error {
	if err := c.pause(ctx, 20*time.Second); err != nil {
		return err
	}
	wanted, o, version := "UPDATE_COMPLETE", sandbox.UpdateOptions{}, c.version
	switch draw := c.random.Float64(); {
	case draw < 0.7:
		version = 1 - version
		o.TemplateURL = c.w.templates[version].url
	case draw < 0.85:
		o.Parameters = map[string]string{stacktemplate.ParameterExternalID: c.hexDigits(40)}
		wanted = "UPDATE_ROLLBACK_COMPLETE"
	default:
		o.Parameters = map[string]string{stacktemplate.ParameterCustomerName: "name-" + c.hexDigits(8)}
	}
	id := c.stack
	err := c.retry(ctx, func() error { return c.w.box.UpdateStack(ctx, id, o) })
	if err != nil {
		return err
	}
	if ok, err := c.ends(ctx, id, wanted); !ok {
		return err
	}
	if wanted == "UPDATE_ROLLBACK_COMPLETE" {
		c.done.refusedUpdates++
		return nil
	}
	c.done.updated++
	c.version = version
	c.expected = []expectation{{stack: id, connected: true, version: c.w.templates[version].version}}
	return nil
}

// leave deletes the live stack; sometimes by force, so that the vendor gets no Delete
// and cannot know.
func (c *customer) leave(ctx context.Context) error {
	if err := c.pause(ctx, 20*time.Second); err != nil {
		return err
	}
	id := c.stack
	quiet := c.chance(0.1)
	if quiet {
		if err := c.retry(ctx, func() error { return c.w.box.ForgetStack(ctx, id) }); err != nil {
			return err
		}
	} else if err := c.delete(ctx, id); err != nil {
		return err
	}
	if ok, err := c.ends(ctx, id, "DELETE_COMPLETE"); !ok {
		return err
	}
	c.stack = ""
	if quiet {
		c.done.forgotten++
		c.expected[0].gone = true
		return nil
	}
	c.done.deleted++
	// A Delete may overtake the commit of the preceding Create, whose answer
	// CloudFormation has: then the stack was never registered, and never will
	// be.
	c.expected = append([]expectation{{stack: id}}, c.before...)
	return nil
}

// launch creates a stack from the customer's own link.
func (c *customer) launch(ctx context.Context, templateURL string, o sandbox.LaunchOptions) (string, error) {
	return c.launchLink(ctx, c.link, templateURL, o)
}

func (c *customer) launchLink(ctx context.Context, link onboarding.Link, templateURL string, o sandbox.LaunchOptions) (id string, err error) {
	region, err := account.ParseRegion(regions[c.random.IntN(len(regions))])
	if err != nil {
		return "", err
	}
	c.stacks++
	url, err := quickcreate.Link{
		Region: region, TemplateURL: templateURL, StackName: fmt.Sprintf("%s-access-%d", hubName, c.stacks),
		Parameters: launch.Parameters(link),
	}.URL("")
	if err != nil {
		return "", err
	}
	err = c.retry(ctx, func() error {
		id, err = c.w.box.LaunchURL(ctx, url, c.link.Account.String(), o)
		return err
	})
	c.w.started()
	return id, err
}

// delete starts a deletion; remove waits for its end.
func (c *customer) delete(ctx context.Context, id string) error {
	return c.retry(ctx, func() error { return c.w.box.DeleteStack(ctx, id) })
}

func (c *customer) remove(ctx context.Context, id string) error {
	if err := c.delete(ctx, id); err != nil {
		return err
	}
	_, err := c.ends(ctx, id, "DELETE_COMPLETE")
	return err
}

// retry repeats an action while the console shows an error: the customer's own calls
// of CloudFormation fail as often as all others.
func (c *customer) retry(ctx context.Context, press func() error) error {
	var err error
	for range 20 {
		if err = press(); err == nil {
			return nil
		}
		if err := wait(ctx, c.w, time.Second); err != nil {
			return err
		}
	}
	return err
}

// ends waits until no operation is in progress in a stack, and reports whether it
// ended in this status; if not, with an error.
func (c *customer) ends(ctx context.Context, id, status string) (bool, error) {
	stack, err := c.w.box.WaitStack(ctx, id)
	if err != nil {
		return false, err
	}
	if stack.Status == status {
		return true, nil
	}
	return false, fmt.Errorf("stack %s is %s, and should be %s:\n%s", id, stack.Status, status, trial.Story(c.w.box, id))
}

func (c *customer) hexDigits(n int) string {
	b := make([]byte, n/2)
	for i := range b {
		b[i] = byte(c.random.UintN(256))
	}
	return hex.EncodeToString(b)
}

func (d outcomes) plus(o outcomes) outcomes {
	return outcomes{
		d.connected + o.connected, d.refused + o.refused, d.updated + o.updated, d.refusedUpdates + o.refusedUpdates,
		d.cancelled + o.cancelled, d.deleted + o.deleted, d.forgotten + o.forgotten, d.second + o.second,
	}
}
