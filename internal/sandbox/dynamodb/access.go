// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package dynamodb

import (
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/attr"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// find authorizes an action on a table and returns the table. A caller without
// the permission is denied whether or not the table exists. The caller of find
// holds the lock.
func (s *Service) find(c *kernel.Call, name, action string, items ...attr.Item) (*table, error) {
	key, err := keyOf(c, name)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(c, action, key, items...); err != nil {
		return nil, err
	}
	t := s.tables[key]
	if t == nil {
		return nil, kernel.Errorf(http.StatusBadRequest, "ResourceNotFoundException", "Requested resource not found: Table: %s not found", key.name)
	}
	return t, nil
}

// findActive is find for operations that need a table that is ready.
func (s *Service) findActive(c *kernel.Call, name, action string, items ...attr.Item) (*table, error) {
	t, err := s.find(c, name, action, items...)
	if err != nil {
		return nil, err
	}
	if t.status(s.env.Clock.Now()) != "ACTIVE" {
		return nil, kernel.Errorf(http.StatusBadRequest, "ResourceNotFoundException", "Requested resource not found")
	}
	if slices.Contains(itemActions, action) {
		return t, s.open(c, t)
	}
	return t, nil
}

// authorize returns an error if the caller may not use an action on a table.
// Resource policies of tables are not implemented: another account's tables
// cannot be used. The items are those that the request names by their keys.
func (s *Service) authorize(c *kernel.Call, name string, key tableKey, items ...attr.Item) error {
	err := s.env.Authorizer.Authorize(kernel.Authorization{
		Principal:       c.Principal,
		Action:          "dynamodb:" + name,
		Resource:        key.arn(),
		ResourceAccount: key.account,
		Context: map[string][]string{
			"dynamodb:leadingkeys":        leadingKeys(s.tables[key], items),
			"dynamodb:enclosingoperation": enclosingOperation(c),
		},
	})
	var denied *kernel.Error
	if errors.As(err, &denied) && denied.Code == "AccessDenied" {
		return kernel.Errorf(http.StatusBadRequest, "AccessDeniedException", "%s", denied.Message)
	}
	return err
}

// enclosingOperation returns the value of the condition key
// dynamodb:EnclosingOperation, which only members of a transaction have.
func enclosingOperation(c *kernel.Call) []string {
	if strings.HasPrefix(c.Action, "Transact") {
		return []string{c.Action}
	}
	return nil
}

// leadingKeys returns the values of the condition key dynamodb:LeadingKeys: the
// partitions of the items that a request names. A request that names none, such
// as a Scan, and one on a table that does not exist lack the key, and then
// ForAllValues is true (aws-facts 12.17). Each member of a transaction is
// authorized separately, with the partition of its own item (13.1).
func leadingKeys(t *table, items []attr.Item) []string {
	if t == nil {
		return nil
	}
	var partitions []string
	for _, item := range items {
		switch hash := item[t.hash.name]; hash.Kind {
		case attr.String:
			partitions = append(partitions, hash.Text)
		case attr.Num:
			partitions = append(partitions, hash.Num.String())
		case attr.Binary:
			partitions = append(partitions, base64.StdEncoding.EncodeToString(hash.Bin))
		}
	}
	return partitions
}
