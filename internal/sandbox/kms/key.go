// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package kms

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// key is a symmetric key. The service's lock guards it.
type key struct {
	arn, id, account, region string
	description              string
	manager                  string // CUSTOMER or AWS
	created                  time.Time
	policy                   string
	tags                     map[string]string
	grants                   []grant
	disabled                 bool
	deletion                 time.Time // when it will be deleted; zero if no deletion is scheduled
	seal                     cipher.AEAD
}

const (
	enabled         = "Enabled"
	disabled        = "Disabled"
	pendingDeletion = "PendingDeletion"
)

func (k *key) state() string {
	switch {
	case !k.deletion.IsZero():
		return pendingDeletion
	case k.disabled:
		return disabled
	default:
		return enabled
	}
}

// newKey returns a key with new key material. It does not add it to the service.
func (s *Service) newKey(region, account string) (*key, error) {
	material := make([]byte, 32)
	if _, err := io.ReadFull(s.env.Rand, material); err != nil {
		return nil, fmt.Errorf("create a key: %w", err)
	}
	block, err := aes.NewCipher(material)
	if err != nil {
		return nil, fmt.Errorf("create a key: %w", err)
	}
	seal, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("create a key: %w", err)
	}
	id := kernel.NewRequestID(s.env.Rand)
	return &key{
		arn: prefix(region, account) + "key/" + id, id: id, account: account, region: region,
		manager: "CUSTOMER", created: s.env.Clock.Now(), tags: map[string]string{}, seal: seal,
	}, nil
}

// find returns a key by its ID, its ARN, an alias or an alias's ARN. An ID and an
// alias are those of the caller's account and Region. It returns
// NotFoundException if the key does not exist in the Region.
func (s *Service) find(c *kernel.Call, name string) (*key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	arn := name
	if !strings.HasPrefix(name, "arn:") {
		arn = prefix(c.Region, c.Principal.Account) + "key/" + name
		if strings.HasPrefix(name, "alias/") {
			arn = prefix(c.Region, c.Principal.Account) + name
		}
	}
	own := "arn:" + kernel.Partition(c.Region) + ":kms:" + c.Region + ":"
	if name == "" || !strings.HasPrefix(arn, own) || strings.Count(arn, ":") != 5 {
		return nil, invalid("NotFoundException", "Invalid arn %s", c.Region)
	}
	if strings.Contains(arn, ":alias/") {
		target, err := s.target(arn)
		if err != nil {
			return nil, err
		}
		arn = target
	}
	if k := s.keys[arn]; k != nil {
		return k, nil
	}
	return nil, invalid("NotFoundException", "Key '%s' does not exist", arn)
}

// expire removes the keys whose waiting period is over. The caller holds the
// lock.
func (s *Service) expire() {
	now := s.env.Clock.Now()
	for arn, k := range s.keys {
		if !k.deletion.IsZero() && !now.Before(k.deletion) {
			delete(s.keys, arn)
			maps.DeleteFunc(s.aliases, func(_, target string) bool { return target == arn })
		}
	}
}

// allowed returns the key that a call names, if the caller may do the action on
// it.
func (s *Service) allowed(c *kernel.Call, action, name string, context map[string][]string) (*key, error) {
	k, err := s.find(c, name)
	if err != nil {
		return nil, s.hide(c, action, name, err)
	}
	s.mu.Lock()
	policy := k.policy
	s.mu.Unlock()
	return k, s.authorize(c, action, k.arn, k.account, policy, context)
}

// hide returns the error for a key that does not exist: missing for its own
// account, and AccessDeniedException for other accounts, which cannot find out
// whether the key exists.
func (s *Service) hide(c *kernel.Call, action, name string, missing error) error {
	account, named := kernel.PrincipalAccount(name)
	if !named || account == c.Principal.Account {
		return missing
	}
	if err := s.authorize(c, action, name, account, "", nil); err != nil {
		return err
	}
	return missing
}

// usable returns nil if the key is enabled, and KMS's error if it is not. The
// caller holds the lock.
func (k *key) usable() error {
	switch k.state() {
	case disabled:
		return invalid("DisabledException", "%s is disabled.", k.arn)
	case pendingDeletion:
		return k.wrongState()
	}
	return nil
}

func (k *key) wrongState() error {
	return invalid("KMSInvalidStateException", "%s is pending deletion.", k.arn)
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// metadata returns a key as DescribeKey shows it. The caller holds the lock.
func (k *key) metadata() map[string]any {
	m := map[string]any{
		"AWSAccountId": k.account, "KeyId": k.id, "Arn": k.arn, "CreationDate": seconds(k.created),
		"Enabled": k.state() == enabled, "Description": k.description, "KeyUsage": "ENCRYPT_DECRYPT",
		"KeyState": k.state(), "Origin": "AWS_KMS", "KeyManager": k.manager, "MultiRegion": false,
		"CustomerMasterKeySpec": "SYMMETRIC_DEFAULT", "KeySpec": "SYMMETRIC_DEFAULT", "EncryptionAlgorithms": []string{"SYMMETRIC_DEFAULT"},
	}
	if !k.deletion.IsZero() {
		m["DeletionDate"] = seconds(k.deletion)
	}
	return m
}

type createKeyInput struct {
	Policy, Description, KeyUsage, KeySpec, CustomerMasterKeySpec, Origin string
	BypassPolicyLockoutSafetyCheck, MultiRegion                           bool
	Tags                                                                  []tag
}

func (s *Service) createKey(c *kernel.Call, in *createKeyInput) (any, error) {
	if err := s.authorize(c, "CreateKey", anywhere, c.Principal.Account, "", nil); err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 {
		if err := s.authorize(c, "TagResource", anywhere, c.Principal.Account, "", nil); err != nil {
			return nil, err
		}
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	k, err := s.newKey(c.Region, c.Principal.Account)
	if err != nil {
		return nil, err
	}
	k.description, k.policy = in.Description, in.Policy
	if k.policy == "" {
		k.policy = defaultPolicy(c.Region, k.account)
	}
	if err := s.checkPolicy(c, k, k.policy, in.BypassPolicyLockoutSafetyCheck); err != nil {
		return nil, err
	}
	if err := k.tag(in.Tags); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[k.arn] = k
	return map[string]any{"KeyMetadata": k.metadata()}, nil
}

func (in *createKeyInput) check() error {
	for _, asked := range []struct{ name, value, only string }{
		{"KeyUsage", in.KeyUsage, "ENCRYPT_DECRYPT"},
		{"KeySpec", in.KeySpec, "SYMMETRIC_DEFAULT"},
		{"CustomerMasterKeySpec", in.CustomerMasterKeySpec, "SYMMETRIC_DEFAULT"},
		{"Origin", in.Origin, "AWS_KMS"},
	} {
		if asked.value != "" && asked.value != asked.only {
			return notImplemented("has only symmetric keys with its own key material: %s must be %s.", asked.name, asked.only)
		}
	}
	if in.MultiRegion {
		return notImplemented("has no multi-Region keys.")
	}
	return nil
}

type keyInput struct{ KeyId string }

func (s *Service) describeKey(c *kernel.Call, in *keyInput) (any, error) {
	k, err := s.allowed(c, "DescribeKey", in.KeyId, nil)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]any{"KeyMetadata": k.metadata()}, nil
}

type pageInput struct {
	KeyId  string
	Limit  *int
	Marker string
}

// onePage returns an error if there is a marker: every list is a single page.
func (in pageInput) onePage() error {
	if in.Marker != "" {
		return invalid("InvalidMarkerException", "The sandbox's KMS returns every list in one page.")
	}
	return nil
}

func (s *Service) listKeys(c *kernel.Call, in *pageInput) (any, error) {
	if err := s.authorize(c, "ListKeys", anywhere, c.Principal.Account, "", nil); err != nil {
		return nil, err
	}
	if err := in.onePage(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	list := []map[string]string{}
	for _, arn := range slices.Sorted(maps.Keys(s.keys)) {
		if k := s.keys[arn]; k.account == c.Principal.Account && k.region == c.Region {
			list = append(list, map[string]string{"KeyId": k.id, "KeyArn": k.arn})
		}
	}
	return map[string]any{"Keys": list, "Truncated": false}, nil
}

// change calls do with the key that a call names, while it holds the lock, if the
// caller may do the action on the key. Only callers of the key's own account can
// change a key, and none can change AWS's own keys.
func (s *Service) change(c *kernel.Call, action, name string, do func(k *key) (any, error)) (any, error) {
	k, err := s.allowed(c, action, name, nil)
	if err != nil {
		return nil, err
	}
	if k.account != c.Principal.Account || k.manager == "AWS" {
		return nil, kernel.Errorf(http.StatusBadRequest, "AccessDeniedException", "User: %s is not authorized to perform: kms:%s on resource: %s", c.Principal.ARN, action, k.arn)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return do(k)
}

func (s *Service) enableKey(c *kernel.Call, in *keyInput) (any, error) {
	return s.change(c, "EnableKey", in.KeyId, func(k *key) (any, error) { return nil, k.setDisabled(false) })
}

func (s *Service) disableKey(c *kernel.Call, in *keyInput) (any, error) {
	return s.change(c, "DisableKey", in.KeyId, func(k *key) (any, error) { return nil, k.setDisabled(true) })
}

func (k *key) setDisabled(off bool) error {
	if k.state() == pendingDeletion {
		return k.wrongState()
	}
	k.disabled = off
	return nil
}

type deletionInput struct {
	KeyId               string
	PendingWindowInDays *int
}

func (s *Service) scheduleKeyDeletion(c *kernel.Call, in *deletionInput) (any, error) {
	days := 30
	if in.PendingWindowInDays != nil {
		days = *in.PendingWindowInDays
	}
	if days < 7 || days > 30 {
		return nil, invalid("ValidationException", "1 validation error detected: Value '%d' at 'pendingWindowInDays' failed to satisfy constraint: Member must be between 7 and 30", days)
	}
	return s.change(c, "ScheduleKeyDeletion", in.KeyId, func(k *key) (any, error) {
		if k.state() == pendingDeletion {
			return nil, k.wrongState()
		}
		k.deletion = s.env.Clock.Now().AddDate(0, 0, days)
		return map[string]any{"KeyId": k.arn, "KeyState": k.state(), "DeletionDate": seconds(k.deletion), "PendingWindowInDays": days}, nil
	})
}

func (s *Service) cancelKeyDeletion(c *kernel.Call, in *keyInput) (any, error) {
	return s.change(c, "CancelKeyDeletion", in.KeyId, func(k *key) (any, error) {
		if k.state() != pendingDeletion {
			return nil, invalid("KMSInvalidStateException", "%s is not pending deletion.", k.arn)
		}
		k.deletion, k.disabled = time.Time{}, true // as on AWS, the key must be enabled again
		return map[string]any{"KeyId": k.arn}, nil
	})
}

func (s *Service) getKeyRotationStatus(c *kernel.Call, in *keyInput) (any, error) {
	k, err := s.allowed(c, "GetKeyRotationStatus", in.KeyId, nil)
	if err != nil {
		return nil, err
	}
	return map[string]any{"KeyId": k.arn, "KeyRotationEnabled": false}, nil
}
