// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package account

import (
	"encoding"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// KMSKeyARN names a key of AWS KMS: arn:PARTITION:kms:REGION:ACCOUNT:key/ID.
type KMSKeyARN struct {
	Region  Region
	Account ID
	Key     string // a UUID, or mrk- and 32 hexadecimal digits
}

var kmsKeyPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$`)
})

// ParseKMSKeyARN returns the key ARN in s. The ARN of an alias is refused, because an
// alias may be moved to another key, and AWS's services report the key that they use,
// not the alias that they were given.
func ParseKMSKeyARN(s string) (KMSKeyARN, error) {
	fail := func(why string) (KMSKeyARN, error) {
		return KMSKeyARN{}, fmt.Errorf("%q is not the ARN of a KMS key, such as arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab: %s", clip(s), why)
	}
	a, err := splitARN(s, "kms")
	if err != nil {
		return fail(err.Error())
	}
	if a.parsedRegion.IsZero() {
		return fail("it has no Region")
	}
	key, ok := strings.CutPrefix(a.resource, "key/")
	if !ok {
		return fail("its resource does not start with key/; name the key itself, not an alias")
	}
	if !kmsKeyPattern().MatchString(key) {
		return fail("the ID of a key is a UUID, or mrk- and 32 hexadecimal digits")
	}
	return KMSKeyARN{Region: a.parsedRegion, Account: a.account, Key: key}, nil
}

// IsZero reports whether k is the zero value, "no customer managed key".
func (k KMSKeyARN) IsZero() bool { return k == KMSKeyARN{} }

func (k KMSKeyARN) String() string {
	if k.IsZero() {
		return ""
	}
	return fmt.Sprintf("arn:%s:kms:%s:%s:key/%s", k.Region.Partition(), k.Region, k.Account, k.Key)
}

var _ encoding.TextUnmarshaler = (*KMSKeyARN)(nil)

// MarshalText returns the ARN.
func (k KMSKeyARN) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText parses the ARN; an empty text gives the zero value.
func (k *KMSKeyARN) UnmarshalText(text []byte) error { return unmarshal(k, text, ParseKMSKeyARN) }
