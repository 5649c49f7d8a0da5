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

// This file has S3's encoding: REST with XML bodies.

// unknown is an XML element for which a Go type has no field.
type unknown struct{ XMLName xml.Name }

func empty(status int) *kernel.Response {
	return &kernel.Response{Status: status, Header: http.Header{}}
}

// xmlResponse returns a response with the XML of a result.
func xmlResponse(result any) (*kernel.Response, error) {
	body, err := xml.Marshal(result)
	if err != nil {
		return nil, fmt.Errorf("encode a response of S3: %w", err)
	}
	response := empty(http.StatusOK)
	response.Header.Set("Content-Type", "application/xml")
	response.Body = append([]byte(xml.Header), body...)
	return response, nil
}

// decodeXML decodes a document into out. It returns an error if the root does
// not have the given name; any namespace is accepted.
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

// settings decodes the body of a call that changes a setting.
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
