// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// library has a hub with templates, and uses S3's clock.
type library struct {
	*world
	record registry.HubRecord
}

func newLibrary(t *testing.T) library {
	w := newHub(t)
	w.Manager = w.reader()
	return library{w, w.hubRecord()}
}

// reader returns another process of the vendor.
func (w *world) reader() *Manager {
	w.t.Helper()
	h, err := New(w.clients(sandbox.VendorAccount), "acme", w.box.Clock().Now, rand.Reader)
	w.must(err)
	return h
}

func (l library) publish(h *Manager, body string) string {
	l.t.Helper()
	url, err := h.PublishTemplate(l.t.Context(), l.record, []byte(body))
	l.must(err)
	return url
}

func (l library) pass(days int) { l.box.Clock().Advance(time.Duration(days) * 24 * time.Hour) }

func (l library) sweep() {
	l.t.Helper()
	l.must(l.reader().SweepTemplates(l.t.Context(), l.box.Clock().Now()))
}

// there returns the URLs of the objects in the bucket.
func (l library) there() []string {
	l.t.Helper()
	out, err := l.Manager.clients.S3().ListObjectsV2(l.t.Context(), &s3.ListObjectsV2Input{Bucket: &l.record.Bucket})
	l.must(err)
	var urls []string
	for _, object := range out.Contents {
		urls = append(urls, strings.TrimSuffix(TemplateURL(l.record, ""), "templates/.json")+aws.ToString(object.Key))
	}
	return urls
}

func (l library) has(want ...string) {
	l.t.Helper()
	slices.Sort(want)
	if got := l.there(); !slices.Equal(got, want) {
		l.t.Errorf("in the bucket are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestUnusedTemplatesAreDeletedAWeekAfterTheyWereWritten(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	link := l.linked("globex", globex)
	used, unused := l.publish(l.Manager, "used"), l.publish(l.Manager, "unused")
	link.TemplateURL = used
	_, err := l.registry.UpdateLink(t.Context(), link)
	l.must(err)
	theirs := "templates/handmade.json"
	_, err = l.Manager.clients.S3().PutObject(t.Context(), &s3.PutObjectInput{Bucket: &l.record.Bucket, Key: &theirs, Body: strings.NewReader("{}")})
	l.must(err)
	kept := strings.Replace(used, used[strings.Index(used, "templates/"):], theirs, 1)

	l.pass(6)
	l.sweep()
	l.has(used, unused, kept)
	l.pass(2)
	l.sweep()
	l.has(used, kept)
	l.sweep()
	l.has(used, kept)
}

func TestPublishingATemplateAgainRestartsItsWeek(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	url := l.publish(l.Manager, "comes back")
	for name, h := range map[string]*Manager{"by the same process": l.Manager, "by another one": l.reader()} {
		l.pass(8)
		l.publish(h, "comes back")
		l.sweep()
		if l.has(url); t.Failed() {
			t.Fatal(name)
		}
	}
	l.pass(8)
	l.sweep()
	l.has()
	l.publish(l.Manager, "comes back")
	l.has(url)
}

func TestATemplatePublishedDuringASweepIsKept(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	url := l.publish(l.Manager, "comes back")
	l.pass(8)
	other, published := l.reader(), false
	defer l.box.Faults().Before(func(c *kernel.Call) error {
		if c.Action == "Query" && !published { // the sweep has listed old templates and reads the links
			published = true
			l.publish(other, "comes back")
		}
		return nil
	})()
	l.sweep()
	if l.has(url); !published {
		t.Error("nothing was published during the sweep, so nothing was tested")
	}
}

func TestASweepNamesTheMissingPermission(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.publish(l.Manager, "unused")
	l.pass(8)
	defer l.box.Faults().Before(func(c *kernel.Call) error {
		if c.Action == "DeleteObject" {
			return kernel.Errorf(403, "AccessDenied", "no")
		}
		return nil
	})()
	err := l.SweepTemplates(t.Context(), l.box.Clock().Now())
	if err == nil || !strings.Contains(err.Error(), "may not do s3:DeleteObject on arn:aws:s3:::"+l.record.Bucket+"/templates/") {
		t.Errorf("got %v", err)
	}
}

func TestALiveStackKeepsItsTemplate(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	former, today := l.publish(l.Manager, "former"), l.publish(l.Manager, "today")
	l.registered("globex", globex, frankfurt)
	customer, err := l.registry.Customer(t.Context(), "globex")
	l.must(err)
	reg := customer.Registrations[0]
	reg.TemplateVersion = "v1"
	_, err = l.registry.PutHealth(t.Context(), reg, quiet(reg))
	l.must(err)
	link := customer.Link
	link.TemplateVersion, link.TemplateURL = "v2", today
	link.FormerTemplates = []onboarding.FormerTemplate{{Version: "v1", URL: former, RetiredAt: l.box.Clock().Now()}}
	_, err = l.registry.UpdateLink(t.Context(), link)
	l.must(err)
	l.pass(100)
	l.sweep()
	l.has(former, today)
}

func TestAPermissionSetKeepsItsTemplateEvenWithoutLinks(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	former, today := l.publish(l.Manager, "former"), l.publish(l.Manager, "today")
	set := onboarding.PermissionSet{
		Hub: "acme", Name: "readonly", TemplateVersion: "v2", TemplateURL: today, Declared: []byte("{}"),
		FormerTemplates: []onboarding.FormerTemplate{{Version: "v1", URL: former, RetiredAt: l.box.Clock().Now()}},
	}
	set, err := l.registry.CreatePermissionSet(t.Context(), set)
	l.must(err)
	l.pass(100)
	l.sweep()
	l.has(today)
	set.RetiredAt = l.box.Clock().Now()
	_, err = l.registry.UpdatePermissionSet(t.Context(), set)
	l.must(err)
	l.pass(6)
	l.sweep()
	l.has(today)
	l.pass(2)
	l.sweep()
	l.has()
}
