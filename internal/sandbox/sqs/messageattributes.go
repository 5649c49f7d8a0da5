// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sqs

import (
	"crypto/md5" //nolint:gosec // AWS's own checksum of messages
	"encoding/binary"
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// MessageAttribute is a typed value that is sent with a message's body.
type MessageAttribute struct {
	DataType    string // String, Number or Binary, optionally with a ".label"
	StringValue string `json:",omitempty"`
	BinaryValue []byte `json:",omitempty"`
}

func (a MessageAttribute) binary() bool { return strings.HasPrefix(a.DataType, "Binary") }

var (
	attributeName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,256}$`)
	attributeType = regexp.MustCompile(`^(String|Number|Binary)(\..+)?$`)
)

func checkAttributes(all map[string]MessageAttribute) error {
	if len(all) > 10 {
		return errParameter("Number of message attributes [%d] exceeds the allowed maximum [10].", len(all))
	}
	for name, a := range all {
		if !attributeName.MatchString(name) {
			return errParameter("The message attribute name '%s' can contain only alphanumeric characters, hyphens, underscores and periods.", name)
		}
		if !attributeType.MatchString(a.DataType) {
			return errParameter("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
		}
		if (a.binary() && len(a.BinaryValue) == 0) || (!a.binary() && a.StringValue == "") {
			return errParameter("The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", name, a.DataType)
		}
	}
	return nil
}

func md5Hex(b []byte) string {
	sum := md5.Sum(b) //nolint:gosec // see above
	return hex.EncodeToString(sum[:])
}

// md5OfAttributes returns the checksum that SDKs verify: of each attribute's
// name, type and value, sorted by name, each preceded by its length, and the
// value also by a byte for text or binary. It returns an empty string if there
// are no attributes.
func md5OfAttributes(all map[string]MessageAttribute) string {
	if len(all) == 0 {
		return ""
	}
	var b []byte
	add := func(text []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(text))) //nolint:gosec // at most 1 MiB
		b = append(b, text...)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		a := all[name]
		add([]byte(name))
		add([]byte(a.DataType))
		if a.binary() {
			b = append(b, 2)
			add(a.BinaryValue)
		} else {
			b = append(b, 1)
			add([]byte(a.StringValue))
		}
	}
	return md5Hex(b)
}

// pick returns the attributes that a receiver asks for: by name, by "prefix.*",
// or all of them by "All" or ".*".
func pick(all map[string]MessageAttribute, names []string) map[string]MessageAttribute {
	picked := map[string]MessageAttribute{}
	for name, a := range all {
		for _, wanted := range names {
			prefix, isPrefix := strings.CutSuffix(wanted, ".*")
			if wanted == "All" || wanted == name || (isPrefix && strings.HasPrefix(name, prefix)) {
				picked[name] = a
			}
		}
	}
	return picked
}
