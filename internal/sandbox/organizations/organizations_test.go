// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package organizations

import (
	"crypto/rand"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// partitions implements accounts: the partition of each existing account.
type partitions map[string]string

func (p partitions) Partition(account string) (string, bool) {
	partition, open := p[account]
	return partition, open
}

var known = partitions{"1": "aws", "2": "aws", "3": "aws", "4": "aws-cn"}

// newRegistry returns a registry with an organization that account 1 manages.
func newRegistry(t *testing.T) (*Registry, Organization) {
	t.Helper()
	r := New(rand.Reader, known)
	o, err := r.Create("1")
	if err != nil {
		t.Fatal(err)
	}
	return r, o
}

func TestAnOrganizationHasAManagementAccountAndMembers(t *testing.T) {
	r, o := newRegistry(t)
	if !regexp.MustCompile(`^o-[a-z0-9]{10,32}$`).MatchString(o.ID) || !regexp.MustCompile(`^r-[a-z0-9]{4,32}$`).MatchString(o.Root) {
		t.Errorf("the organization is %+v", o)
	}
	if err := r.Join(o.ID, "2"); err != nil {
		t.Fatal(err)
	}
	if r.ID("1") != o.ID || r.ID("2") != o.ID || r.ID("3") != "" {
		t.Errorf("the organizations are %q, %q and %q", r.ID("1"), r.ID("2"), r.ID("3"))
	}
	if all := r.All(); len(all) != 1 || !reflect.DeepEqual(all[0].Members, []string{"2"}) {
		t.Errorf("all are %+v", all)
	}
	if err := r.Leave("2"); err != nil || r.ID("2") != "" {
		t.Errorf("after it has left: %q, %v", r.ID("2"), err)
	}
}

func TestListenersAreCalledAfterAChange(t *testing.T) {
	r, o := newRegistry(t)
	var changes []string
	r.OnChange(func(c Change) {
		if c.Joined != (r.ID(c.Account) == o.ID) {
			t.Errorf("the listener was called before %+v had happened", c)
		}
		changes = append(changes, c.Account+strings.Join(c.Organization.Members, "+"))
	})
	for _, err := range []error{r.Join(o.ID, "2"), r.Join(o.ID, "3"), r.Leave("2")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"22", "32+3", "23"}; !reflect.DeepEqual(changes, want) {
		t.Errorf("the changes are %v, want %v", changes, want)
	}
}

func TestImpossibleChangesAreRefused(t *testing.T) {
	r, o := newRegistry(t)
	r.OnChange(func(c Change) { t.Errorf("a listener was called for %+v", c) })
	create := func(account string) error { _, err := r.Create(account); return err }
	for name, step := range map[string]struct {
		err  error
		want string
	}{
		"a second organization":          {create("1"), "is already in the organization " + o.ID},
		"a missing account":              {create("9"), "there is no account 9"},
		"a missing member":               {r.Join(o.ID, "9"), "there is no account 9"},
		"a missing organization":         {r.Join("o-none", "2"), "the organization does not exist"},
		"joining twice":                  {r.Join(o.ID, "1"), "already"},
		"another partition":              {r.Join(o.ID, "4"), "partition aws-cn, and the organization in aws"},
		"leaving without being a member": {r.Leave("3"), "it is in no organization"},
		"the management account":         {r.Leave("1"), "it is the management account"},
	} {
		if step.err == nil || !strings.Contains(step.err.Error(), step.want) {
			t.Errorf("%s: %v, want %q", name, step.err, step.want)
		}
	}
}
