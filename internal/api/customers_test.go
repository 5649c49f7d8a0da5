// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"bytes"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

const globex = "/v1/customers/globex"

const readonly = `{"permission_set":"readonly","account_id":"222222222222"}`

func TestTheCommittedDocumentIsUpToDate(t *testing.T) {
	t.Parallel()
	w := newWorldWithoutHub(t)
	got, err := w.server.Document()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("openapi.json", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("openapi.json")
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("internal/api/openapi.json is out of date: go test ./internal/api -run Document -update (%v)", err)
	}
}

func TestARepeatedPutIssuesTheSameLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.want(w.call("backend", "PUT", globex, readonly), http.StatusCreated)
	v := first.customer(t)
	if v.State != Waiting || v.Owner != "api" || v.LinkStatus != "open" || v.AccountID != "222222222222" || v.Region != home || v.StackName != "acme-access" {
		t.Errorf("got %+v", v)
	}
	if !strings.HasPrefix(v.LaunchURL, "https://us-east-1.console.aws.amazon.com/cloudformation/home") || !strings.Contains(v.LaunchURL, v.ExternalID) {
		t.Errorf("launch URL %s", v.LaunchURL)
	}
	if first.header.Get("Location") != globex || first.header.Get("ETag") != `"1"` {
		t.Errorf("headers %v", first.header)
	}
	again := w.want(w.call("backend", "PUT", globex, readonly), http.StatusOK)
	if again.text != first.text || again.header.Get("ETag") != `"1"` {
		t.Errorf("the second time\n%s\nthe first\n%s", again.text, first.text)
	}
	shown := w.want(w.call("viewer", "GET", globex, ""), http.StatusOK)
	if shown.text != first.text {
		t.Errorf("GET returns\n%s\nPUT\n%s", shown.text, first.text)
	}
	for body, field := range map[string]string{
		`{"permission_set":"more","account_id":"222222222222"}`:                                         "permission_set",
		`{"permission_set":"readonly","account_id":"333333333333"}`:                                     "account_id",
		`{"permission_set":"readonly","account_id":"222222222222","expires_at":"2031-01-01T00:00:00Z"}`: "expires_at",
		`{"permission_set":"readonly","account_id":"222222222222","metadata":{"plan":"pro"}}`:           "metadata",
		`{"permission_set":"readonly","account_id":"222222222222","region":"eu-central-1"}`:             "region",
	} {
		p := w.want(w.call("backend", "PUT", globex, body), http.StatusConflict).problem(t)
		if p.Field != field || p.CustomerID != "globex" || p.WhatToDo == "" || p.Instance == "" {
			t.Errorf("%s: %+v", body, p)
		}
	}
}

func TestIfMatchAllowsChangesOfTheCurrentLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.want(w.call("backend", "PUT", globex, readonly), http.StatusCreated).customer(t)
	change := `{"permission_set":"more","account_id":"222222222222","expires_at":"2031-01-01T00:00:00Z","metadata":{"plan":"pro"}}`
	changed := w.want(w.call("backend", "PUT", globex, change, "If-Match", `"1"`), http.StatusOK)
	v := changed.customer(t)
	if v.PermissionSet != "more" || v.ExpiresAt == nil || v.ExpiresAt.Year() != 2031 || v.Metadata["plan"] != "pro" || v.ExternalID != first.ExternalID || changed.header.Get("ETag") != `"2"` {
		t.Errorf("got %+v, ETag %s", v, changed.header.Get("ETag"))
	}
	p := w.want(w.call("backend", "PUT", globex, readonly, "If-Match", `"1"`), http.StatusPreconditionFailed).problem(t)
	if !strings.Contains(p.Detail, `"2"`) {
		t.Errorf("%+v", p)
	}
	w.want(w.call("backend", "PUT", globex, change, "If-Match", `"2"`), http.StatusOK) // the same declaration
	if got := w.want(w.call("viewer", "GET", globex, ""), http.StatusOK).header.Get("ETag"); got != `"2"` {
		t.Errorf("a PUT without a change has written the link: %s", got)
	}
	moved := strings.Replace(change, "222222222222", "333333333333", 1)
	if p := w.want(w.call("backend", "PUT", globex, moved, "If-Match", `"2"`), http.StatusConflict).problem(t); p.Field != "account_id" {
		t.Errorf("%+v", p)
	}
	w.want(w.call("backend", "PUT", "/v1/customers/initech", readonly, "If-Match", `"1"`), http.StatusPreconditionFailed)
	for _, bad := range []string{`1`, `"x"`, `W/"1"`, `"0"`, `*`} {
		w.want(w.call("backend", "PUT", globex, readonly, "If-Match", bad), http.StatusUnprocessableEntity)
	}
}

func TestAReopenedLinkKeepsItsExternalIDForTheSameAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.want(w.call("backend", "PUT", globex, readonly), http.StatusCreated).customer(t)
	w.want(w.call("backend", "DELETE", globex, "", "If-Match", `"9"`), http.StatusPreconditionFailed)
	closed := w.want(w.call("backend", "DELETE", globex, ""), http.StatusOK).customer(t)
	if closed.State != Closed || closed.ClosedAt == nil || closed.LaunchURL != "" {
		t.Errorf("got %+v", closed)
	}
	w.want(w.call("backend", "DELETE", globex, ""), http.StatusOK)
	w.want(w.call("backend", "DELETE", "/v1/customers/unknown", ""), http.StatusNotFound)
	if back := w.want(w.call("backend", "PUT", globex, readonly), http.StatusCreated).customer(t); back.ExternalID != first.ExternalID {
		t.Errorf("the same account: %s, before %s", back.ExternalID, first.ExternalID)
	}
	w.want(w.call("backend", "DELETE", globex, ""), http.StatusOK)
	elsewhere := strings.Replace(readonly, "222222222222", "333333333333", 1)
	if back := w.want(w.call("backend", "PUT", globex, elsewhere), http.StatusCreated).customer(t); back.ExternalID == first.ExternalID {
		t.Error("another account has the same external ID")
	}
}

func TestALinkOfAnotherOwnerMustBeAdopted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.want(w.call("backend", "PUT", globex, readonly), http.StatusCreated)
	found, err := w.hub.Registry().Customer(t.Context(), "globex")
	w.must(err)
	link := found.Link
	link.Owner, link.Fleet = onboarding.OwnerTerraform, "all"
	link, err = w.hub.Registry().UpdateLink(t.Context(), link)
	w.must(err)
	for _, a := range []answer{
		w.call("backend", "PUT", globex, readonly), w.call("backend", "PUT", globex, readonly, "If-Match", `"2"`), w.call("backend", "DELETE", globex, ""),
	} {
		if p := w.want(a, http.StatusConflict).problem(t); !strings.Contains(p.Detail, "belongs to Terraform") || !strings.Contains(p.WhatToDo, "adopt") {
			t.Errorf("%+v", p)
		}
	}
	other := strings.NewReplacer("{", `{"adopt":true,`, "readonly", "more").Replace(readonly)
	for _, a := range []answer{w.call("backend", "PUT", globex, other), w.call("backend", "PUT", globex, other, "If-Match", `"2"`)} {
		if p := w.want(a, http.StatusConflict).problem(t); !strings.Contains(p.Detail, "fleet all") || p.WhatToDo == "" {
			t.Errorf("%+v", p)
		}
	}
	adopted := w.want(w.call("backend", "PUT", globex, strings.Replace(readonly, "{", `{"adopt":true,`, 1)), http.StatusOK).customer(t)
	after, err := w.hub.Registry().Customer(t.Context(), "globex")
	w.must(err)
	if adopted.Owner != "api" || adopted.ExternalID != link.ExternalID.String() || after.Link.Incarnation.HeldBy(link.Incarnation.ID) {
		t.Errorf("got %+v; a state that holds %q still holds it", adopted, link.Incarnation.ID)
	}
	w.want(w.call("backend", "DELETE", globex, ""), http.StatusOK)
}

func TestProblemsNameTheFieldAndWhatToDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for body, c := range map[string]struct {
		status int
		field  string
	}{
		`{"account_id":"222222222222"}`:                                                         {422, "permission_set"},
		`{"permission_set":"readonly","account_id":"22222222222"}`:                              {422, "account_id"},
		`{"permission_set":"none","account_id":"222222222222"}`:                                 {422, "permission_set"},
		`{"permission_set":"readonly"}`:                                                         {422, "account_id"},
		`{"permission_set":"readonly","account_id":"222222222222","region":"sa-east-1"}`:        {422, "region"},
		`{"permission_set":"readonly","account_id":"222222222222","colour":"red"}`:              {422, "colour"},
		`{"permission_set":"readonly","account_id":"222222222222","ask_account_id":true}`:       {422, "ask_account_id"},
		`{"permission_set":"readonly","account_id":"222222222222","metadata":{"a":"b\u202ec"}}`: {422, "metadata"},
		`{"permission_set":"readonly","account_id":"222222222222","expires_at":"tomorrow"}`:     {422, "expires_at"},
		`{"permission_set":`: {400, ""},
	} {
		p := w.want(w.call("backend", "PUT", globex, body), c.status).problem(t)
		if p.Field != c.field || p.Detail == "" || p.CustomerID != "globex" {
			t.Errorf("%s: %+v", body, p)
		}
	}
	for _, path := range []string{"/v1/customers/-x", "/v1/customers/" + strings.Repeat("x", 65), "/v1/customers/a%20b"} {
		w.want(w.call("backend", "PUT", path, readonly), http.StatusUnprocessableEntity).problem(t)
	}
	w.want(w.call("viewer", "GET", "/v1/customers/unknown", ""), http.StatusNotFound).problem(t)
	w.want(w.call("viewer", "GET", "/v2", ""), http.StatusNotFound).problem(t)
}

func TestALinkForAnyoneRequiresAnExpiryButNoAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *hub.Spec) { s.PublisherScope = onboarding.AnyAccount })
	p := w.want(w.call("backend", "PUT", globex, `{"permission_set":"readonly"}`), http.StatusUnprocessableEntity).problem(t)
	if p.Field != "expires_at" {
		t.Errorf("%+v", p)
	}
	v := w.want(w.call("backend", "PUT", globex, `{"permission_set":"readonly","expires_at":"2031-01-01T00:00:00Z"}`), http.StatusCreated).customer(t)
	if v.State != Waiting || v.LaunchURL == "" || v.AccountID != "" {
		t.Errorf("got %+v", v)
	}
}

func TestAListHasPagesAndFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		set := map[bool]string{true: "more", false: "readonly"}[id == "d"]
		w.want(w.call("backend", "PUT", "/v1/customers/"+id, `{"permission_set":"`+set+`","account_id":"222222222222"}`), http.StatusCreated)
	}
	w.want(w.call("backend", "DELETE", "/v1/customers/b", ""), http.StatusOK)
	pages := func(path string) (ids string) {
		for path != "" {
			var list CustomerList
			a := w.want(w.call("viewer", "GET", path, ""), http.StatusOK)
			a.into(t, &list)
			for _, v := range list.Customers {
				ids += v.CustomerID
			}
			ids += "|"
			path, _, _ = strings.Cut(strings.TrimPrefix(a.header.Get("Link"), "<"), ">")
			if (path == "") != (list.Next == "") {
				t.Errorf("Link %q, next %q", path, list.Next)
			}
		}
		return ids
	}
	for path, want := range map[string]string{
		"?limit=2": "ab|cd|e|", "": "abcde|", "?state=closed": "b|", "?permission_set=more": "d|", "?limit=2&state=waiting": "ac|de|", "?after=c": "de|",
	} {
		if got := pages("/v1/customers" + path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	for _, bad := range []string{"?limit=0", "?limit=501", "?state=fine", "?page=2"} {
		w.want(w.call("viewer", "GET", "/v1/customers"+bad, ""), http.StatusUnprocessableEntity)
	}
}

func TestACustomerConnectsAndIsVerifiedBlockedAndUnblocked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.box.Clock().SetRate(20)
	w.listen()
	link := w.want(w.call("backend", "PUT", globex, readonly), http.StatusCreated).customer(t)
	stream := w.follow("viewer", globex+"/events", "")
	if first := stream.next(); first.State != Waiting {
		t.Fatalf("the stream begins with %+v", first)
	}
	stack, err := w.box.LaunchURL(t.Context(), link.LaunchURL, "222222222222", sandbox.LaunchOptions{})
	w.must(err)
	if done, err := w.box.WaitStack(t.Context(), stack); err != nil || done.Status != "CREATE_COMPLETE" {
		t.Fatalf("the stack is %s: %s, %v\n%s", done.Status, done.StatusReason, err, w.log)
	}
	connected := stream.until(Connected)
	if len(connected.Roles) != 1 || connected.Roles[0].RoleARN != "arn:aws:iam::222222222222:role/acme-globex" || connected.Roles[0].Status != "active" {
		t.Errorf("got %+v", connected)
	}
	var verified Verification
	w.want(w.call("operator", "POST", globex+"/verify", ""), http.StatusOK).into(t, &verified)
	if len(verified.Roles) != 1 || verified.Roles[0].Verdict != "works" {
		t.Errorf("got %+v", verified)
	}
	if v := w.want(w.call("operator", "POST", globex+"/block", `{"reason":"ticket 4711"}`), http.StatusOK).customer(t); v.State != Blocked || v.BlockedReason != "ticket 4711" {
		t.Errorf("got %+v", v)
	}
	if v := w.want(w.call("operator", "POST", globex+"/unblock", ""), http.StatusOK).customer(t); v.State != Connected || v.BlockedAt != nil {
		t.Errorf("got %+v", v)
	}
	w.want(w.call("backend", "DELETE", globex, ""), http.StatusOK)
	if v := w.want(w.call("viewer", "GET", globex, ""), http.StatusOK).customer(t); v.State != Connected || v.LinkStatus != "closed" {
		t.Errorf("a live stack stays connected: %+v", v)
	}
}

func TestAFailedStackIsShownWithItsReason(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.box.Clock().SetRate(20)
	w.listen()
	link := w.want(w.call("backend", "PUT", globex, readonly), http.StatusCreated).customer(t)
	w.want(w.call("operator", "POST", globex+"/block", `{}`), http.StatusOK)
	stack, err := w.box.LaunchURL(t.Context(), link.LaunchURL, "222222222222", sandbox.LaunchOptions{})
	w.must(err)
	if done, err := w.box.WaitStack(t.Context(), stack); err != nil || done.Status != "ROLLBACK_COMPLETE" {
		t.Fatalf("the stack is %s, %v", done.Status, err)
	}
	w.want(w.call("operator", "POST", globex+"/unblock", ""), http.StatusOK)
	limit := time.Now().Add(20 * time.Second)
	for {
		v := w.want(w.call("viewer", "GET", globex, ""), http.StatusOK).customer(t)
		if v.State == Failed {
			if !strings.Contains(v.Reason, "Acme accepts no new connections") {
				t.Errorf("reason %q", v.Reason)
			}
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("got %+v", v)
		}
	}
}

func TestAnIssuedLinksAccountMayPublish(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.want(w.call("backend", "PUT", globex, readonly), http.StatusCreated)
	shard, err := w.hub.Registry().Shard(t.Context(), "SHARD#0")
	w.must(err)
	id, _ := account.ParseID("222222222222")
	if _, there := shard.Accounts[id]; !there || shard.Written != shard.Sequence {
		t.Errorf("the list of publishers has %v", shard.Accounts)
	}
}
