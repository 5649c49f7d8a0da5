// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"net/http"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb"
)

// RewindTable restores the items that a DynamoDB table had at a time of the
// sandbox's clock, as a point-in-time restore does.
func (s *Sandbox) RewindTable(account, region, name string, to time.Time) error {
	return s.services["dynamodb"].(*dynamodb.Service).Rewind(account, region, name, to) // addServices creates it
}

// RewindRequest is the body of POST /_sandbox/table/rewind.
type RewindRequest struct {
	Account string    `json:"account"`
	Region  string    `json:"region"`
	Table   string    `json:"table"`
	To      time.Time `json:"to"`
}

func (s *Sandbox) controlRewind(_ http.ResponseWriter, r *http.Request) (any, error) {
	q, err := decode[RewindRequest](r)
	if err != nil {
		return nil, err
	}
	return done{true}, s.RewindTable(q.Account, q.Region, q.Table, q.To)
}

// RewindTable restores the items that a table had at a time.
func (c Client) RewindTable(ctx context.Context, q RewindRequest) error {
	return c.do(ctx, http.MethodPost, "/_sandbox/table/rewind", q, nil)
}
