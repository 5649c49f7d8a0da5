// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithytime "github.com/aws/smithy-go/time"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// specFor returns spec with another access to templates.
func specFor(access onboarding.TemplateAccess) Spec {
	s := spec()
	s.TemplateAccess = access
	return s
}

// newHubFor creates a hub with a template in it.
func newHubFor(t *testing.T, access onboarding.TemplateAccess) *world {
	t.Helper()
	w := newWorld(t)
	_, err := w.Create(t.Context(), specFor(access))
	w.must(err)
	_, err = w.PublishTemplate(t.Context(), w.hubRecord(), template)
	w.must(err)
	for _, id := range []account.ID{globex, initech} {
		w.must(w.box.OpenAccount(id.String(), "aws"))
	}
	return w
}

func (w *world) access(access onboarding.TemplateAccess) {
	w.t.Helper()
	_, err := w.Update(w.t.Context(), specFor(access))
	w.must(err)
}

// read reads the template as a customer's administrator.
func (w *world) read(id account.ID) error {
	w.t.Helper()
	record := w.hubRecord()
	_, err := w.clients(id.String()).S3().GetObject(w.t.Context(), &s3.GetObjectInput{
		Bucket: &record.Bucket, Key: aws.String(templateKey(TemplateHash(template))),
	})
	return err
}

func (w *world) mayRead(ids ...account.ID) {
	w.t.Helper()
	for _, id := range ids {
		if err := w.read(id); err != nil {
			w.t.Errorf("account %s cannot read: %v", id, err)
		}
	}
}

func (w *world) mayNotRead(ids ...account.ID) {
	w.t.Helper()
	for _, id := range ids {
		if err := w.read(id); !awsclient.IsAccessDenied(err) {
			w.t.Errorf("account %s reads: got %v, want a refusal", id, err)
		}
	}
}

// customer onboards a customer in the order in which the provider does.
func (w *world) customer(h *Manager, name string, id account.ID) {
	w.t.Helper()
	w.must(h.Permissions().AllowRead(w.t.Context(), w.hubRecord(), id))
	w.linked(name, id)
	w.must(h.Permissions().Allow(w.t.Context(), 0, id))
}

func TestTemplateAccessChangesInPlace(t *testing.T) {
	t.Parallel()
	w := newHubFor(t, onboarding.TemplatesPublic)
	w.customer(w.Manager, "globex", globex)
	w.mayRead(globex, initech)
	w.access(onboarding.TemplatesAccounts)
	w.mayRead(globex)
	w.mayNotRead(initech)
	w.complete(frankfurt, virginia)
	w.customer(w.Manager, "initech", initech)
	w.mayRead(globex, initech)
	w.complete(frankfurt, virginia)
	w.access(onboarding.TemplatesPresigned)
	w.mayNotRead(globex, initech)
	w.complete(frankfurt, virginia)
	w.access(onboarding.TemplatesAccounts)
	w.mayRead(globex, initech)
	w.access(onboarding.TemplatesPublic)
	w.mayRead(globex, initech, customerAccount(1))
	w.complete(frankfurt, virginia)
}

func TestAPrivateBucketBlocksPublicAccess(t *testing.T) {
	t.Parallel()
	for _, access := range []onboarding.TemplateAccess{onboarding.TemplatesPresigned, onboarding.TemplatesAccounts} {
		t.Run(string(access), func(t *testing.T) {
			t.Parallel()
			w := newHubFor(t, access)
			w.complete(frankfurt, virginia)
			record := w.hubRecord()
			open := publicAccess(registry.HubRecord{TemplateAccess: onboarding.TemplatesPublic})
			_, err := w.Manager.clients.S3().PutPublicAccessBlock(t.Context(), &s3.PutPublicAccessBlockInput{
				Bucket: &record.Bucket, PublicAccessBlockConfiguration: open,
			})
			w.must(err)
			state, err := w.Read(t.Context())
			w.must(err)
			if len(state.Defects) != 1 || !strings.Contains(state.Defects[0].String(), string(PublicAccess)) {
				t.Errorf("missing: %v, want the setting that was opened", state.Defects)
			}
			w.access(access)
			w.complete(frankfurt, virginia)
		})
	}
}

func TestAnInterruptedChangeOfAccessIsCompletedByTheNext(t *testing.T) {
	t.Parallel()
	for from, to := range map[onboarding.TemplateAccess]onboarding.TemplateAccess{
		onboarding.TemplatesPublic:   onboarding.TemplatesAccounts,
		onboarding.TemplatesAccounts: onboarding.TemplatesPresigned,
		// and back to the first
		onboarding.TemplatesPresigned: onboarding.TemplatesPublic,
	} {
		t.Run(string(from+" to "+to), func(t *testing.T) {
			t.Parallel()
			setUp := func(t *testing.T) *world {
				w := newHubFor(t, from)
				w.customer(w.Manager, "globex", globex)
				return w
			}
			dieAtEveryCall(t, setUp,
				func(w *world) error { _, err := w.Update(t.Context(), specFor(to)); return err },
				func(w *world, calls int) {
					seen, err := w.process().Read(t.Context())
					w.must(err)
					if seen.Record.TemplateAccess == to && len(seen.Defects) == 0 && !seen.PoliciesOutdated {
						// If no defect is reported, the access must be right already.
						w.readable(to)
					}
					_, err = w.process().Update(t.Context(), specFor(to))
					w.must(err)
					w.readable(to)
					w.complete(frankfurt, virginia)
				})
		})
	}
}

// readable fails the test unless exactly the accounts that the access allows can read the
// template. The hub's customer is globex.
func (w *world) readable(access onboarding.TemplateAccess) {
	w.t.Helper()
	switch access {
	case onboarding.TemplatesPublic:
		w.mayRead(globex, initech)
	case onboarding.TemplatesAccounts:
		w.mayRead(globex)
		w.mayNotRead(initech)
	default:
		w.mayNotRead(globex, initech)
	}
}

func TestConcurrentReadersShareWritesAndNoneIsLost(t *testing.T) {
	t.Parallel()
	w := newHubFor(t, onboarding.TemplatesAccounts)
	record := w.hubRecord()
	const processes, each = 3, 12
	for n := range processes * each {
		w.must(w.box.OpenAccount(customerAccount(n).String(), "aws"))
	}
	mark := w.box.Journal().Mark()
	var all sync.WaitGroup
	for p := range processes {
		h := w.process()
		h.sleep = smithytime.SleepWithContext // waits in real time, so that no lease expires early
		for n := range each {
			all.Go(func() {
				if err := h.Permissions().AllowRead(t.Context(), record, customerAccount(p*each+n)); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	if n := w.calls(mark, "s3:PutBucketPolicy"); n > processes*each/2 {
		t.Errorf("%d policies were written for %d readers", n, processes*each)
	}
	for n := range processes * each {
		w.mayRead(customerAccount(n))
	}
	w.complete(frankfurt, virginia)
}

// The process that adds the reader has read the hub's record while its templates were public.
func TestAReaderAddedWhileTheAccessChangesIsNotLost(t *testing.T) {
	t.Parallel()
	w := newHubFor(t, onboarding.TemplatesPublic)
	seen := w.hubRecord()
	w.access(onboarding.TemplatesAccounts)
	w.must(w.Permissions().AllowRead(t.Context(), seen, globex)) // does nothing, because templates were public in seen
	w.mayNotRead(globex)
	w.linked("globex", globex)
	w.must(w.Permissions().Allow(t.Context(), 0, globex))
	w.mayRead(globex)
	w.complete(frankfurt, virginia)
}

func TestReadersAreRemovedWithPublishers(t *testing.T) {
	t.Parallel()
	w := newHubFor(t, onboarding.TemplatesAccounts)
	link := w.linked("globex", globex)
	w.customer(w.Manager, "initech", initech)
	w.must(w.Permissions().AllowRead(t.Context(), w.hubRecord(), globex))
	w.must(w.Permissions().Allow(t.Context(), 0, globex))
	link.Closed, link.ClosedAt = true, w.clock.Now()
	_, err := w.registry.UpdateLink(t.Context(), link)
	w.must(err)
	w.reconcile()
	w.clock.Advance(6 * 24 * time.Hour)
	w.reconcile()
	w.mayRead(globex, initech) // within the grace period globex may still launch
	w.clock.Advance(2 * 24 * time.Hour)
	w.reconcile()
	w.mayNotRead(globex)
	w.mayRead(initech)
	w.mayNotPublish(globex, frankfurt)
	w.complete(frankfurt, virginia)
}

// full fills the list of readers with accounts until only free places are left.
func (w *world) full(free int) {
	w.t.Helper()
	record := w.hubRecord()
	all := map[account.ID]time.Time{}
	for n := range iampolicy.MaxReaders(record.Bucket, frankfurt.Partition()) - free {
		all[customerAccount(n)] = w.clock.Now()
		w.must(w.box.OpenAccount(customerAccount(n).String(), "aws"))
	}
	w.must(w.Permissions().change(w.t.Context(), registry.Readers, func(registry.Shard) registry.ShardChange { return registry.ShardChange{All: all} }))
}

func TestOneReaderTooManyIsRefusedAlone(t *testing.T) {
	t.Parallel()
	w := newHubFor(t, onboarding.TemplatesAccounts)
	w.full(1)
	before, err := w.registry.Shard(t.Context(), registry.Readers)
	w.must(err)
	errs := w.Permissions().allowAll(t.Context(), registry.Readers, []account.ID{globex, initech})
	var full *iampolicy.BucketFullError
	if errs[globex] != nil || !errors.As(errs[initech], &full) || full.Room != len(before.Accounts)+1 {
		t.Errorf("got %v, want a BucketFullError for the second account only", errs)
	}
	w.mayRead(globex)
	w.mayNotRead(initech)
	w.complete(frankfurt, virginia)
}

func TestTooManyCustomersAreRefusedBeforeTheAccessChanges(t *testing.T) {
	t.Parallel()
	w := newHubFor(t, onboarding.TemplatesPublic)
	for n := range iampolicy.MaxReaders(w.hubRecord().Bucket, frankfurt.Partition()) + 1 {
		w.linked(fmt.Sprintf("c%d", n), customerAccount(n))
	}
	mark := w.box.Journal().Mark()
	_, err := w.Update(t.Context(), specFor(onboarding.TemplatesAccounts))
	var full *iampolicy.BucketFullError
	if !errors.As(err, &full) || full.Accounts != full.Room+1 {
		t.Errorf("got %v, want a BucketFullError of one customer", err)
	}
	for action, n := range w.box.Journal().Counts(mark) {
		reads := slices.Contains([]string{"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"}, action)
		if !reads && n > 0 {
			t.Errorf("%s was called", action)
		}
	}
	w.mayRead(globex)
}

func TestAnAccountThatDoesNotExistIsRefusedAlone(t *testing.T) {
	t.Parallel()
	w := newHubFor(t, onboarding.TemplatesAccounts)
	unknown := parse(account.ParseID, "999999999999")
	errs := w.Permissions().allowAll(t.Context(), registry.Readers, []account.ID{globex, unknown, initech})
	var missing *NoSuchAccountError
	if errs[globex] != nil || errs[initech] != nil || !errors.As(errs[unknown], &missing) || missing.Named || !strings.Contains(missing.Error(), "no AWS account 999999999999:") {
		t.Errorf("got %v, want a NoSuchAccountError of 999999999999", errs)
	}
	w.mayRead(globex, initech)
	w.complete(frankfurt, virginia)
}

func TestTheErrorSaysThatAReadersAccountWasClosed(t *testing.T) {
	t.Parallel()
	w := newHubFor(t, onboarding.TemplatesAccounts)
	w.customer(w.Manager, "globex", globex)
	w.box.IAM().CloseAccount(globex.String())
	err := w.Permissions().AllowRead(t.Context(), w.hubRecord(), initech)
	var missing *NoSuchAccountError
	if !errors.As(err, &missing) || !missing.Named || !strings.Contains(err.Error(), "one of the 1 accounts that it names has been closed") {
		t.Errorf("got %v, want a NoSuchAccountError of an account that was closed", err)
	}
	w.complete(frankfurt, virginia) // the list has not changed
	w.access(onboarding.TemplatesPresigned)
}

func TestAReadersPolicyThatIsBehindIsDetectedAndRepaired(t *testing.T) {
	t.Parallel()
	w := newHubFor(t, onboarding.TemplatesAccounts)
	w.customer(w.Manager, "globex", globex)
	// A writer dies after it wrote the policy and before it wrote the list.
	var written atomic.Bool
	w.box.Faults().After(func(c *kernel.Call) error {
		written.CompareAndSwap(false, c.Action == "PutBucketPolicy")
		return nil
	})
	revive := w.box.Faults().Before(func(c *kernel.Call) error {
		if written.Load() && c.Service == "dynamodb" {
			return kernel.Errorf(400, "ValidationError", "the process has stopped")
		}
		return nil
	})
	if err := w.Permissions().AllowRead(t.Context(), w.hubRecord(), initech); err == nil {
		t.Fatal("the process did not die")
	}
	revive()
	w.mayRead(initech)
	state, err := w.Read(t.Context())
	w.must(err)
	if !state.PoliciesOutdated || len(state.Defects) > 0 {
		t.Errorf("behind %t, missing %v", state.PoliciesOutdated, state.Defects)
	}
	w.clock.Advance(leaseTime + time.Second)
	w.must(w.process().Permissions().Repair(t.Context()))
	w.mayRead(globex)
	w.mayNotRead(initech)
	w.complete(frankfurt, virginia)
}

func TestAPresignedTemplateCanBeReadUntilItExpires(t *testing.T) {
	t.Parallel()
	w := newHubFor(t, onboarding.TemplatesPresigned)
	record := w.hubRecord()
	link := onboarding.Link{CustomerID: "globex", TemplateURL: TemplateURL(record, TemplateHash(template))}
	for name, c := range map[string]struct {
		signedAgo, life time.Duration
		status          int
		lives           time.Duration
	}{
		"fresh":       {0, time.Hour, http.StatusOK, time.Hour},
		"over 7 days": {0, 30 * 24 * time.Hour, http.StatusOK, 7 * 24 * time.Hour},
		"expired":     {2 * time.Hour, time.Hour, http.StatusForbidden, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			h := w.process()
			at := time.Now().Add(-c.signedAgo) // the sandbox compares signatures with the real time
			h.now = func() time.Time { return at }
			signed, err := h.PresignTemplate(t.Context(), record, link, c.life)
			w.must(err)
			if lives := signed.ExpiresAt.Sub(at.UTC().Truncate(time.Second)); lives != c.lives || signed.SessionEndUnknown {
				t.Errorf("it is valid for %s, want %s", lives, c.lives)
			}
			if !strings.HasPrefix(signed.URL, link.TemplateURL+"?") {
				t.Errorf("it is not the template's URL: %s", signed.URL)
			}
			status, body := w.get(signed.URL)
			if status != c.status || status == http.StatusOK && body != string(template) {
				t.Errorf("got %d %s", status, body)
			}
		})
	}
	w.mayNotRead(globex)
}

// get fetches a URL of S3 from the sandbox, without credentials.
func (w *world) get(address string) (int, string) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, address, nil)
	w.must(err)
	request.URL.Scheme, request.URL.Host = "http", strings.TrimPrefix(w.box.URL(), "http://")
	request.Host = strings.Split(strings.TrimPrefix(address, "https://"), "/")[0]
	response, err := http.DefaultClient.Do(request)
	w.must(err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	w.must(err)
	return response.StatusCode, string(body)
}
