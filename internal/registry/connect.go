// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ConnectPartitions returns the patterns of the partitions with tokens of the connect
// page. Only the onboarding API reads and writes them.
func ConnectPartitions() []string { return []string{connectPrefix + "*"} }

const connectPrefix = "CONNECT#"

// connectKey returns the key of a token's item, which contains only the token's hash,
// so that a copy of the table opens no page. connectEpochKey returns the key of a
// customer's epoch; the colon keeps it apart from keys of tokens, because no hash has
// one.
func connectKey(hash string) key { return key{connectPrefix + hash, "TOKEN"} }

func connectEpochKey(customer string) key { return key{connectPrefix + "OF:" + customer, "EPOCH"} }

// ErrNoToken indicates that a token of the connect page does not exist.
var ErrNoToken = errors.New("there is no such token")

// ConnectToken authorises its bearer to see the connect page of one customer. It is
// exchanged once for a browser session.
type ConnectToken struct {
	Hash       string // hash of the token
	CustomerID string
	Link       string // incarnation of the link
	Epoch      int64  // epoch of the customer; each revocation increments it
	ReturnURL  string `json:",omitempty"`
	ExpiresAt  time.Time
	Session    string    `json:",omitempty"` // hash of the session's secret; empty if the token was not exchanged
	SessionEnd time.Time `json:",omitzero"`
	Revision   int64     `json:"-"`
}

// PutConnectToken writes a token on the condition that the stored one still has the
// revision that was read; otherwise the error is ErrConflict.
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
	written["expires"] = unixTime(end.Add(24 * time.Hour))
	if err := r.put(ctx, k, written, before); err != nil {
		return fmt.Errorf("write a token of customer %s: %w", token.CustomerID, err)
	}
	return nil
}

// ConnectToken returns the token with a hash, or ErrNoToken if it does not exist.
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

// ConnectEpoch returns the current epoch of a customer's tokens. Tokens of earlier
// epochs are revoked.
func (r *Registry) ConnectEpoch(ctx context.Context, customer string) (int64, error) {
	found, err := r.get(ctx, connectEpochKey(customer))
	if err != nil {
		return 0, err
	}
	return numberOf(found, "revision"), nil
}

// RevokeConnectTokens revokes all tokens and sessions of a customer.
func (r *Registry) RevokeConnectTokens(ctx context.Context, customer string) error {
	epoch, err := r.ConnectEpoch(ctx, customer)
	if err != nil {
		return err
	}
	k := connectEpochKey(customer)
	written := k.item()
	written["schema"], written["revision"], written["revoked_at"] = number(schema), number(epoch+1), unixTime(r.now())
	err = r.put(ctx, k, written, epoch)
	if errors.Is(err, ErrConflict) {
		return nil // a concurrent call has revoked them
	}
	return err
}
