// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package kms

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// Encryption of data. A ciphertext names its key, and can be decrypted only with
// the encryption context that it was encrypted with.

// envelope is the content of a ciphertext blob.
type envelope struct {
	Key    string `json:"k"` // ARN
	Nonce  []byte `json:"n"`
	Sealed []byte `json:"s"`
}

type dataInput struct {
	KeyId             string
	Plaintext         []byte
	CiphertextBlob    []byte
	EncryptionContext map[string]string
	KeySpec           string
	NumberOfBytes     int
}

// contextKeys returns the condition keys of an encryption context.
func contextKeys(context map[string]string) map[string][]string {
	keys := map[string][]string{"kms:encryptioncontextkeys": nil}
	for name, value := range context {
		keys["kms:encryptioncontext:"+strings.ToLower(name)] = []string{value}
		keys["kms:encryptioncontextkeys"] = append(keys["kms:encryptioncontextkeys"], name)
	}
	return keys
}

// use returns the key that a call names, if the caller may do the action on it
// and the key is enabled.
func (s *Service) use(c *kernel.Call, action, name string, context map[string]string) (*key, error) {
	k, err := s.allowed(c, action, name, contextKeys(context))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return k, k.usable()
}

func (s *Service) generateDataKey(c *kernel.Call, in *dataInput) (any, error) {
	k, err := s.use(c, c.Action, in.KeyId, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	size := map[string]int{"AES_256": 32, "AES_128": 16, "": in.NumberOfBytes}[in.KeySpec]
	if size < 1 || size > 1024 || in.KeySpec != "" && in.NumberOfBytes != 0 {
		return nil, invalid("ValidationException", "Please specify either number of bytes or key spec.")
	}
	plain := make([]byte, size)
	if _, err := io.ReadFull(s.env.Rand, plain); err != nil {
		return nil, fmt.Errorf("generate a data key: %w", err)
	}
	blob, err := s.sealed(k, plain, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"KeyId": k.arn, "CiphertextBlob": blob}
	if c.Action == "GenerateDataKey" {
		out["Plaintext"] = plain
	}
	return out, nil
}

func (s *Service) encrypt(c *kernel.Call, in *dataInput) (any, error) {
	if len(in.Plaintext) == 0 || len(in.Plaintext) > 4096 {
		return nil, invalid("ValidationException", "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length between 1 and 4096")
	}
	k, err := s.use(c, "Encrypt", in.KeyId, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	blob, err := s.sealed(k, in.Plaintext, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	return map[string]any{"KeyId": k.arn, "CiphertextBlob": blob, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}, nil
}

func (s *Service) sealed(k *key, plain []byte, context map[string]string) ([]byte, error) {
	nonce := make([]byte, k.seal.NonceSize())
	if _, err := io.ReadFull(s.env.Rand, nonce); err != nil {
		return nil, fmt.Errorf("encrypt with %s: %w", k.arn, err)
	}
	return json.Marshal(envelope{k.arn, nonce, k.seal.Seal(nil, nonce, plain, authenticatedData(context))})
}

// authenticatedData returns an encryption context as the additional
// authenticated data of a ciphertext: JSON, whose keys are in a fixed order.
func authenticatedData(context map[string]string) []byte {
	if len(context) == 0 {
		return nil
	}
	b, err := json.Marshal(context)
	if err != nil {
		panic(err) // not possible: a map of strings can be encoded
	}
	return b
}

func (s *Service) decrypt(c *kernel.Call, in *dataInput) (any, error) {
	var blob envelope
	if json.Unmarshal(in.CiphertextBlob, &blob) != nil || blob.Key == "" {
		return nil, invalid("InvalidCiphertextException", "")
	}
	k, err := s.use(c, "Decrypt", blob.Key, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	if in.KeyId != "" {
		if named, err := s.find(c, in.KeyId); err != nil || named != k {
			return nil, invalid("IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation.")
		}
	}
	if len(blob.Nonce) != k.seal.NonceSize() {
		return nil, invalid("InvalidCiphertextException", "")
	}
	plain, err := k.seal.Open(nil, blob.Nonce, blob.Sealed, authenticatedData(in.EncryptionContext))
	if err != nil {
		return nil, invalid("InvalidCiphertextException", "")
	}
	return map[string]any{"KeyId": k.arn, "Plaintext": plain, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}, nil
}

// grant is the grant that a service creates when one of its resources begins to
// use a key.
type grant struct {
	GrantId, GranteePrincipal, KeyId string
	Operations                       []string
}

type grantInput struct {
	KeyId, GranteePrincipal string
	Operations              []string
}

// createGrant records a grant to a service. The sandbox's services use the
// permissions of their callers, so no grant is ever used.
func (s *Service) createGrant(c *kernel.Call, in *grantInput) (any, error) {
	if !strings.HasSuffix(in.GranteePrincipal, ".amazonaws.com") {
		return nil, notImplemented("has grants only to AWS services, not to %q.", in.GranteePrincipal)
	}
	k, err := s.allowed(c, "CreateGrant", in.KeyId, map[string][]string{"kms:grantisforawsresource": {"true"}})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := k.usable(); err != nil {
		return nil, err
	}
	g := grant{kernel.NewRequestID(s.env.Rand), in.GranteePrincipal, k.arn, in.Operations}
	k.grants = append(k.grants, g)
	return map[string]string{"GrantId": g.GrantId, "GrantToken": g.GrantId}, nil
}

func (s *Service) listGrants(c *kernel.Call, in *pageInput) (any, error) {
	k, err := s.allowed(c, "ListGrants", in.KeyId, nil)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]any{"Grants": append([]grant{}, k.grants...), "Truncated": false}, in.onePage()
}
