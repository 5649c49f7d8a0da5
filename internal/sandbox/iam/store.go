// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package iam is the sandbox's IAM and STS: accounts, users with access keys,
// roles with their policies, and the sessions of assumed roles. Every request
// to the sandbox is made by a principal of this package.
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

// accessKey is a user's long-term key or a session's temporary one.
type accessKey struct {
	id, secret string
	user       *user
	session    *session
	service    *serviceKey
}

// serviceKey is the key with which an AWS service signs.
type serviceKey struct{ name, token string }

// New returns an empty store; it uses the clock, the randomness and the
// authorizer of the environment.
func New(env kernel.Env) *Store {
	return &Store{env: env, accounts: map[string]*account{}, keys: map[string]*accessKey{}}
}

var accountID = regexp.MustCompile(`^\d{12}$`)

// OpenAccount creates an account in a partition. It returns an error if the
// account exists in another partition, or was closed: a closed account cannot
// be reopened, as on AWS.
func (s *Store) OpenAccount(id, partition string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.open(id, partition)
	if err == nil && a.partition != partition {
		return fmt.Errorf("the AWS account %s lives in the partition %s, and not in %s", id, a.partition, partition)
	}
	return err
}

func (s *Store) open(id, partition string) (*account, error) {
	if !accountID.MatchString(id) {
		return nil, fmt.Errorf("an AWS account ID has 12 digits: %q has not", id)
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

// CloseAccount closes an account: its keys stop working, and policies that name
// it are refused from then on (aws-facts 5.4).
func (s *Store) CloseAccount(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.accounts[id]; a != nil {
		a.closed = true
	}
}

// Exists implements kernel.Accounts: it is true for accounts that were opened
// and not closed.
func (s *Store) Exists(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[id]
	return a != nil && !a.closed
}

// Partition returns the partition in which an account lives, if it is open.
func (s *Store) Partition(id string) (partition string, open bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.accounts[id]; a != nil && !a.closed {
		return a.partition, true
	}
	return "", false
}

// Settle delays IAM as on AWS: a role, or a change of its trust policy, takes
// effect for AssumeRole only after d (aws-facts 7.5).
func (s *Store) Settle(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle = d
}

// Credentials are what callers sign with.
type Credentials = kernel.Credentials

// User returns the credentials of a user, who is created with the given
// identity policies at the first call; later calls return the same key and do
// not change the policies. The account is created in the commercial partition
// if it does not exist.
func (s *Store) User(account, name string, policies ...string) (Credentials, error) {
	if err := validateDocuments(policies); err != nil {
		return Credentials{}, fmt.Errorf("make the user %s in account %s: %w", name, account, err)
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
// "cloudformation.amazonaws.com", signs URLs that it returns. Like AWS's own it
// has a session token (aws-facts 1.9).
func (s *Store) ServiceKey(service string) Credentials {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := &accessKey{id: s.uniqueID("ASIA"), secret: s.randomText(30), service: &serviceKey{service, s.randomText(96)}}
	s.keys[key.id] = key
	return Credentials{AccessKeyID: key.id, SecretAccessKey: key.secret, SessionToken: key.service.token}
}

// The ways in which a lookup fails; each service words them differently.
var (
	ErrUnknownKey   = errors.New("no such access key")
	ErrInvalidToken = errors.New("the session token is not that of the access key")
	ErrExpiredToken = errors.New("the session has expired")
)

// Lookup returns the secret of an access key and the principal that it belongs
// to, with the principal's current policies.
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
		return "", nil, ErrUnknownKey // the role was deleted meanwhile
	}
	return key.secret, s.sessionPrincipal(session), nil
}

// uniqueID returns an IAM identifier: a prefix for the type, and 16 letters and
// digits.
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
