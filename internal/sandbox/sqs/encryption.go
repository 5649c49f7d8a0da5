// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sqs

import (
	"context"
	"errors"
	"net/http"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// This file has encryption with a KMS key: a sender needs kms:GenerateDataKey
// and kms:Decrypt, a receiver kms:Decrypt, by the key's policy (aws-facts
// 13.4). SQS caches data keys for five minutes or longer; in the sandbox every
// message has its own, so that a change of the key or its policy takes effect
// at once.

// encryptOnce returns an error if a request asks for both kinds of encryption.
// If it asks for one, encryptOnce switches the other off.
func (a attributes) encryptOnce(asked map[string]string) error {
	switch {
	case a["KmsMasterKeyId"] == "":
		return nil
	case asked["SqsManagedSseEnabled"] == "true" && asked["KmsMasterKeyId"] == "":
		delete(a, "KmsMasterKeyId")
	case asked["SqsManagedSseEnabled"] == "true":
		return kernel.Errorf(http.StatusBadRequest, "InvalidAttributeValue",
			"You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.")
	default:
		a["SqsManagedSseEnabled"] = "false"
	}
	return nil
}

// keyUse returns the use of a queue's KMS key by a caller. ok is false if the
// queue has no key.
func (s *Service) keyUse(p *kernel.Principal, q *queue, keys map[string][]string) (use kernel.KeyUse, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := q.attributes["KmsMasterKeyId"]
	return kernel.KeyUse{
		Principal: p, Service: "sqs", Region: q.key.region, Account: q.key.account,
		Key: name, Data: map[string]string{"aws:sqs:arn": q.key.arn()}, Keys: keys,
	}, name != ""
}

// dataKey returns an encrypted data key for a message that the caller sends, or
// nil if the queue has no KMS key.
func (s *Service) dataKey(ctx context.Context, p *kernel.Principal, q *queue, keys map[string][]string) ([]byte, error) {
	use, encrypted := s.keyUse(p, q, keys)
	if !encrypted {
		return nil, nil
	}
	if p == nil {
		return nil, kernel.Errorf(http.StatusBadRequest, "KmsAccessDenied", "An anonymous caller cannot use the key %s.", use.Key)
	}
	blob, err := use.GenerateDataKey(ctx, s.inside)
	if err == nil {
		err = use.Decrypt(ctx, s.inside, blob) // SQS checks that it can be decrypted before it uses it
	}
	return blob, ofKMS(err)
}

// openAll decrypts the data keys of messages for their receiver. It returns an
// error if KMS refuses that.
func (s *Service) openAll(c *kernel.Call, q *queue, messages []*message) error {
	use, _ := s.keyUse(c.Principal, q, nil)
	for _, m := range messages {
		if m.dataKey == nil {
			continue
		}
		use.Data = map[string]string{"aws:sqs:arn": q.key.arn()}
		if m.source != "" { // a dead letter is encrypted for its source queue
			use.Data["aws:sqs:arn"] = m.source
		}
		if c.Principal == nil {
			return kernel.Errorf(http.StatusBadRequest, "KmsAccessDenied", "An anonymous caller cannot use the key of the queue %s.", q.key.name)
		}
		if err := use.Decrypt(c.Context, s.inside, m.dataKey); err != nil {
			return ofKMS(err)
		}
	}
	return nil
}

// codesOfKMS are SQS's names for KMS's errors.
var codesOfKMS = map[string]string{
	"AccessDeniedException": "KmsAccessDenied", "NotFoundException": "KmsNotFound", "DisabledException": "KmsDisabled",
	"KMSInvalidStateException": "KmsInvalidState", "ThrottlingException": "KmsThrottled",
}

// ofKMS returns an error of KMS as SQS returns it to its caller.
func ofKMS(err error) error {
	var known *kernel.Error
	if !errors.As(err, &known) {
		return err
	}
	code, ok := codesOfKMS[known.Code]
	if !ok {
		return err
	}
	return &kernel.Error{Status: http.StatusBadRequest, Code: code, Message: known.Message}
}
