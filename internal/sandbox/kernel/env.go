// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package kernel

import (
	"encoding/hex"
	"io"
	"strings"
)

// Env is what the sandbox passes to each service when it is created. A service
// uses what it needs and keeps its own state private.
type Env struct {
	Clock      *Clock
	Authorizer Authorizer
	Inside     Inside
	Accounts   Accounts
	Faults     *Faults
	Journal    *Journal
	Rand       io.Reader
	// URL is the sandbox's own address, "http://127.0.0.1:4566", for AWS's
	// answers that contain a URL, such as a queue's.
	URL string
	// ServiceKey returns a new key with which an AWS service, such as
	// "cloudformation.amazonaws.com", signs the URLs that it returns with a
	// sigv4.Presigner. The service is the Principal of requests signed with it,
	// and the sandbox's clock, which services use, decides whether they have
	// expired.
	ServiceKey func(service string) Credentials
}

// Credentials are an access key, and a token if the key is a session's or a
// service's.
type Credentials struct {
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	SessionToken    string `json:"session_token,omitempty"`
}

// Accounts knows which AWS accounts exist, and the partition of each: policies
// that name others are refused (aws-facts 5.4).
type Accounts interface {
	// Partition returns an account's partition; open is false if the account
	// does not exist or is closed.
	Partition(account string) (partition string, open bool)
}

// NewRequestID returns a random UUID, which is the form of AWS's request IDs.
func NewRequestID(random io.Reader) string {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "00000000-0000-0000-0000-000000000000"
	}
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}
