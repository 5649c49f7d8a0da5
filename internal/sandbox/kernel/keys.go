// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package kernel

import (
	"context"
	"maps"
	"strings"
)

// KeyUse is a service's use of a KMS key on behalf of a caller. KMS checks the
// caller's permissions and the key policy (aws-facts 13.4).
type KeyUse struct {
	Principal *Principal
	Service   string // the SigV4 name, such as "sqs", for kms:ViaService
	Region    string
	Account   string            // of the resource; a key's ID or alias is one of this account
	Key       string            // ID, ARN or alias
	Data      map[string]string // encryption context
	// Keys are condition keys that the service adds, such as aws:sourcearn.
	Keys map[string][]string
}

// principal returns the caller as KMS sees it.
func (u KeyUse) principal() *Principal {
	p := *u.Principal
	p.Keys = maps.Clone(u.Principal.Keys)
	if p.Keys == nil {
		p.Keys = map[string][]string{}
	}
	maps.Copy(p.Keys, u.Keys)
	p.Keys["kms:viaservice"] = []string{u.Service + "." + u.Region + ".amazonaws.com"}
	p.Keys["aws:viaawsservice"] = []string{"true"}
	return &p
}

// arn returns the ARN of the key or alias.
func (u KeyUse) arn() string {
	if strings.HasPrefix(u.Key, "arn:") {
		return u.Key
	}
	resource := u.Key
	if !strings.HasPrefix(resource, "alias/") {
		resource = "key/" + resource
	}
	return "arn:" + Partition(u.Region) + ":kms:" + u.Region + ":" + u.Account + ":" + resource
}

func (u KeyUse) call(ctx context.Context, inside Inside, action string, in, out any) error {
	return CallJSON(ctx, inside, u.principal(), u.Region, "kms", "TrentService", action, in, out)
}

// GenerateDataKey returns a new encrypted data key.
func (u KeyUse) GenerateDataKey(ctx context.Context, inside Inside) (blob []byte, err error) {
	var out struct{ CiphertextBlob []byte }
	in := map[string]any{"KeyId": u.arn(), "KeySpec": "AES_256", "EncryptionContext": u.Data}
	err = u.call(ctx, inside, "GenerateDataKey", in, &out)
	return out.CiphertextBlob, err
}

// Decrypt checks that the caller can decrypt a data key.
func (u KeyUse) Decrypt(ctx context.Context, inside Inside, blob []byte) error {
	return u.call(ctx, inside, "Decrypt", map[string]any{"CiphertextBlob": blob, "EncryptionContext": u.Data}, nil)
}

// Adopt creates the grant with which the service's resource uses the key, and
// returns the key's ARN.
func (u KeyUse) Adopt(ctx context.Context, inside Inside, operations ...string) (arn string, err error) {
	var out struct {
		KeyMetadata struct{ Arn string }
	}
	if err := u.call(ctx, inside, "DescribeKey", map[string]any{"KeyId": u.arn()}, &out); err != nil {
		return "", err
	}
	grantee := u.Service + "." + u.Region + ".amazonaws.com"
	in := map[string]any{"KeyId": out.KeyMetadata.Arn, "GranteePrincipal": grantee, "Operations": operations}
	return out.KeyMetadata.Arn, u.call(ctx, inside, "CreateGrant", in, nil)
}
