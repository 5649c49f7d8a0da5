// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package iam is the sandbox's IAM and STS: accounts, users with access keys,
// roles with their policies, and the sessions of assumed roles. Every signed
// request to the sandbox is made by a principal of this package.
//
// It implements IAM's roles and customer-managed policies; users are created
// only through the Go API. There are no groups, no federation, no MFA and no
// service-linked roles.
package iam

import (
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sync"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// Store holds the state of IAM and STS.
type Store struct {
	env kernel.Env

	mu       sync.Mutex
	accounts map[string]*account
	keys     map[string]*accessKey
	settle   time.Duration
}

type account struct {
	id        string
	partition string
	closed    bool
	users     map[string]*user
	roles     map[string]*role   // by lower-case name: IAM's names ignore case
	policies  map[string]*policy // customer-managed, by ARN
}

type user struct {
	account *account
	name    string
	id      string // AIDA…
	inline  []string
	key     *accessKey
}

func (u *user) arn() string {
	return "arn:" + u.account.partition + ":iam::" + u.account.id + ":user/" + u.name
}

// accessKey is a user's long-term key, a session's temporary key, or the key of
// an AWS service. One of user, session and service is set.
type accessKey struct {
	id, secret string
	user       *user
	session    *session
	service    *serviceKey
}

// serviceKey is the name of an AWS service that signs with a key, and the key's
// session token.
type serviceKey struct{ name, token string }

// New returns an empty store. It uses the environment's clock, randomness and
// authorizer.
func New(env kernel.Env) *Store {
	return &Store{env: env, accounts: map[string]*account{}, keys: map[string]*accessKey{}}
}

var accountID = regexp.MustCompile(`^\d{12}$`)

// OpenAccount creates an account in a partition, if it does not exist. It returns
// an error if the ID is invalid, or if the account exists in another partition
// or was closed: as on AWS, a closed account cannot be reopened.
func (s *Store) OpenAccount(id, partition string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.open(id, partition)
	if err == nil && a.partition != partition {
		return fmt.Errorf("the AWS account %s is in the partition %s, not in %s", id, a.partition, partition)
	}
	return err
}

// open returns an account, and creates it in the partition if it does not exist.
// The caller holds the lock.
func (s *Store) open(id, partition string) (*account, error) {
	if !accountID.MatchString(id) {
		return nil, fmt.Errorf("invalid AWS account ID %q: must have 12 digits", id)
	}
	if a := s.accounts[id]; a != nil {
		if a.closed {
			return nil, fmt.Errorf("the AWS account %s is closed", id)
		}
		return a, nil
	}
	a := &account{id: id, partition: partition, users: map[string]*user{}, roles: map[string]*role{}, policies: map[string]*policy{}}
	s.accounts[id] = a
	return a, nil
}

// CloseAccount closes an account, if it exists: its keys stop working, and new
// policies that name it are refused (aws-facts 5.4).
func (s *Store) CloseAccount(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.accounts[id]; a != nil {
		a.closed = true
	}
}

// Exists reports whether an account exists and was not closed.
func (s *Store) Exists(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[id]
	return a != nil && !a.closed
}

// Partition implements kernel.Accounts. It returns an account's partition; open
// is false if the account does not exist or was closed.
func (s *Store) Partition(id string) (partition string, open bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.accounts[id]; a != nil && !a.closed {
		return a.partition, true
	}
	return "", false
}

// Settle sets IAM's propagation delay: a new role, or a change of its trust
// policy, takes effect for AssumeRole after d (aws-facts 7.5). It is 0 by
// default.
func (s *Store) Settle(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle = d
}

// Credentials are an access key with its secret and session token.
type Credentials = kernel.Credentials

// User returns the credentials of a user. The first call creates the user with
// the given identity policies; later calls return the same key and ignore the
// policies. If the account does not exist, it is created in the commercial
// partition.
func (s *Store) User(account, name string, policies ...string) (Credentials, error) {
	if err := validateDocuments(policies); err != nil {
		return Credentials{}, fmt.Errorf("create the user %s in account %s: %w", name, account, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.open(account, "aws")
	if err != nil {
		return Credentials{}, err
	}
	u := a.users[name]
	if u == nil {
		u = &user{account: a, name: name, id: s.uniqueID("AIDA"), inline: policies}
		u.key = &accessKey{id: s.uniqueID("AKIA"), secret: s.randomText(30), user: u}
		a.users[name] = u
		s.keys[u.key.id] = u.key
	}
	return Credentials{AccessKeyID: u.key.id, SecretAccessKey: u.key.secret}, nil
}

// ServiceKey returns a new key with which an AWS service, such as
// "cloudformation.amazonaws.com", signs the URLs that it returns. As on AWS, it
// has a session token (aws-facts 1.9).
func (s *Store) ServiceKey(service string) Credentials {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := &accessKey{id: s.uniqueID("ASIA"), secret: s.randomText(30), service: &serviceKey{service, s.randomText(96)}}
	s.keys[key.id] = key
	return Credentials{AccessKeyID: key.id, SecretAccessKey: key.secret, SessionToken: key.service.token}
}

// The errors of Lookup. Each service has its own messages for them.
var (
	ErrUnknownKey   = errors.New("the access key does not exist")
	ErrInvalidToken = errors.New("the session token is not that of the access key")
	ErrExpiredToken = errors.New("the session has expired")
)

// Lookup returns the secret of an access key, and the principal that it belongs
// to with its current policies. It returns ErrUnknownKey, ErrInvalidToken or
// ErrExpiredToken if the key is not valid.
func (s *Store) Lookup(accessKeyID, token string) (secret string, p *kernel.Principal, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := s.keys[accessKeyID]
	switch {
	case key == nil:
		return "", nil, ErrUnknownKey
	case key.service != nil:
		if token != key.service.token {
			return "", nil, ErrInvalidToken
		}
		return key.secret, &kernel.Principal{Service: key.service.name}, nil
	case key.session == nil:
		if token != "" {
			return "", nil, ErrInvalidToken
		}
		if key.user.account.closed {
			return "", nil, ErrUnknownKey
		}
		return key.secret, s.userPrincipal(key.user), nil
	}
	session := key.session
	if subtle.ConstantTimeCompare([]byte(token), []byte(session.token)) != 1 {
		return "", nil, ErrInvalidToken
	}
	if !s.env.Clock.Now().Before(session.expires) {
		return "", nil, ErrExpiredToken
	}
	if s.roleByID(session.role.account, session.role.id) == nil || session.role.account.closed {
		return "", nil, ErrUnknownKey // the role was deleted, or its account closed
	}
	return key.secret, s.sessionPrincipal(session), nil
}

// uniqueID returns a random IAM identifier: a prefix for the type, and 16 letters
// and digits.
func (s *Store) uniqueID(prefix string) string {
	b := make([]byte, 10)
	s.read(b)
	return prefix + base32.StdEncoding.EncodeToString(b)
}

func (s *Store) randomText(bytes int) string {
	b := make([]byte, bytes)
	s.read(b)
	return base64.StdEncoding.EncodeToString(b)
}

func (s *Store) read(b []byte) {
	if _, err := io.ReadFull(s.env.Rand, b); err != nil {
		panic(fmt.Sprintf("the sandbox's source of randomness failed: %v", err))
	}
}
