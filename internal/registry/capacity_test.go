// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"fmt"
	"testing"
)

func TestNewCustomersAreSpreadOverTheNewestTopics(t *testing.T) {
	var hub HubRecord
	for _, step := range []struct{ shards, first, last int }{
		{1, 0, 0}, // a new hub
		{1, 0, 0}, // unchanged
		{3, 1, 2}, // raised
		{2, 1, 2}, // lowered, which removes no topic
		{7, 3, 6},
	} {
		hub = hub.WithShards(step.shards)
		customers := map[int]int{}
		for i := range 3000 {
			customers[hub.ShardOf(fmt.Sprintf("customer-%d", i))]++
		}
		if len(customers) != step.last-step.first+1 {
			t.Errorf("%d topics: customers are spread over %v", step.shards, customers)
		}
		for shard, n := range customers {
			fair := 3000 / (step.last - step.first + 1)
			if shard < step.first || shard > step.last || n < fair*8/10 || n > fair*12/10 {
				t.Errorf("%d topics: topic %d has %d new customers", step.shards, shard, n)
			}
		}
	}
}

func TestAnAnnouncedGrowthIsCompletedEvenIfLessIsWantedNow(t *testing.T) {
	hub := HubRecord{Shards: 1, CreatingShards: 4}.WithShards(1)
	if hub.Shards != 4 || hub.NewestShard != 1 || hub.CreatingShards != 0 {
		t.Errorf("%+v", hub)
	}
}
