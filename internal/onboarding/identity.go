// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// ExternalID returns the external ID of a customer's n-th onboarding, derived from
// the hub's random key: it cannot be guessed without the key, is unique for its
// inputs, and is the same after a crash (aws-facts 7.3). ExternalID panics if the key
// is empty, which means that the hub was read without its key: external IDs that are
// derived from an empty key could be guessed.
func ExternalID(hubKey []byte, hub, customerID string, generation int) account.ExternalID {
	return RotatedExternalID(hubKey, hub, customerID, generation, 0)
}

// RotatedExternalID returns the external ID of a version, which grows with each
// rotation. Versions 0 and 1 are the external ID before the first rotation, as
// ExternalID returns it.
func RotatedExternalID(hubKey []byte, hub, customerID string, generation, version int) account.ExternalID {
	if len(hubKey) == 0 {
		panic("external IDs need the hub's key")
	}
	mac := hmac.New(sha256.New, hubKey)
	fields := []string{"external-id", hub, customerID, strconv.Itoa(generation)}
	if version > 1 {
		fields = append(fields, strconv.Itoa(version))
	}
	writeFields(mac, fields...)
	id, err := account.ParseExternalID(hex.EncodeToString(mac.Sum(nil)[:20]))
	if err != nil {
		panic(fmt.Sprintf("forty hexadecimal digits are an external ID: %v", err))
	}
	return id
}

// PhysicalID returns the physical ID of a stack's custom resource. A resource keeps
// its ID as long as it exists.
func PhysicalID(hub, customerID string, stack account.StackARN, logicalID string) string {
	return "xacct-" + digest(hub, customerID, stack.String(), logicalID)[:32]
}

// physicalIDLength is the length of a PhysicalID; that of a replacement is longer.
const physicalIDLength = len("xacct-") + 32

// sameResource reports whether two physical IDs were given to one resource.
func sameResource(a, b string) bool {
	return len(a) >= physicalIDLength && len(b) >= physicalIDLength && a[:physicalIDLength] == b[:physicalIDLength]
}

// ShardIndex assigns a customer to one of n shards: always to the same one, and with
// about the same number of customers for each.
func ShardIndex(customerID string, n int) int {
	sum := sha256.New()
	writeFields(sum, "shard", customerID)
	return int(binary.BigEndian.Uint64(sum.Sum(nil)) % uint64(max(n, 1)))
}

// BucketSuffix returns the end of the name of the hub's template bucket. Bucket names
// are global, so another account could take a name that can be guessed.
func BucketSuffix(hubKey []byte) string {
	mac := hmac.New(sha256.New, hubKey)
	mac.Write([]byte("bucket"))
	return hex.EncodeToString(mac.Sum(nil))[:16]
}

func digest(fields ...string) string {
	sum := sha256.New()
	writeFields(sum, fields...)
	return hex.EncodeToString(sum.Sum(nil))
}

// writeFields writes each field after its length, so that different lists of fields
// are never written alike.
func writeFields(h hash.Hash, fields ...string) {
	for _, field := range fields {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(field)))
		h.Write(length[:])
		h.Write([]byte(field))
	}
}
