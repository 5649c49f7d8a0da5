// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// library is a world whose provider uses the sandbox's clock, for tests of templates.
type library struct {
	*acctest.World
	t *testing.T
}

func (l library) run(steps ...resource.TestStep) {
	l.t.Helper()
	runWith(l.t, clocked(l.World), steps...)
}

// template returns the URL of the template that a link has now.
func (l library) template(customer string) string {
	l.t.Helper()
	found, err := l.Registry("acme").Customer(l.t.Context(), customer)
	if err != nil {
		l.t.Fatal(err)
	}
	return found.Link.TemplateURL
}

// readable fails the test unless the template exists, or does not exist.
func (l library) readable(address string, want bool) {
	l.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		l.t.Fatal(err)
	}
	bucket, _, _ := strings.Cut(u.Host, ".")
	key := strings.TrimPrefix(u.Path, "/")
	_, err = l.Clients.S3().GetObject(l.t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil && !awsclient.IsNotFound(err) {
		l.t.Fatal(err)
	}
	if there := err == nil; there != want {
		l.t.Errorf("%s is readable: %t, want %t", address, there, want)
	}
}

func (l library) passDays(days int) { l.Clock().Advance(time.Duration(days) * 24 * time.Hour) }

// expiring returns an argument that changes a link but not its template.
func expiring(year string) string { return `expires_at = "` + year + `-01-01T00:00:00Z"` }

func TestAnOldTemplateIsKeptForAWeekAfterTheLastStackWasUpdated(t *testing.T) {
	t.Parallel()
	l := library{acctest.Start(t), t}
	config := func(role, year string) string {
		return l.Provider() + hubHCL() + linkHCL(globex.with(role)) + linkHCL(initech.with(role, expiring(year))) + roleHCL(globex, waits)
	}
	var (
		stack      sandbox.Stack
		old, today string
	)
	l.run(
		connected(l.World, &stack, config(readsObjects, "2090")),
		resource.TestStep{
			PreConfig: func() { old = l.template("globex") },
			Config:    config(writesObjects, "2090"),
		},
		resource.TestStep{
			PreConfig: func() {
				today = l.template("globex")
				l.readable(old, true)
				l.passDays(8)
			},
			Config: config(writesObjects, "2091"),
		},
		resource.TestStep{
			PreConfig: func() {
				l.readable(old, true)
				update(t, l.World, stack.ID, "globex")
				l.passDays(8)
				l.readable(old, true)
			},
			Config: config(writesObjects, "2092"),
		},
		resource.TestStep{
			PreConfig: func() {
				l.readable(old, false)
				l.readable(today, true)
			},
			Config: config(writesObjects, "2092"), ConfigPlanChecks: emptyPlan(),
		},
	)
	if old == today {
		t.Error("the role changed but the template did not, so nothing was tested")
	}
}

func TestATemplateIsKeptWhileALinkUsesItAndPublishedAgainForANewLink(t *testing.T) {
	t.Parallel()
	l := library{acctest.Start(t), t}
	config := func(role, year string) string {
		return l.Provider() + hubHCL() + linkHCL(globex.with(role, expiring(year)))
	}
	shared := linkHCL(initech.with(readsObjects))
	var old string
	l.run(
		resource.TestStep{Config: config(readsObjects, "2090") + shared},
		resource.TestStep{
			PreConfig: func() { old = l.template("initech") },
			Config:    config(writesObjects, "2090") + shared,
		},
		resource.TestStep{
			PreConfig: func() { l.passDays(8) },
			Config:    config(writesObjects, "2091") + shared,
		},
		resource.TestStep{
			PreConfig: func() { l.readable(old, true) },
			Config:    config(writesObjects, "2091"), // initech's link is destroyed
		},
		resource.TestStep{
			PreConfig: func() {
				l.readable(old, true)
				l.passDays(8)
			},
			Config: config(writesObjects, "2092"),
		},
		resource.TestStep{
			PreConfig: func() { l.readable(old, false) },
			Config:    config(writesObjects, "2092") + shared,
		},
		resource.TestStep{
			PreConfig: func() {
				l.readable(l.template("initech"), true)
				l.readable(l.template("globex"), true)
			},
			Config: config(writesObjects, "2092") + shared, ConfigPlanChecks: emptyPlan(),
		},
	)
}
