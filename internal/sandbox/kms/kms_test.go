// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package kms_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

const (
	vendor   = sandbox.VendorAccount
	customer = "222222222222"
	region   = "eu-west-1"
)

func start(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	s, err := sandbox.Start()
	noError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func client(s *sandbox.Sandbox, c sandbox.Credentials) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: region, HTTPClient: awsclient.HTTPClient(), BaseEndpoint: aws.String(s.URL()), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
	})
}

func admin(t *testing.T, s *sandbox.Sandbox, account string) *sdk.Client {
	t.Helper()
	c, err := s.Credentials(account)
	noError(t, err)
	return client(s, c)
}

func user(t *testing.T, s *sandbox.Sandbox, account, name, policy string) *sdk.Client {
	t.Helper()
	c, err := s.NewUser(account, name, policy)
	noError(t, err)
	return client(s, c)
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, code, part string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), part) {
		t.Fatalf("got %v, want %s with %q", err, code, part)
	}
}

func create(t *testing.T, c *sdk.Client, policy string) string {
	t.Helper()
	in := &sdk.CreateKeyInput{Description: aws.String("for the hub")}
	if policy != "" {
		in.Policy = &policy
	}
	out, err := c.CreateKey(context.Background(), in)
	noError(t, err)
	return *out.KeyMetadata.Arn
}

func generate(c *sdk.Client, key string) (*sdk.GenerateDataKeyOutput, error) {
	return c.GenerateDataKey(context.Background(), &sdk.GenerateDataKeyInput{
		KeyId: &key, KeySpec: types.DataKeySpecAes256, EncryptionContext: map[string]string{"queue": "jobs"},
	})
}

const (
	everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	nothing    = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"sns:*","Resource":"*"}]}`
	// ownOnly is a key policy that lets one user use and administer the key.
	ownOnly = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/admin"},"Action":"kms:*","Resource":"*"}]}`
)

func TestOnlyPrincipalsInTheKeyPolicyCanUseAKey(t *testing.T) {
	t.Parallel()
	s := start(t)
	own := admin(t, s, vendor)
	for name, test := range map[string]struct {
		policy  string
		caller  *sdk.Client
		allowed bool
	}{
		"the default policy delegates to IAM":           {"", user(t, s, vendor, "a", everything), true},
		"the default policy, and IAM does not allow it": {"", user(t, s, vendor, "b", nothing), false},
		"a policy that names another user":              {ownOnly, user(t, s, vendor, "c", everything), false},
		"a policy that names the caller":                {ownOnly, own, true},
		"another account":                               {"", admin(t, s, customer), false},
		"a policy that names the other account": {
			strings.Replace(ownOnly, `"arn:aws:iam::111111111111:user/admin"`, `["arn:aws:iam::111111111111:user/admin","222222222222"]`, 1), admin(t, s, customer), true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := generate(test.caller, create(t, own, test.policy))
			if !test.allowed {
				wantCode(t, err, "AccessDeniedException", "kms:GenerateDataKey")
			} else {
				noError(t, err)
			}
		})
	}
}

func TestDecryptionNeedsTheEncryptionContext(t *testing.T) {
	t.Parallel()
	c := admin(t, start(t), vendor)
	key := create(t, c, "")
	made, err := generate(c, key)
	noError(t, err)
	opened, err := c.Decrypt(t.Context(), &sdk.DecryptInput{CiphertextBlob: made.CiphertextBlob, EncryptionContext: map[string]string{"queue": "jobs"}})
	noError(t, err)
	if len(opened.Plaintext) != 32 || string(opened.Plaintext) != string(made.Plaintext) || *opened.KeyId != key {
		t.Errorf("got %d bytes of %s", len(opened.Plaintext), *opened.KeyId)
	}
	_, err = c.Decrypt(t.Context(), &sdk.DecryptInput{CiphertextBlob: made.CiphertextBlob, EncryptionContext: map[string]string{"queue": "others"}})
	wantCode(t, err, "InvalidCiphertextException", "")
	_, err = c.Decrypt(t.Context(), &sdk.DecryptInput{CiphertextBlob: made.CiphertextBlob[1:], EncryptionContext: map[string]string{"queue": "jobs"}})
	wantCode(t, err, "InvalidCiphertextException", "")
	sealed, err := c.Encrypt(t.Context(), &sdk.EncryptInput{KeyId: &key, Plaintext: []byte("hello")})
	noError(t, err)
	if opened, err = c.Decrypt(t.Context(), &sdk.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, KeyId: &key}); err != nil || string(opened.Plaintext) != "hello" {
		t.Errorf("got %v, %v", opened, err)
	}
}

func TestAKeyPolicyIsReadAndWritten(t *testing.T) {
	t.Parallel()
	c := admin(t, start(t), vendor)
	key := create(t, c, "")
	write := func(policy string) error {
		_, err := c.PutKeyPolicy(t.Context(), &sdk.PutKeyPolicyInput{KeyId: &key, Policy: &policy, PolicyName: aws.String("default")})
		return err
	}
	noError(t, write(ownOnly))
	got, err := c.GetKeyPolicy(t.Context(), &sdk.GetKeyPolicyInput{KeyId: &key})
	if err != nil || *got.Policy != ownOnly {
		t.Errorf("got %v, %v", got, err)
	}
	wantCode(t, write(strings.Replace(ownOnly, "user/admin", "user/nobody", 1)), "MalformedPolicyDocumentException", "invalid principals")
	wantCode(t, write(strings.Replace(ownOnly, "kms:*", "kms:Decrypt", 1)), "MalformedPolicyDocumentException", "in the future")
	wantCode(t, write("{"), "MalformedPolicyDocumentException", "")
}

func TestAKeyCanBeDisabledAndDeleted(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := admin(t, s, vendor)
	key := create(t, c, "")
	_, err := c.DisableKey(t.Context(), &sdk.DisableKeyInput{KeyId: &key})
	noError(t, err)
	_, err = generate(c, key)
	wantCode(t, err, "DisabledException", "is disabled")
	_, err = c.EnableKey(t.Context(), &sdk.EnableKeyInput{KeyId: &key})
	noError(t, err)
	_, err = c.ScheduleKeyDeletion(t.Context(), &sdk.ScheduleKeyDeletionInput{KeyId: &key, PendingWindowInDays: aws.Int32(7)})
	noError(t, err)
	_, err = generate(c, key)
	wantCode(t, err, "KMSInvalidStateException", "pending deletion")
	described, err := c.DescribeKey(t.Context(), &sdk.DescribeKeyInput{KeyId: &key})
	if err != nil || described.KeyMetadata.KeyState != types.KeyStatePendingDeletion || described.KeyMetadata.DeletionDate == nil {
		t.Errorf("got %+v, %v", described, err)
	}
	s.Clock().Advance(8 * 24 * time.Hour)
	_, err = c.DescribeKey(t.Context(), &sdk.DescribeKeyInput{KeyId: &key})
	wantCode(t, err, "NotFoundException", "does not exist")
}

func TestAnAliasRefersToAKey(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := admin(t, s, vendor)
	key := create(t, c, "")
	_, err := c.CreateAlias(t.Context(), &sdk.CreateAliasInput{AliasName: aws.String("alias/hub"), TargetKeyId: &key})
	noError(t, err)
	for _, name := range []string{"alias/hub", "arn:aws:kms:eu-west-1:111111111111:alias/hub", key[strings.LastIndexByte(key, '/')+1:]} {
		if got, err := c.DescribeKey(t.Context(), &sdk.DescribeKeyInput{KeyId: &name}); err != nil || *got.KeyMetadata.Arn != key {
			t.Errorf("%s refers to %v, %v", name, got, err)
		}
	}
	for name, code := range map[string]string{"alias/other": "NotFoundException", "arn:aws:kms:eu-west-1:alias/x": "NotFoundException", "": "ValidationException"} {
		if _, err := c.DescribeKey(t.Context(), &sdk.DescribeKeyInput{KeyId: &name}); err == nil {
			t.Errorf("%q refers to a key, want %s", name, code)
		}
	}
	_, err = admin(t, s, customer).DescribeKey(t.Context(), &sdk.DescribeKeyInput{KeyId: aws.String("arn:aws:kms:eu-west-1:111111111111:key/absent")})
	wantCode(t, err, "AccessDeniedException", "kms:DescribeKey")
	_, err = admin(t, s, customer).PutKeyPolicy(t.Context(), &sdk.PutKeyPolicyInput{KeyId: aws.String("arn:aws:kms:eu-west-1:111111111111:key/absent"), Policy: aws.String(ownOnly)})
	wantCode(t, err, "AccessDeniedException", "kms:PutKeyPolicy")
	listed, err := c.ListAliases(t.Context(), &sdk.ListAliasesInput{})
	if err != nil || len(listed.Aliases) != 1 {
		t.Errorf("got %v, %v", listed, err)
	}
}

func TestAServicesOwnKeyIsUsedOnlyThroughTheService(t *testing.T) {
	t.Parallel()
	c := admin(t, start(t), vendor)
	_, err := generate(c, "alias/aws/sqs")
	wantCode(t, err, "AccessDeniedException", "kms:GenerateDataKey")
	got, err := c.DescribeKey(t.Context(), &sdk.DescribeKeyInput{KeyId: aws.String("alias/aws/sqs")})
	if err != nil || got.KeyMetadata.KeyManager != types.KeyManagerTypeAws {
		t.Errorf("got %v, %v", got, err)
	}
	_, err = c.PutKeyPolicy(t.Context(), &sdk.PutKeyPolicyInput{KeyId: got.KeyMetadata.Arn, Policy: aws.String(ownOnly)})
	wantCode(t, err, "AccessDeniedException", "")
}

func TestUnimplementedFeaturesAreRefused(t *testing.T) {
	t.Parallel()
	c := admin(t, start(t), vendor)
	_, err := c.CreateKey(t.Context(), &sdk.CreateKeyInput{KeySpec: types.KeySpecRsa2048, KeyUsage: types.KeyUsageTypeSignVerify})
	wantCode(t, err, "UnsupportedOperationException", "symmetric")
	_, err = c.EnableKeyRotation(t.Context(), &sdk.EnableKeyRotationInput{KeyId: aws.String("x")})
	wantCode(t, err, "UnknownOperationException", "EnableKeyRotation")
}
