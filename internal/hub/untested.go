// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// untestedNote marks the hub's record as untested before the queue, a topic or a
// subscription is changed. If the apply is interrupted between a change and its
// self-test, the next apply tests every topic. A nil note writes nothing.
type untestedNote struct {
	*Manager
	mu     sync.Mutex
	record registry.HubRecord // as last written
}

// write must be called before each change; it writes the mark once. A hub that is not
// ready needs no mark, because all its topics are tested anyway.
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
