// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

func (f *fake) registration(t *testing.T, customerID string) onboarding.Registration {
	t.Helper()
	reg, ok := f.regs[customerID+customer]
	if !ok {
		t.Fatalf("nothing is registered for %s", customerID)
	}
	return reg
}

func TestAStackFromCreateToDelete(t *testing.T) {
	f := newFake(t)
	var committed []string
	r := f.registrar(func(c *Config) { c.OnCommit = func(id string) { committed = append(committed, id) } })
	ctx := context.Background()

	if d := r.Handle(ctx, f.request("Create", "s1", "r1", "c1", nil)); d.Action != Done {
		t.Fatalf("Create: %+v", d)
	}
	if got := f.registration(t, "c1"); got.Status != onboarding.Active || got.Role.Name != "acme-c1" {
		t.Errorf("after Create: %+v", got)
	}
	f.now = noon.Add(time.Minute)
	later := func(e, _, p map[string]any) {
		e["Timestamp"] = f.now.Format(time.RFC3339Nano)
		p["TemplateVersion"] = "v2"
	}
	if d := r.Handle(ctx, f.request("Update", "s1", "r2", "c1", later)); d.Action != Done {
		t.Fatalf("Update: %+v", d)
	}
	if got := f.registration(t, "c1"); got.TemplateVersion != "v2" {
		t.Errorf("after Update: %+v", got)
	}
	f.now = noon.Add(2 * time.Minute)
	if d := r.Handle(ctx, f.request("Delete", "s1", "r3", "c1", later)); d.Action != Done {
		t.Fatalf("Delete: %+v", d)
	}
	if got := f.registration(t, "c1"); got.Status != onboarding.Disconnected {
		t.Errorf("after Delete: %+v", got)
	}
	if len(committed) != 3 || len(f.history) != 3 {
		t.Errorf("OnCommit was called %d times and the history has %d entries, want 3 and 3", len(committed), len(f.history))
	}
}

// The registrar dies before and after every single call, another one continues, and the result is
// compared with that of an undisturbed run.
func TestARegistrarMayDieAtAnyCall(t *testing.T) {
	type death struct{}
	requests := map[string]func(*fake) []byte{
		"Create": func(f *fake) []byte { return f.request("Create", "s1", "r1", "c1", nil) },
		"a Create that fails": func(f *fake) []byte {
			return f.request("Create", "s1", "r1", "c1", func(_, _, p map[string]any) { p["ExternalId"] = "unknown" })
		},
		"Delete": func(f *fake) []byte {
			f.registrar().Handle(context.Background(), f.request("Create", "s1", "r0", "c1", nil))
			f.now = noon.Add(time.Minute)
			return f.request("Delete", "s1", "r1", "c1", func(e, _, _ map[string]any) {
				e["Timestamp"] = noon.Add(time.Second).Format(time.RFC3339Nano)
			})
		},
	}
	run := func(f *fake, m Message) (died bool) {
		defer func() {
			if cause := recover(); cause != nil {
				if _, ok := cause.(death); !ok {
					panic(cause)
				}
				died = true
			}
		}()
		r := f.registrar()
		if r.Handle(context.Background(), m.Body).Action == Done {
			_ = f.Delete(context.Background(), m)
		}
		return false
	}
	for name, request := range requests {
		t.Run(name, func(t *testing.T) {
			undisturbed := newFake(t)
			m := Message{ID: "m", Body: request(undisturbed)}
			undisturbed.queue = []Message{m}
			var steps []string
			undisturbed.step = func(step string) { steps = append(steps, step) }
			run(undisturbed, m)
			if len(steps) < 8 || len(undisturbed.queue) != 0 {
				t.Fatalf("the undisturbed run went through %v", steps)
			}
			for i, step := range steps {
				f := newFake(t)
				m := Message{ID: "m", Body: request(f)}
				f.queue = []Message{m}
				count := 0
				f.step = func(string) {
					if count++; count == i+1 {
						panic(death{})
					}
				}
				if !run(f, m) {
					t.Fatalf("%s: no registrar died", step)
				}
				f.step = func(string) {}
				f.now = f.now.Add(30 * time.Second)
				if len(f.queue) > 0 {
					run(f, m)
				}
				if len(f.queue) != 0 {
					t.Errorf("died %s: the message was not deleted", step)
				}
				for _, answer := range f.accepted["r1"] {
					if !reflect.DeepEqual(answer, undisturbed.accepted["r1"][0]) {
						t.Errorf("died %s: answered %+v, want %+v", step, answer, undisturbed.accepted["r1"][0])
					}
				}
				if len(f.accepted["r1"]) == 0 || len(f.history) != len(undisturbed.history) || len(f.regs) != len(undisturbed.regs) {
					t.Errorf("died %s: %d answers, %d entries of history, %d registrations", step, len(f.accepted["r1"]), len(f.history), len(f.regs))
				}
				for key, reg := range undisturbed.regs {
					if got := f.regs[key]; got.Status != reg.Status || got.Stack != reg.Stack || got.Revision != reg.Revision {
						t.Errorf("died %s: registered %+v, want %+v", step, got, reg)
					}
				}
			}
		})
	}
}

func TestForgedRequestsChangeNothing(t *testing.T) {
	f := newFake(t)
	r, ctx := f.registrar(), context.Background()
	r.Handle(ctx, f.request("Create", "s1", "r1", "c1", nil))
	before, entries := f.registration(t, "c1"), len(f.history)

	forged := map[string][]byte{
		"a Create of an invented stack":     forgery("Create", "invented", "f1", "c1", nil),
		"a Delete of the live stack":        forgery("Delete", "s1", "f2", "c1", nil),
		"an Update of the live stack":       forgery("Update", "s1", "f3", "c1", func(_, _, p map[string]any) { p["TemplateVersion"] = "evil" }),
		"a Delete with a timeout of 1 s":    forgery("Delete", "s1", "f4", "c1", func(_, q, _ map[string]any) { q["ServiceTimeout"] = 1 }),
		"a Create for another customer":     forgery("Create", "invented", "f5", "c2", nil),
		"a Delete of an unregistered stack": forgery("Delete", "genuine-later", "f6", "c2", nil),
	}
	for name, body := range forged {
		if d := r.Handle(ctx, body); d.Action != Done {
			t.Errorf("%s: %+v", name, d)
		}
		f.now = f.now.Add(2 * time.Second)
	}
	if got := f.registration(t, "c1"); !reflect.DeepEqual(got, before) || len(f.regs) != 1 || len(f.history) != entries {
		t.Errorf("something changed: %+v, %d registrations", got, len(f.regs))
	}
	if d := r.Handle(ctx, f.request("Create", "genuine-later", "r6", "c2", nil)); d.Action != Done {
		t.Fatalf("the genuine Create: %+v", d)
	}
	if got := f.registration(t, "c2"); got.Status != onboarding.Active {
		t.Errorf("the genuine stack: %+v", got)
	}
}

func TestAForgedCreateDoesNotDelayTheGenuineOne(t *testing.T) {
	f := newFake(t)
	r, ctx := f.registrar(), context.Background()
	// The genuine answer is stored but not committed when the forged request arrives.
	f.bucket = func(phonehome.Response) error { return errNetwork }
	if d := r.Handle(ctx, f.request("Create", "s1", "r1", "c1", nil)); d.Action != Retry {
		t.Fatalf("%+v", d)
	}
	f.bucket = nil
	r.Handle(ctx, forgery("Create", "invented", "f1", "c1", nil))
	r.Handle(ctx, f.request("Create", "s1", "r1", "c1", nil))
	if got := f.registration(t, "c1"); got.Stack.GUID != "s1" {
		t.Errorf("registered %+v", got)
	}
}

func TestForeignMessagesAreDeadLettersWithAReason(t *testing.T) {
	f := newFake(t)
	tests := []struct {
		name, reason string
		body         []byte
	}{
		{"rubbish", "not a phone-home", []byte("{")},
		{"another hub's topic", "not one of hub acme", forgery("Create", "s", "r", "c1", func(e, _, _ map[string]any) {
			e["TopicArn"] = "arn:aws:sns:eu-central-1:" + vendor + ":xacct-other-0"
		})},
		{"a longer name", "not one of hub acme", forgery("Create", "s", "r", "c1", func(e, _, _ map[string]any) {
			e["TopicArn"] = "arn:aws:sns:eu-central-1:" + vendor + ":xacct-acme-x-0"
		})},
		{"a shard that is no number", "not one of hub acme", forgery("Create", "s", "r", "c1", func(e, _, _ map[string]any) {
			e["TopicArn"] = "arn:aws:sns:eu-central-1:" + vendor + ":xacct-acme-01"
		})},
		{"another account's topic", "not one of hub acme", forgery("Create", "s", "r", "c1", func(e, _, _ map[string]any) {
			e["TopicArn"] = "arn:aws:sns:eu-central-1:" + customer + ":xacct-acme-0"
		})},
		{"a forged host", "not one of CloudFormation's", forgery("Create", "s", "r", "c1", func(_, q, _ map[string]any) {
			q["ResponseURL"] = "https://evil.example/?X-Amz-Signature=x"
		})},
		{"an invented Region", "has no topics in eu-invented-1", forgery("Create", "s", "r", "c1", func(e, q, _ map[string]any) {
			e["TopicArn"] = "arn:aws:sns:eu-invented-1:" + vendor + ":xacct-acme-0"
			q["StackId"] = strings.ReplaceAll(q["StackId"].(string), "eu-central-1", "eu-invented-1")
			q["ResponseURL"] = strings.NewReplacer("eu-central-1", "eu-invented-1", "eucentral1", "euinvented1").Replace(q["ResponseURL"].(string))
		})},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := f.registrar().Handle(context.Background(), test.body)
			if d.Action != DeadLetter || !strings.Contains(d.Reason, test.reason) {
				t.Errorf("got %+v, want a dead letter with the reason %q", d, test.reason)
			}
			if len(f.tried) != 0 {
				t.Error("an answer was sent")
			}
		})
	}
}

func TestAMessageIsRequeuedWhileItsRoleCannotBeProven(t *testing.T) {
	f := newFake(t)
	f.role = func(onboarding.Probe) onboarding.Proof { return onboarding.Proof{Outcome: onboarding.Refused} }
	r, ctx := f.registrar(), context.Background()
	body := f.request("Create", "s1", "r1", "c1", nil)
	d := r.Handle(ctx, body)
	if d.Action != Retry || d.After < 5*time.Second || d.After > 20*time.Second {
		t.Errorf("at once: %+v", d)
	}
	if len(f.answers) != 0 || len(f.tried) != 0 {
		t.Error("something was answered")
	}
	f.now = noon.Add(2 * time.Minute)
	if d := r.Handle(ctx, body); d.Action != Done || f.accepted["r1"][0].Status != phonehome.Failed {
		t.Errorf("two minutes later: %+v", d)
	}
}

func TestAStoredAnswerWinsOverANewDecision(t *testing.T) {
	f := newFake(t)
	r, ctx := f.registrar(), context.Background()
	f.bucket = func(phonehome.Response) error { return errNetwork }
	body := f.request("Create", "s1", "r1", "c1", nil)
	r.Handle(ctx, body) // SUCCESS is stored, but not delivered
	f.bucket = nil
	f.role = func(onboarding.Probe) onboarding.Proof { return onboarding.Proof{Outcome: onboarding.Refused} }
	f.now = noon.Add(14*time.Minute + 30*time.Second) // in the last minute
	if d := r.Handle(ctx, body); d.Action != Done || f.accepted["r1"][0].Status != phonehome.Success {
		t.Errorf("%+v, answered %+v", d, f.accepted["r1"])
	}
}

func TestADeleteDuringTheProofFailsTheCreate(t *testing.T) {
	f := newFake(t)
	r, ctx := f.registrar(), context.Background()
	f.role = func(onboarding.Probe) onboarding.Proof { // meanwhile another resource of the stack fails
		d := f.registrar().Handle(ctx, f.request("Delete", "s1", "r2", "c1", func(e, q, _ map[string]any) {
			e["Timestamp"] = noon.Add(time.Second).Format(time.RFC3339Nano)
			q["PhysicalResourceId"] = "acme-access-PhoneHome-1MADEBYCFN"
		}))
		if d.Action != Done {
			t.Errorf("the Delete: %+v", d)
		}
		return onboarding.Proof{Outcome: onboarding.Proven}
	}
	d := r.Handle(ctx, f.request("Create", "s1", "r1", "c1", nil))
	if d.Action != Done || f.accepted["r1"][0].Status != phonehome.Failed || len(f.regs) != 0 {
		t.Errorf("%+v, answered %+v, %d registrations", d, f.accepted["r1"], len(f.regs))
	}
}

func TestWithoutTheRegistryUrgentRequestsAreAnsweredAndAllMessagesKept(t *testing.T) {
	f := newFake(t)
	r, ctx := f.registrar(), context.Background()
	r.Handle(ctx, f.request("Create", "s1", "r1", "c1", nil))
	f.down = errors.New("dynamodb is unavailable")
	gone := f.request("Delete", "s1", "r2", "c1", func(e, _, _ map[string]any) {
		e["Timestamp"] = noon.Add(time.Second).Format(time.RFC3339Nano)
	})
	if d := r.Handle(ctx, gone); d.Action != Retry || f.accepted["r2"][0].Status != phonehome.Success {
		t.Errorf("Delete: %+v, %+v", d, f.accepted["r2"])
	}
	create := f.request("Create", "s2", "r3", "c2", nil)
	if d := r.Handle(ctx, create); d.Action != Retry || len(f.accepted["r3"]) != 0 {
		t.Errorf("a Create in time: %+v, %+v", d, f.accepted["r3"])
	}
	f.now = noon.Add(14*time.Minute + time.Second)
	if d := r.Handle(ctx, create); d.Action != Retry || f.accepted["r3"][0].Status != phonehome.Failed {
		t.Errorf("a Create in the last minute: %+v, %+v", d, f.accepted["r3"])
	}
	f.down = nil
	if d := r.Handle(ctx, gone); d.Action != Done || f.registration(t, "c1").Status != onboarding.Disconnected {
		t.Errorf("when it is available again: %+v, %+v", d, f.registration(t, "c1"))
	}
}

func TestAnUndeliveredAnswerIsSettledByAProofAfterTheURLHasExpired(t *testing.T) {
	for _, role := range []onboarding.ProofOutcome{onboarding.Proven, onboarding.Refused} {
		t.Run(string(role), func(t *testing.T) {
			f := newFake(t)
			r, ctx := f.registrar(), context.Background()
			f.bucket = func(phonehome.Response) error { return errNetwork }
			body := f.request("Create", "s1", "r1", "c1", nil)
			r.Handle(ctx, body)
			f.bucket = func(phonehome.Response) error { return refusalOf(403, s3Says("AccessDenied", "Request has expired")) }
			f.now = noon.Add(3 * time.Hour)
			f.role = func(onboarding.Probe) onboarding.Proof { return onboarding.Proof{Outcome: role} }
			if d := r.Handle(ctx, body); d.Action != Done {
				t.Fatalf("%+v", d)
			}
			if got := len(f.regs) == 1; got != (role == onboarding.Proven) {
				t.Errorf("registered: %v", got)
			}
		})
	}
}

func TestACustomerHasOneProofAtATime(t *testing.T) {
	f := newFake(t)
	r, ctx := f.registrar(), context.Background()
	f.role = func(p onboarding.Probe) onboarding.Proof {
		if p.CustomerID == "c1" {
			if d := r.Handle(ctx, f.request("Create", "s2", "r2", "c1", nil)); d.Action != Retry {
				t.Errorf("another of the same customer: %+v", d)
			}
			if d := r.Handle(ctx, f.request("Create", "s3", "r3", "c2", nil)); d.Action != Done {
				t.Errorf("another customer: %+v", d)
			}
		}
		return onboarding.Proof{Outcome: onboarding.Proven}
	}
	if d := r.Handle(ctx, f.request("Create", "s1", "r1", "c1", nil)); d.Action != Done {
		t.Errorf("%+v", d)
	}
	f.role = func(onboarding.Probe) onboarding.Proof { return onboarding.Proof{Outcome: onboarding.Proven} }
	if d := r.Handle(ctx, f.request("Create", "s2", "r2", "c1", nil)); d.Action != Done {
		t.Errorf("afterwards: %+v", d)
	}
}

func TestTheLogHasTheOutcomeOvertaken(t *testing.T) {
	f := newFake(t)
	var log strings.Builder
	r, ctx := f.registrar(func(c *Config) { c.Logger = testLogger(&log) }), context.Background()
	create := f.request("Create", "s1", "r1", "c1", nil)
	f.step = func(what string) {
		if what == "before respond" {
			f.step = func(string) {}
			r.Handle(ctx, f.request("Delete", "s1", "r2", "c1", nil))
		}
	}
	if d := r.Handle(ctx, create); d.Action != Done {
		t.Fatalf("%+v", d)
	}
	if _, registered := f.regs["c1"+customer]; registered {
		t.Fatal("a deleted stack was registered")
	}
	if !strings.Contains(log.String(), "outcome=overtaken answer=SUCCESS decided=registered") || strings.Contains(log.String(), "outcome=registered") {
		t.Errorf("logged: %s", log.String())
	}
}

func TestTheLogHasNoSignature(t *testing.T) {
	f := newFake(t)
	var log strings.Builder
	r, ctx := f.registrar(func(c *Config) { c.Logger = testLogger(&log) }), context.Background()
	r.Handle(ctx, f.request("Create", "s1", "r1", "c1", nil))
	r.Handle(ctx, forgery("Delete", "s1", "f1", "c1", nil))
	f.bucket = func(phonehome.Response) error { return errNetwork }
	r.Handle(ctx, f.request("Create", "s2", "r2", "c2", nil))
	f.down = errors.New("dynamodb is unavailable")
	r.Handle(ctx, f.request("Delete", "s2", "r3", "c2", nil))
	r.Handle(ctx, []byte(strings.Replace(string(forgery("Create", "s", "r", "c1", nil)), "eucentral1.s3", "evil.s3", 1)))
	if strings.Contains(log.String(), "c0ffee") || strings.Count(log.String(), "\n") < 5 {
		t.Errorf("logged: %s", log.String())
	}
	for _, field := range []string{"customer=c1", "account=" + customer, "stack=arn", "request=r1", "outcome=registered"} {
		if !strings.Contains(log.String(), field) {
			t.Errorf("no %s in: %s", field, log.String())
		}
	}
}

// The link is closed between one registrar's decision and its write, and another registrar handles
// the same message at that moment.
func TestTwoRegistrarsSendTheAnswerThatWasStoredFirst(t *testing.T) {
	for _, test := range []struct {
		name, at string // the step at which the other registrar handles the message
		want     phonehome.Status
		receives int
	}{
		{"the other stores first", "before store", phonehome.Failed, 2},
		{"this one stores first", "after store", phonehome.Success, 2},
		{"the other handles it after the answer", "after respond", phonehome.Success, 2},
		{"the other handles it after the commit", "after commit", phonehome.Success, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			one, other := f.registrar(), f.registrar()
			body := f.request("Create", "s1", "r1", "c1", nil)
			f.step = func(step string) {
				if step != test.at {
					return
				}
				f.step = func(string) {}
				link := f.links["c1"]
				link.Closed, link.ClosedAt = true, f.now
				f.links["c1"] = link
				if d := other.Handle(t.Context(), body); d.Action != Done {
					t.Errorf("the other: %+v", d)
				}
			}
			if d := one.Handle(t.Context(), body); d.Action != Done {
				t.Errorf("this one: %+v", d)
			}
			for _, answer := range f.accepted["r1"] {
				if !reflect.DeepEqual(answer, f.accepted["r1"][0]) {
					t.Errorf("two answers: %+v and %+v", answer, f.accepted["r1"][0])
				}
			}
			if len(f.accepted["r1"]) != test.receives || f.accepted["r1"][0].Status != test.want {
				t.Errorf("answered %+v, want %s %d times", f.accepted["r1"], test.want, test.receives)
			}
			if registered := len(f.regs) == 1; registered != (test.want == phonehome.Success) || len(f.history) != 1 {
				t.Errorf("registered: %t, %d lines of history", registered, len(f.history))
			}
		})
	}
}
