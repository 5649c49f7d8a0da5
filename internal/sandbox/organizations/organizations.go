// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package organizations is the sandbox's AWS Organizations: which accounts
// belong to an organization, and which of them manages it. Policies see it as
// aws:PrincipalOrgID, and CloudFormation's StackSets follow which accounts join
// and leave.
//
// Registry is the state, Service the API. There is one root and no
// organizational unit below it, and there are no invitations. Delegated
// administrators are those of StackSets. Service control policies can only deny: every account has
// FullAWSAccess beside them.
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

// Organization is the state of an organization at one moment.
type Organization struct {
	ID         string   `json:"id"`         // "o-" and 10 letters and digits
	Root       string   `json:"root"`       // "r-" and four characters: the target of StackSets
	Management string   `json:"management"` // the account that manages it
	Members    []string `json:"members"`    // the others, in the order in which they joined

	partition string
	delegates map[string][]string // delegated administrators, by service principal; never changed in place
}

// Change is an account that has joined an organization, or left it.
type Change struct {
	Organization Organization // after the change
	Account      string
	Joined       bool // false: left
}

// accounts returns an account's partition.
type accounts interface {
	Partition(account string) (partition string, open bool)
}

// Registry holds all organizations. No account is in two of them, and none
// spans partitions. Policies are evaluated while other services hold their
// locks, so no other service is called while the registry's is held.
type Registry struct {
	random   io.Reader
	accounts accounts

	mu            sync.Mutex
	organizations map[string]*Organization // by ID
	of            map[string]*Organization // by account
	listeners     []func(Change)
	controls      []control
}

// control is a service control policy, attached to the root or to one account.
type control struct{ id, organization, account, document string }

// New returns a registry without organizations.
func New(random io.Reader, known accounts) *Registry {
	return &Registry{random: random, accounts: known, organizations: map[string]*Organization{}, of: map[string]*Organization{}}
}

// Create creates an organization that an account manages.
func (r *Registry) Create(management string) (Organization, error) {
	o, err := r.create(management)
	if err != nil {
		return o, fmt.Errorf("make an organization: %w", err)
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

// Join adds an account to an organization.
func (r *Registry) Join(id, account string) error {
	change, err := r.join(id, account)
	if err != nil {
		return fmt.Errorf("take the account %s into the organization %s: %w", account, id, err)
	}
	r.tell(change)
	return nil
}

func (r *Registry) join(id, account string) (Change, error) {
	partition, unknown := r.partition(account)
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.organizations[id]
	switch {
	case o == nil:
		return Change{}, errors.New("there is no such organization")
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
		return fmt.Errorf("take the account %s out of its organization: %w", account, err)
	}
	r.tell(change)
	return nil
}

func (r *Registry) leave(account string) (Change, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.of[account]
	switch {
	case o == nil:
		return Change{}, errors.New("it is in none")
	case o.Management == account:
		return Change{}, fmt.Errorf("it manages the organization %s", o.ID)
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
		return fmt.Errorf("the account %s is in the organization %s already", account, o.ID)
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

// ID returns the ID of the organization that an account is in; empty if it is
// in none.
func (r *Registry) ID(account string) string {
	o, _ := r.Of(account)
	return o.ID
}

// All returns all organizations, by ID.
func (r *Registry) All() []Organization {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := []Organization{}
	for _, id := range slices.Sorted(maps.Keys(r.organizations)) {
		all = append(all, r.organizations[id].clone())
	}
	return all
}

// Control attaches a service control policy to the root of an organization, or
// to one of its members, and returns the policy's ID. As on AWS, such policies
// never apply to the management account.
func (r *Registry) Control(organization, account, document string) (id string, err error) {
	parsed, err := policy.Parse(policy.Identity, document)
	if err != nil {
		return "", fmt.Errorf("attach a service control policy: %w", err)
	}
	if slices.ContainsFunc(parsed.Statements, func(s policy.Statement) bool { return s.Effect != "Deny" }) {
		return "", errors.New("attach a service control policy: the sandbox has FullAWSAccess everywhere, so a statement may only deny")
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
	c := control{"p-" + random[:10], organization, account, document}
	r.controls = append(r.controls, c)
	return c.id, nil
}

// Uncontrol detaches a service control policy.
func (r *Registry) Uncontrol(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := len(r.controls)
	r.controls = slices.DeleteFunc(r.controls, func(c control) bool { return c.id == id })
	if len(r.controls) == before {
		return fmt.Errorf("there is no service control policy %s", id)
	}
	return nil
}

// Controls returns the documents of the service control policies that apply to
// an account.
func (r *Registry) Controls(account string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.of[account]
	if o == nil || o.Management == account {
		return nil
	}
	var documents []string
	for _, c := range r.controls {
		if c.organization == o.ID && (c.account == "" || c.account == account) {
			documents = append(documents, c.document)
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

func (r *Registry) tell(c Change) {
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
		return "", fmt.Errorf("draw its ID: %w", err)
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:])), nil
}
