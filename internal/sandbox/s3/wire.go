// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package s3

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// S3's encoding: REST with XML bodies.

// unknown is an XML element that a document has and its Go type has not.
type unknown struct{ XMLName xml.Name }

func empty(status int) *kernel.Response {
	return &kernel.Response{Status: status, Header: http.Header{}}
}

func answer(result any) (*kernel.Response, error) {
	body, err := xml.Marshal(result)
	if err != nil {
		return nil, fmt.Errorf("encode an answer of S3: %w", err)
	}
	response := empty(http.StatusOK)
	response.Header.Set("Content-Type", "application/xml")
	response.Body = append([]byte(xml.Header), body...)
	return response, nil
}

// decodeXML decodes a document whose root has a given name, in S3's namespace
// or in none.
func decodeXML(body []byte, root string, out any) error {
	malformed := kernel.Errorf(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	var name struct{ XMLName xml.Name }
	if err := xml.Unmarshal(body, &name); err != nil || name.XMLName.Local != root {
		return malformed
	}
	if err := xml.Unmarshal(body, out); err != nil {
		return malformed
	}
	return nil
}

// settings decodes the body of a call that changes settings.
func settings(c *call, root string, out any) error {
	body, err := payload(c)
	if err != nil {
		return err
	}
	return decodeXML(body, root, out)
}

func iso(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// ownerID returns an account's canonical user ID.
func ownerID(account string) string {
	sum := sha256.Sum256([]byte(account))
	return hex.EncodeToString(sum[:])
}

func hasPrefix(header http.Header, prefix string) bool {
	for name := range header {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
