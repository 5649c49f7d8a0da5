// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package dynamodb

import (
	"errors"
	"net/http"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// This file has encryption with a KMS key. The creator of a table needs
// kms:DescribeKey, kms:CreateGrant and kms:GenerateDataKey, and a reader or
// writer of items needs kms:Decrypt, by the key's policy and with
// kms:ViaService (aws-facts 13.4). DynamoDB caches a caller's table key for
// five minutes; the sandbox calls KMS for each call, so that a change of the
// key or its policy takes effect at once.

type encryptionInput struct {
	Enabled        bool
	SSEType        string
	KMSMasterKeyId string
}

// encryption is the encryption of a table with a KMS key.
type encryption struct {
	arn      string // of the KMS key
	tableKey []byte // encrypted
}

func (s *Service) keyUse(c *kernel.Call, table tableKey, key string) kernel.KeyUse {
	return kernel.KeyUse{
		Principal: c.Principal, Service: "dynamodb", Region: table.region, Account: table.account, Key: key,
		Data: map[string]string{"aws:dynamodb:tableName": table.name, "aws:dynamodb:subscriberId": table.account},
	}
}

// encrypt returns the encryption of a table with the KMS key in the input, or
// if that names none, with the account's key for DynamoDB. It returns nil for a
// table that uses DynamoDB's own key.
func (s *Service) encrypt(c *kernel.Call, table tableKey, in *encryptionInput) (*encryption, error) {
	switch {
	case in == nil || !in.Enabled:
		if in != nil && in.KMSMasterKeyId != "" {
			return nil, invalid("One or more parameter values were invalid: KMSMasterKeyId is not allowed when SSE is disabled")
		}
		return nil, nil
	case in.SSEType != "" && in.SSEType != "KMS":
		return nil, invalid("One or more parameter values were invalid: SSEType %s is not supported", in.SSEType)
	}
	key := in.KMSMasterKeyId
	if key == "" {
		key = "alias/aws/dynamodb"
	}
	arn, err := s.keyUse(c, table, key).Adopt(c.Context, s.env.Inside, "Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "DescribeKey", "RetireGrant")
	if err != nil {
		return nil, ofKMS(err)
	}
	blob, err := s.keyUse(c, table, arn).GenerateDataKey(c.Context, s.env.Inside)
	return &encryption{arn, blob}, ofKMS(err)
}

// itemActions are the actions that need a table's key.
var itemActions = []string{"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem", "ConditionCheckItem"}

// open decrypts a table's key for a caller, and returns an error if KMS refuses
// that. KMS does not call DynamoDB, so the lock may be held.
func (s *Service) open(c *kernel.Call, t *table) error {
	if t.encryption == nil {
		return nil
	}
	return ofKMS(s.keyUse(c, t.key, t.encryption.arn).Decrypt(c.Context, s.env.Inside, t.encryption.tableKey))
}

// ofKMS returns an error of KMS as DynamoDB returns it to its caller.
func ofKMS(err error) error {
	var known *kernel.Error
	if !errors.As(err, &known) {
		return err
	}
	switch known.Code {
	case "AccessDeniedException":
		return kernel.Errorf(http.StatusBadRequest, "AccessDeniedException", "KMS key access denied error: %s", known.Message)
	case "NotFoundException", "DisabledException", "KMSInvalidStateException":
		return kernel.Errorf(http.StatusBadRequest, "ValidationException", "One or more parameter values were invalid: KMS key access error: %s: %s", strings.TrimSuffix(known.Code, "Exception"), known.Message)
	default:
		return err
	}
}
