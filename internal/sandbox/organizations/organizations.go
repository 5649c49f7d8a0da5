// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package organizations is the sandbox's AWS Organizations: it knows which
// accounts belong to an organization, and which of them manages it. Policies see
// the organization as aws:PrincipalOrgID, and CloudFormation's StackSets follow
// the accounts that join and leave.
//
// Registry is the state, and Service the API. An organization has one root,
// without organizational units, and there are no invitations. Delegated
// administrators exist only for StackSets. Service control policies can only
// deny: FullAWSAccess also applies to every account.
package organizations

import (
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/policy"
)

// Organization is the state of an organization at some time.
type Organization struct {
	ID         string   `json:"id"`         // "o-" and 10 letters and digits
	Root       string   `json:"root"`       // "r-" and four characters: the target of StackSets
	Management string   `json:"management"` // the management account
	Members    []string `json:"members"`    // the member accounts, in the order in which they joined

	partition string
	delegates map[string][]string // delegated administrators, by service principal; never changed in place
}

// Change describes that an account has joined or left an organization.
type Change struct {
	Organization Organization // after the change
	Account      string
	Joined       bool // false if the account has left
}

// accounts knows the partition of each open account; iam.Store implements it.
type accounts interface {
	Partition(account string) (partition string, open bool)
}

// Registry holds all organizations. An account is in at most one of them, and an
// organization is in one partition. The registry calls no other service while it
// holds its lock: it is called when policies are evaluated, and other services
// hold their locks then.
type Registry struct {
	random   io.Reader
	accounts accounts

	mu            sync.Mutex
	organizations map[string]*Organization // by ID
	of            map[string]*Organization // by account
	listeners     []func(Change)
	policies      []controlPolicy
}

// controlPolicy is a service control policy that is attached to an account, or to
// the root if account is "".
type controlPolicy struct{ id, organization, account, document string }

// New returns a registry without organizations.
func New(random io.Reader, known accounts) *Registry {
	return &Registry{random: random, accounts: known, organizations: map[string]*Organization{}, of: map[string]*Organization{}}
}

// Create creates an organization with a management account. It returns an error
// if the account does not exist or is in an organization.
func (r *Registry) Create(management string) (Organization, error) {
	o, err := r.create(management)
	if err != nil {
		return o, fmt.Errorf("create an organization: %w", err)
	}
	return o, nil
}

func (r *Registry) create(management string) (Organization, error) {
	id, err := r.newID()
	if err != nil {
		return Organization{}, err
	}
	partition, err := r.partition(management)
	if err != nil {
		return Organization{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.mayJoin(management); err != nil {
		return Organization{}, err
	}
	o := &Organization{ID: "o-" + id[:10], Root: "r-" + id[10:14], Management: management, partition: partition}
	r.organizations[o.ID], r.of[management] = o, o
	return o.clone(), nil
}

// Join adds an account to an organization. It returns an error if one of them
// does not exist, if they are in different partitions, or if the account is in an
// organization.
func (r *Registry) Join(id, account string) error {
	change, err := r.join(id, account)
	if err != nil {
		return fmt.Errorf("add the account %s to the organization %s: %w", account, id, err)
	}
	r.notify(change)
	return nil
}

func (r *Registry) join(id, account string) (Change, error) {
	partition, unknown := r.partition(account)
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.organizations[id]
	switch {
	case o == nil:
		return Change{}, errors.New("the organization does not exist")
	case unknown != nil:
		return Change{}, unknown
	case o.partition != partition:
		return Change{}, fmt.Errorf("the account is in the partition %s, and the organization in %s", partition, o.partition)
	}
	if err := r.mayJoin(account); err != nil {
		return Change{}, err
	}
	o.Members = append(o.Members, account)
	r.of[account] = o
	return Change{o.clone(), account, true}, nil
}

// Leave removes a member from its organization. The management account cannot
// leave, as on AWS.
func (r *Registry) Leave(account string) error {
	change, err := r.leave(account)
	if err != nil {
		return fmt.Errorf("remove the account %s from its organization: %w", account, err)
	}
	r.notify(change)
	return nil
}

func (r *Registry) leave(account string) (Change, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.of[account]
	switch {
	case o == nil:
		return Change{}, errors.New("it is in no organization")
	case o.Management == account:
		return Change{}, fmt.Errorf("it is the management account of the organization %s", o.ID)
	}
	delete(r.of, account)
	o.Members = slices.DeleteFunc(o.Members, func(member string) bool { return member == account })
	return Change{o.clone(), account, false}, nil
}

func (r *Registry) partition(account string) (string, error) {
	partition, open := r.accounts.Partition(account)
	if !open {
		return "", fmt.Errorf("there is no account %s", account)
	}
	return partition, nil
}

func (r *Registry) mayJoin(account string) error {
	if o := r.of[account]; o != nil {
		return fmt.Errorf("the account %s is already in the organization %s", account, o.ID)
	}
	return nil
}

// Of returns the organization that an account is in.
func (r *Registry) Of(account string) (Organization, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.of[account]
	if o == nil {
		return Organization{}, false
	}
	return o.clone(), true
}

// ID returns the ID of the organization that an account is in, or "" if it is in
// none.
func (r *Registry) ID(account string) string {
	o, _ := r.Of(account)
	return o.ID
}

// All returns all organizations, sorted by ID.
func (r *Registry) All() []Organization {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := []Organization{}
	for _, id := range slices.Sorted(maps.Keys(r.organizations)) {
		all = append(all, r.organizations[id].clone())
	}
	return all
}

// AttachPolicy attaches a service control policy to an account of an
// organization, or to the root if account is "", and returns the policy's ID. It
// returns an error if the document is malformed or allows anything. As on AWS,
// such policies never apply to the management account.
func (r *Registry) AttachPolicy(organization, account, document string) (id string, err error) {
	parsed, err := policy.Parse(policy.Identity, document)
	if err != nil {
		return "", fmt.Errorf("attach a service control policy: %w", err)
	}
	if slices.ContainsFunc(parsed.Statements, func(s policy.Statement) bool { return s.Effect != "Deny" }) {
		return "", errors.New("attach a service control policy: every statement must deny, because the sandbox attaches FullAWSAccess everywhere")
	}
	random, err := r.newID()
	if err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.organizations[organization]
	switch {
	case o == nil:
		return "", fmt.Errorf("attach a service control policy: there is no organization %s", organization)
	case account != "" && r.of[account] != o:
		return "", fmt.Errorf("attach a service control policy: the account %s is not in the organization %s", account, organization)
	}
	p := controlPolicy{"p-" + random[:10], organization, account, document}
	r.policies = append(r.policies, p)
	return p.id, nil
}

// DetachPolicy detaches a service control policy by its ID. It returns an error if
// the policy does not exist.
func (r *Registry) DetachPolicy(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := len(r.policies)
	r.policies = slices.DeleteFunc(r.policies, func(p controlPolicy) bool { return p.id == id })
	if len(r.policies) == before {
		return fmt.Errorf("there is no service control policy %s", id)
	}
	return nil
}

// Policies returns the documents of the service control policies that apply to
// an account.
func (r *Registry) Policies(account string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.of[account]
	if o == nil || o.Management == account {
		return nil
	}
	var documents []string
	for _, p := range r.policies {
		if p.organization == o.ID && (p.account == "" || p.account == account) {
			documents = append(documents, p.document)
		}
	}
	return documents
}

// OnChange registers a function to call after an account has joined or left.
func (r *Registry) OnChange(listen func(Change)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.listeners = append(r.listeners, listen)
}

func (r *Registry) notify(c Change) {
	r.mu.Lock()
	listeners := slices.Clone(r.listeners)
	r.mu.Unlock()
	for _, listen := range listeners {
		listen(c)
	}
}

func (o *Organization) clone() Organization {
	copied := *o
	copied.Members = slices.Clone(o.Members)
	return copied
}

func (r *Registry) newID() (string, error) {
	var b [10]byte
	if _, err := io.ReadFull(r.random, b[:]); err != nil {
		return "", fmt.Errorf("generate an ID: %w", err)
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:])), nil
}
