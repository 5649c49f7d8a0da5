// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package metrics

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/xacct/terraform-provider-xacct/internal/registrar"
)

const (
	// receiveTimeout is the time without a successful receive after which the registrar
	// counts as unhealthy: a long poll of an empty queue takes 20 seconds, and a
	// failing one is repeated within 30 seconds.
	receiveTimeout = 2 * time.Minute

	// checkInterval is the shortest interval between checks of the registry, however
	// often /healthz is requested.
	checkInterval = 10 * time.Second
	checkTimeout  = 3 * time.Second
)

// Health is the response of /healthz.
type Health struct {
	Status      string     `json:"status"` // "ok" or "trouble"
	Hub         string     `json:"hub"`
	Version     string     `json:"version"`
	Problems    []string   `json:"problems,omitempty"`
	LastReceive *time.Time `json:"last_receive,omitempty"` // when receiving from the queue last worked
	Oldest      float64    `json:"oldest_message_age_seconds"`
}

// Health returns the state of the registrar, with the problems found. It checks the
// registry at most every ten seconds.
func (m *Monitor) Health(ctx context.Context) Health {
	h := Health{Status: "ok", Hub: m.config.Hub, Version: m.config.Version, Oldest: m.oldest().Seconds()}
	now, last := m.config.Clock(), m.receivedAt()
	switch {
	case m.config.NoRegistrar:
	case last.IsZero() && now.Sub(m.started) > receiveTimeout:
		h.Problems = append(h.Problems, fmt.Sprintf("receiving from the queue has not worked once since the start at %s", m.started.UTC().Format(time.RFC3339)))
	case !last.IsZero():
		h.LastReceive = &last
		if now.Sub(last) > receiveTimeout {
			h.Problems = append(h.Problems, fmt.Sprintf("receiving from the queue has not worked since %s", last.UTC().Format(time.RFC3339)))
		}
	}
	if n := m.refusedInARow(); n >= registrar.Suspicious {
		h.Problems = append(h.Problems, fmt.Sprintf("CloudFormation's buckets have refused the answers to %d customers in a row: check the network path to S3, such as the policy of a VPC endpoint or a proxy", n))
	}
	if err := m.checkRegistry(ctx); err != nil {
		h.Problems = append(h.Problems, "the registry cannot be reached: "+err.Error())
	}
	if len(h.Problems) > 0 {
		h.Status = "trouble"
	}
	return h
}

// checkRegistry returns the result of the last check of the registry, or checks it
// again.
func (m *Monitor) checkRegistry(ctx context.Context) error {
	now := m.config.Clock()
	m.mu.Lock()
	if !m.checked.IsZero() && now.Sub(m.checked) < checkInterval {
		defer m.mu.Unlock()
		return m.found
	}
	m.checked = now
	m.mu.Unlock()
	// The check is finished even if the client disconnects: later requests use its
	// result.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
	defer cancel()
	err := m.config.Registry(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.found = err
	return err
}

// Handler returns the handler that serves /metrics and /healthz. The latter has
// status 503 if there are problems.
func (m *Monitor) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		health := m.Health(r.Context())
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if len(health.Problems) > 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(health) // a client that has disconnected needs no response
	})
	return mux
}
