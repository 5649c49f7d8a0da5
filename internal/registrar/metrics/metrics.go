// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package metrics serves the state of a running registrar: metrics for Prometheus at
// /metrics, and at /healthz whether it works, and if not, what is wrong.
//
// It only observes. Neither metrics nor health contain data of customers, so that the
// number of series does not grow with them, and readers learn no names.
package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/xacct/terraform-provider-xacct/internal/events"
	"github.com/xacct/terraform-provider-xacct/internal/health"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
)

// Config is the configuration of a Monitor.
type Config struct {
	Hub     string
	Version string
	// Registry returns an error if the registry is unavailable.
	Registry func(context.Context) error
	Clock    func() time.Time
	// NoRegistrar is set if the process has no registrar, so that no receives are
	// expected.
	NoRegistrar bool
}

// Monitor observes one registrar: it implements registrar.Observer. It is safe for
// concurrent use.
type Monitor struct {
	config   Config
	started  time.Time
	registry *prometheus.Registry

	received    prometheus.Counter
	decided     *prometheus.CounterVec
	answered    *prometheus.CounterVec
	refused     *prometheus.CounterVec
	proved      *prometheus.CounterVec
	rounds      *prometheus.CounterVec
	retried     prometheus.Counter
	deadLetters prometheus.Counter
	webhooks    *prometheus.CounterVec
	took        *prometheus.HistogramVec

	mu          sync.Mutex
	lastReceive time.Time
	waiting     map[string]waiting // by message ID
	checked     time.Time          // when the registry was last checked
	found       error              // the result of that check
	inARow      int                // customers whose answers were refused since the last accepted one
	rolesInARow int                // customers whose roles were refused since one was last assumed
}

// waiting is a message that was received and is not done.
type waiting struct {
	sentAt  time.Time
	expires time.Time // if the message is not received again until then, another registrar has finished it
}

// New returns a Monitor.
func New(config Config) *Monitor {
	m := &Monitor{
		config: config, started: config.Clock(), registry: prometheus.NewRegistry(), waiting: map[string]waiting{},
		received: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "xacct_messages_received_total", Help: "Messages received from the hub's queue; a message that is received twice counts twice.",
		}),
		decided: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "xacct_requests_decided_total", Help: "Requests whose answer was decided and stored, by request type and outcome.",
		}, []string{"type", "outcome"}),
		answered: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "xacct_answers_total", Help: "Answers that CloudFormation has accepted, by request type and status.",
		}, []string{"type", "status"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "xacct_answers_refused_total", Help: "Answers that CloudFormation's buckets have refused, by request type and reason: forged, expired or undecided.",
		}, []string{"type", "why"}),
		proved: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "xacct_proofs_total", Help: "Proofs of the roles of stacks that phone home, by outcome: proven, refused, open, inconclusive (AWS's response does not show it), or not_permitted (the vendor lacks a permission).",
		}, []string{"outcome"}),
		rounds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "xacct_verifications_total", Help: "Registered roles that a round has proven again, by verdict: works, broken, unknown, withheld or moved.",
		}, []string{"verdict"}),
		retried: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "xacct_messages_retried_total", Help: "Messages that were returned to the queue to be handled again later.",
		}),
		deadLetters: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "xacct_messages_dead_total", Help: "Messages that were sent to the dead-letter queue.",
		}),
		webhooks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "xacct_webhook_deliveries_total", Help: "Attempts to deliver an event to the hub's webhook, by result: sent, failed (tried again) or given_up (after three days).",
		}, []string{"result"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "xacct_answer_seconds", Help: "Time from the request's acceptance by SNS to the answer's acceptance by CloudFormation, by request type.",
			// A Create waits for IAM's propagation delay; an hour is the longest
			// timeout.
			Buckets: []float64{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600},
		}, []string{"type"}),
	}
	labels := prometheus.Labels{"hub": config.Hub}
	prometheus.WrapRegistererWith(labels, m.registry).MustRegister(
		m.received, m.decided, m.answered, m.refused, m.proved, m.rounds, m.retried, m.deadLetters, m.webhooks, m.took,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "xacct_oldest_message_age_seconds", Help: "Age of the oldest message that this registrar has received and that is not known to be finished.",
		}, func() float64 { return m.oldest().Seconds() }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "xacct_refused_in_a_row_customers", Help: "Customers whose answers were refused for an undecided reason since the last accepted answer; alert on 3 or more.",
		}, func() float64 { return float64(m.refusedInARow()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "xacct_roles_refused_in_a_row_customers", Help: "Customers whose stacks failed because their roles were refused, since a role was last assumed; with 3 or more, the vendor may lack a permission.",
		}, func() float64 { return float64(m.rolesRefusedInARow()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "xacct_last_receive_timestamp_seconds", Help: "Time of the last successful receive from the queue.",
		}, func() float64 { return seconds(m.receivedAt()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "xacct_build_info", Help: "Always 1.", ConstLabels: prometheus.Labels{"version": config.Version},
		}, func() float64 { return 1 }),
	)
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Registerer registers further metrics of the same process, which /metrics serves
// too.
func (m *Monitor) Registerer() prometheus.Registerer { return m.registry }

// maxWaiting limits the number of messages that are remembered in a flood. The
// oldest messages are remembered in any case, because they were received first.
const maxWaiting = 10_000

// visibilitySlack is how much later than expected a message may be received again.
const visibilitySlack = 5 * time.Minute

// Webhook counts an attempt to deliver an event to the hub's webhook.
func (m *Monitor) Webhook(result events.WebhookDelivery) {
	m.webhooks.WithLabelValues(string(result)).Inc()
}

// Received counts the messages of a receive, and remembers when they were sent.
func (m *Monitor) Received(batch []registrar.Message) {
	m.received.Add(float64(len(batch)))
	now := m.config.Clock()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lastReceive = now
	for _, message := range batch {
		if !message.SentAt.IsZero() && len(m.waiting) < maxWaiting {
			m.waiting[message.ID] = waiting{message.SentAt, now.Add(visibilitySlack)}
		}
	}
}

// Decided counts a decision.
func (m *Monitor) Decided(r phonehome.Request, outcome onboarding.Outcome) {
	m.decided.WithLabelValues(string(r.Type), string(outcome)).Inc()
}

// Answered counts an accepted answer, and observes how long it took.
func (m *Monitor) Answered(r phonehome.Request, status phonehome.Status, at time.Time) {
	m.answered.WithLabelValues(string(r.Type), string(status)).Inc()
	m.took.WithLabelValues(string(r.Type)).Observe(max(0, at.Sub(r.SentAt).Seconds()))
}

// Refused counts a refused answer.
func (m *Monitor) Refused(r phonehome.Request, why onboarding.Delivery) {
	m.refused.WithLabelValues(string(r.Type), string(why)).Inc()
}

// RefusedInARow sets the number of customers in a row whose answers were refused.
func (m *Monitor) RefusedInARow(customers int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inARow = customers
}

func (m *Monitor) refusedInARow() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.inARow
}

// Proved counts a proof.
func (m *Monitor) Proved(proof onboarding.Proof) {
	outcome := string(proof.Outcome)
	if proof.MissingPermission != "" {
		outcome = string(onboarding.OutcomeNotPermitted)
	}
	m.proved.WithLabelValues(outcome).Inc()
}

// Verified counts the verdict of a health round on one role.
func (m *Monitor) Verified(f health.Finding) { m.rounds.WithLabelValues(string(f.Verdict)).Inc() }

// RolesRefusedInARow sets the number of customers in a row whose roles were refused.
func (m *Monitor) RolesRefusedInARow(customers int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rolesInARow = customers
}

func (m *Monitor) rolesRefusedInARow() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rolesInARow
}

// Finished counts a message by its disposition.
func (m *Monitor) Finished(message registrar.Message, d registrar.Disposition) {
	switch d.Action {
	case registrar.Retry:
		m.retried.Inc()
	case registrar.DeadLetter:
		m.deadLetters.Inc()
	case registrar.Done:
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	w, known := m.waiting[message.ID]
	if d.Action != registrar.Retry || !known {
		delete(m.waiting, message.ID)
		return
	}
	w.expires = m.config.Clock().Add(d.After + visibilitySlack)
	m.waiting[message.ID] = w
}

// Oldest returns when the oldest unfinished message was sent; zero: there is none.
func (m *Monitor) Oldest() time.Time {
	now := m.config.Clock()
	m.mu.Lock()
	defer m.mu.Unlock()
	var oldest time.Time
	for id, w := range m.waiting {
		if now.After(w.expires) {
			delete(m.waiting, id)
			continue
		}
		if oldest.IsZero() || w.sentAt.Before(oldest) {
			oldest = w.sentAt
		}
	}
	return oldest
}

// oldest returns the age of the oldest unfinished message; 0: there is none.
func (m *Monitor) oldest() time.Duration {
	sent := m.Oldest()
	if sent.IsZero() {
		return 0
	}
	return max(0, m.config.Clock().Sub(sent))
}

func (m *Monitor) receivedAt() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lastReceive
}

// seconds returns a time as a Unix timestamp in seconds; 0 for the zero time.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
