// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/snscert"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// Registrar is a registrar that runs as if in its own process: it has its own clients
// and network connection, and it can be killed.
type Registrar struct {
	world  *World
	wire   *wire
	cancel context.CancelFunc
	ended  chan struct{}
	once   sync.Once
}

// RegistrarOption changes how a registrar runs.
type RegistrarOption func(*wire)

// DiesAt returns an option that kills the registrar if cut returns true, which is
// called before and after the n-th call of handling messages. The receive is the
// first call.
func DiesAt(cut func(n int, after bool) bool) RegistrarOption { return func(w *wire) { w.cut = cut } }

// Replies returns an option that answers the exchanges for which the function returns
// a reply.
func Replies(reply func(Exchange) *http.Response) RegistrarOption {
	return func(w *wire) { w.reply = reply }
}

var started atomic.Int64

// Registrar starts a registrar, which runs until it is stopped or the test ends.
func (w *World) Registrar(options ...RegistrarOption) *Registrar {
	w.T.Helper()
	line, err := newWire(w.URL(), nil)
	w.Must(err)
	r := &Registrar{world: w, wire: line, ended: make(chan struct{})}
	clients := w.ClientsOf(sandbox.VendorAccount, line.url)
	line.mu.Lock()
	line.n, line.exchanges = 0, nil // earlier calls are not part of handling a message
	line.mu.Unlock()
	line.seen = r.follow
	for _, change := range options {
		change(line)
	}
	root, err := w.SigningCA()
	w.Must(err)
	verifier, err := snscert.New(snscert.Config{Endpoint: line.url, Bundle: root, Clock: w.Now})
	w.Must(err)
	running, err := registrar.Open(clients, registry.New(clients.DynamoDB(), w.Record.Name, w.Now), w.Record, registrar.Config{
		Clock: w.Now, Logger: w.log.logger(strconv.FormatInt(started.Add(1), 10)), Verifier: verifier,
	})
	w.Must(err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.T.Context()))
	r.cancel = cancel
	line.killed = func() {
		cancel()
		w.pace.died(r)
	}
	go func() {
		defer close(r.ended)
		if err := running.Run(ctx); err != nil {
			w.T.Errorf("the registrar ended: %v", err)
		}
	}()
	w.T.Cleanup(r.Stop)
	return r
}

// Stop stops the registrar as SIGTERM does, and waits for its end.
func (r *Registrar) Stop() {
	r.once.Do(func() {
		r.cancel()
		<-r.ended
		r.wire.close()
		r.world.pace.died(r)
	})
}

// Kill acts like SIGKILL: after it, the registrar can't reach the network. Its
// current work fails.
func (r *Registrar) Kill() { r.wire.kill() }

// Died returns a channel that is closed once the registrar was killed.
func (r *Registrar) Died() <-chan struct{} { return r.wire.died }

// Done returns a channel that is closed when the registrar has completed a message
// without being killed.
func (r *Registrar) Done() <-chan struct{} { return r.wire.done }

// Sent returns everything that the registrar has sent so far.
func (r *Registrar) Sent() []Exchange { return r.wire.sent() }

// follow records in the pace which messages the registrar is handling.
func (r *Registrar) follow(e Exchange) {
	var in struct {
		ReceiptHandle     string
		VisibilityTimeout int
		Entries           []struct{ ReceiptHandle string }
	}
	pace := r.world.pace
	switch e.Action {
	case "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:DeleteMessageBatch", "sqs:ChangeMessageVisibility":
		if err := json.Unmarshal(e.Body, &in); err != nil {
			r.world.T.Errorf("a registrar sent invalid JSON: %v", err)
		}
	default:
		return
	}
	switch {
	case e.Action == "sqs:ReceiveMessage":
		for _, m := range received(e) {
			pace.received(r, m.MessageID, m.ReceiptHandle, time.Duration(in.VisibilityTimeout)*time.Second)
		}
	case e.Action == "sqs:DeleteMessageBatch":
		for _, m := range in.Entries {
			if e.Status == http.StatusOK {
				pace.deleted(m.ReceiptHandle)
			} else {
				pace.left(m.ReceiptHandle)
			}
		}
	case e.Status != http.StatusOK:
		pace.left(in.ReceiptHandle)
	case e.Action == "sqs:DeleteMessage":
		pace.deleted(in.ReceiptHandle)
	default:
		pace.returned(in.ReceiptHandle, time.Duration(in.VisibilityTimeout)*time.Second)
	}
}

// receivedMessage is one message that a receive returned.
type receivedMessage struct {
	MessageID     string `json:"MessageId"`
	ReceiptHandle string
	Body          string
}

func received(e Exchange) []receivedMessage {
	var out struct{ Messages []receivedMessage }
	if e.Action != "sqs:ReceiveMessage" || json.Unmarshal(e.Answer, &out) != nil {
		return nil
	}
	return out.Messages
}

// Quiet waits until the queue is empty: the handling of every message is complete.
func (w *World) Quiet() {
	w.T.Helper()
	w.queueHas(func(messages int) bool { return messages == 0 })
}

// queueHas waits until wanted returns true for the number of messages in the queue,
// including received ones.
func (w *World) queueHas(wanted func(messages int) bool) {
	w.T.Helper()
	ctx, cancel := w.untilStuck()
	defer cancel()
	for {
		changed := w.pace.next()
		n, err := w.waiting(ctx, w.Record.QueueURL)
		w.Must(err)
		if wanted(n) {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			w.T.Fatalf("%d messages are in the queue\n%s", n, w.log)
		}
	}
}

// DeadLetters returns the number of messages in the dead-letter queue.
func (w *World) DeadLetters() int {
	w.T.Helper()
	n, err := w.waiting(w.T.Context(), w.Record.DeadLetterQueueURL)
	w.Must(err)
	return n
}

func (w *World) waiting(ctx context.Context, queue string) (int, error) {
	return trial.Messages(ctx, w.Clients.SQS(w.Record.Region), queue)
}
