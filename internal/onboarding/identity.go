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

// ExternalID derives the external ID of a customer's n-th onboarding from the
// hub's random key: unguessable without the key, unique by its inputs, and the
// same again after a crash (aws-facts 7.3). It panics without a key, which would
// make external IDs that can be guessed: the hub was read without it.
func ExternalID(hubKey []byte, hub, customerID string, generation int) account.ExternalID {
	return RotatedExternalID(hubKey, hub, customerID, generation, 0)
}

// RotatedExternalID returns ExternalID after a rotation: every version has one of its
// own, and 0 and 1 are the first.
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

// PhysicalID names a stack's custom resource for CloudFormation. The same
// resource has the same ID for as long as it lives.
func PhysicalID(hub, customerID string, stack account.StackARN, logicalID string) string {
	return "xacct-" + digest(hub, customerID, stack.String(), logicalID)[:32]
}

// physicalIDLength is that of a PhysicalID; a replacement's is longer.
const physicalIDLength = len("xacct-") + 32

// sameResource reports whether two physical IDs were given to one resource.
func sameResource(a, b string) bool {
	return len(a) >= physicalIDLength && len(b) >= physicalIDLength && a[:physicalIDLength] == b[:physicalIDLength]
}

// Spread gives every customer one of n places, the same each time, and all
// places about as many customers.
func Spread(customerID string, n int) int {
	sum := sha256.New()
	writeFields(sum, "shard", customerID)
	return int(binary.BigEndian.Uint64(sum.Sum(nil)) % uint64(max(n, 1)))
}

// BucketSuffix ends the name of the hub's template bucket: bucket names are
// shared by the whole world, and a name that can be guessed can be taken.
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

// writeFields writes every field behind its length, so that no two lists of
// fields look the same.
func writeFields(h hash.Hash, fields ...string) {
	for _, field := range fields {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(field)))
		h.Write(length[:])
		h.Write([]byte(field))
	}
}
