// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// customerAccounts returns the accounts [from, to).
func customerAccounts(from, to int) []account.ID {
	var ids []account.ID
	for n := from; n < to; n++ {
		ids = append(ids, customerAccount(n))
	}
	return ids
}

func TestAllowingManyAccountsWritesEachPolicyOnce(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	mark := w.box.Journal().Mark()
	w.must(w.Permissions().AllowMany(t.Context(), map[int][]account.ID{0: customerAccounts(0, 1000)}))
	if n := w.calls(mark, "sns:SetTopicAttributes"); n != 2 {
		t.Errorf("%d policies were written for 1000 accounts, want 1 in each of 2 Regions", n)
	}
	w.allowed(1000)

	mark = w.box.Journal().Mark()
	w.must(w.Permissions().AllowMany(t.Context(), map[int][]account.ID{0: customerAccounts(500, 1250)}))
	if n := w.calls(mark, "sns:SetTopicAttributes"); n != 2 {
		t.Errorf("%d policies were written for 250 more, want 1 in each of 2 Regions", n)
	}
	w.allowed(1250)
}

func TestATopicWithoutRoomForManyIsNotChanged(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	w.must(w.Permissions().AllowMany(t.Context(), map[int][]account.ID{0: customerAccounts(0, 10)}))
	err := w.Permissions().AllowMany(t.Context(), map[int][]account.ID{0: customerAccounts(10, 3000)})
	if err == nil {
		t.Error("one topic took 3000 accounts")
	}
	w.allowed(10)
}
