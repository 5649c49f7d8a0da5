// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// untestedNote records in a hub's record that it is not known whether messages
// arrive, before the queue, a topic or a subscription changes. So an apply that
// ends between a change and its self-test leaves word: the next one tests every
// topic. A nil note writes nothing.
type untestedNote struct {
	*Manager
	mu     sync.Mutex
	record registry.HubRecord // as it is written
}

// write is called before each change, and writes once. A hub that is not ready
// needs no note: all its topics are tested anyway.
func (n *untestedNote) write(ctx context.Context) error {
	if n == nil {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.record.Untested || n.record.State != registry.HubReady {
		return nil
	}
	noted := n.record
	noted.Untested = true
	noted, err := n.registry.UpdateHub(ctx, noted)
	if err != nil {
		return n.explainRegistry(err)
	}
	n.record = noted
	return nil
}
