// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ConnectPartitions returns the patterns of the partitions that hold tokens of the
// connect page. Only the onboarding API reads and writes them.
func ConnectPartitions() []string { return []string{connectPrefix + "*"} }

const connectPrefix = "CONNECT#"

// connectKey returns where a token is: under its hash, so that a copy of the table opens
// no page. connectEpochKey is of a customer; no hash has a colon.
func connectKey(hash string) key { return key{connectPrefix + hash, "TOKEN"} }

func connectEpochKey(customer string) key { return key{connectPrefix + "OF:" + customer, "EPOCH"} }

// ErrNoToken indicates that there is no such token of the connect page.
var ErrNoToken = errors.New("there is no such token")

// ConnectToken lets the one who has it see the connect page of one customer. It is
// exchanged once, for a session of a browser.
type ConnectToken struct {
	Hash       string // of the token
	CustomerID string
	Link       string // the incarnation of the link
	Epoch      int64  // of the customer: revoking begins another
	ReturnURL  string `json:",omitempty"`
	ExpiresAt  time.Time
	Session    string    `json:",omitempty"` // hash of the session's secret; empty: it was not exchanged
	SessionEnd time.Time `json:",omitzero"`
	Revision   int64     `json:"-"`
}

// PutConnectToken writes a token over the revision that it was read with.
func (r *Registry) PutConnectToken(ctx context.Context, token ConnectToken) error {
	k, before := connectKey(token.Hash), token.Revision
	token.Revision++
	written, err := encode(k, token)
	if err != nil {
		return err
	}
	written["revision"] = number(token.Revision)
	end := token.ExpiresAt
	if token.SessionEnd.After(end) {
		end = token.SessionEnd
	}
	written["expires"] = moment(end.Add(24 * time.Hour))
	if err := r.put(ctx, k, written, before); err != nil {
		return fmt.Errorf("write a token of customer %s: %w", token.CustomerID, err)
	}
	return nil
}

// ConnectToken returns the token of a hash; ErrNoToken if there is none.
func (r *Registry) ConnectToken(ctx context.Context, hash string) (ConnectToken, error) {
	found, err := r.get(ctx, connectKey(hash))
	if err != nil || found == nil {
		if err == nil {
			err = ErrNoToken
		}
		return ConnectToken{}, err
	}
	token, err := decode[ConnectToken](r, connectKey(hash), found)
	token.Revision = numberOf(found, "revision")
	return token, err
}

// ConnectEpoch returns the epoch of a customer's tokens: those of others were
// revoked.
func (r *Registry) ConnectEpoch(ctx context.Context, customer string) (int64, error) {
	found, err := r.get(ctx, connectEpochKey(customer))
	if err != nil {
		return 0, err
	}
	return numberOf(found, "revision"), nil
}

// RevokeConnectTokens ends all tokens and sessions of a customer.
func (r *Registry) RevokeConnectTokens(ctx context.Context, customer string) error {
	epoch, err := r.ConnectEpoch(ctx, customer)
	if err != nil {
		return err
	}
	k := connectEpochKey(customer)
	written := k.item()
	written["schema"], written["revision"], written["revoked_at"] = number(schema), number(epoch+1), moment(r.now())
	err = r.put(ctx, k, written, epoch)
	if errors.Is(err, ErrConflict) {
		return nil // another one has revoked them just now
	}
	return err
}
