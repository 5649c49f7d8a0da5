// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package dynamodb is the sandbox's DynamoDB: tables with a hash key and an
// optional range key, items, expressions, transactions, and the settings of a
// table that this project uses. Its protocol is JSON 1.0, as on AWS.
//
// Secondary indexes, streams, PartiQL, global tables, and the legacy parameters
// that expressions replaced are not implemented: a call that uses them returns
// an error. Reads are always consistent. Items past their time to live stay, as
// they do on AWS for days, so readers must filter them.
package dynamodb

import (
	"bytes"
	"encoding/json"
	"errors"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/attr"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

const namespace = "com.amazonaws.dynamodb.v20120810"

// Service is DynamoDB in every account and Region.
type Service struct {
	env kernel.Env

	mu       sync.Mutex
	tables   map[tableKey]*table
	tokens   map[tokenKey]idempotent
	order    []tokenKey // of the tokens, the oldest first
	creating time.Duration
}

// New returns a DynamoDB without tables.
func New(env kernel.Env) *Service {
	return &Service{env: env, tables: map[tableKey]*table{}, tokens: map[tokenKey]idempotent{}}
}

// SetCreationTime sets how long new tables stay CREATING, by the sandbox's
// clock. By default they are ACTIVE at once.
func (s *Service) SetCreationTime(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.creating = d
}

// Action implements kernel.Service.
func (s *Service) Action(r *http.Request, _ []byte) string { return kernel.JSONAction(r) }

// EncodeError implements kernel.Service.
func (s *Service) EncodeError(c *kernel.Call, err *kernel.Error) *kernel.Response {
	return withChecksum(kernel.JSONError(c, namespace, err))
}

// withChecksum adds the checksum that every response of DynamoDB has; the SDK
// expects it.
func withChecksum(r *kernel.Response) *kernel.Response {
	r.Header.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(r.Body)), 10))
	return r
}

// Serve implements kernel.Service.
func (s *Service) Serve(c *kernel.Call) (*kernel.Response, error) {
	if c.Principal == nil {
		return nil, kernel.AnonymousJSONCall()
	}
	response, err := kernel.ServeJSON(s, actions, c)
	if err != nil {
		return nil, err
	}
	return withChecksum(response), nil
}

// action decodes a call's input and executes it.
type action = func(s *Service, c *kernel.Call) (any, error)

var actions map[string]action

func init() {
	actions = map[string]action{
		"CreateTable":               on((*Service).createTable),
		"DescribeTable":             on((*Service).describeTable),
		"UpdateTable":               on((*Service).updateTable),
		"DeleteTable":               on((*Service).deleteTable),
		"ListTables":                on((*Service).listTables),
		"DescribeContinuousBackups": on((*Service).describeContinuousBackups),
		"UpdateContinuousBackups":   on((*Service).updateContinuousBackups),
		"RestoreTableToPointInTime": on((*Service).restoreTableToPointInTime),
		"DescribeTimeToLive":        on((*Service).describeTimeToLive),
		"UpdateTimeToLive":          on((*Service).updateTimeToLive),
		"TagResource":               on((*Service).tagResource),
		"UntagResource":             on((*Service).untagResource),
		"ListTagsOfResource":        on((*Service).listTagsOfResource),
		"GetItem":                   on((*Service).getItem),
		"PutItem":                   on((*Service).putItem),
		"UpdateItem":                on((*Service).updateItem),
		"DeleteItem":                on((*Service).deleteItem),
		"Query":                     on((*Service).query),
		"Scan":                      on((*Service).scan),
		"BatchGetItem":              on((*Service).batchGetItem),
		"BatchWriteItem":            on((*Service).batchWriteItem),
		"TransactGetItems":          on((*Service).transactGetItems),
		"TransactWriteItems":        on((*Service).transactWriteItems),
	}
}

func on[In any](run func(*Service, *kernel.Call, *In) (any, error)) action {
	return func(s *Service, c *kernel.Call) (any, error) {
		in := new(In)
		if err := decode(c, in); err != nil {
			return nil, err
		}
		return run(s, c, in)
	}
}

// decode decodes a call's input. It returns an error for a parameter that this
// package does not implement, instead of ignoring it.
func decode(c *kernel.Call, in any) error {
	decoder := json.NewDecoder(bytes.NewReader(c.Body))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(in)
	if err == nil {
		return nil
	}
	if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		return invalid("The sandbox's DynamoDB does not implement the parameter %s of %s.", name, c.Action)
	}
	var bad attr.InvalidError
	if errors.As(err, &bad) {
		return invalid("%s", string(bad))
	}
	return kernel.Errorf(http.StatusBadRequest, "SerializationException", "The request is not what %s expects: %v", c.Action, err)
}

func invalid(format string, args ...any) *kernel.Error {
	return kernel.Errorf(http.StatusBadRequest, "ValidationException", format, args...)
}

// tableKey identifies a table among all accounts and Regions.
type tableKey struct{ account, region, name string }

func (k tableKey) arn() string {
	return "arn:" + kernel.Partition(k.region) + ":dynamodb:" + k.region + ":" + k.account + ":table/" + k.name
}

// keyOf returns the key of the table that a request names: by its name, which
// is in the caller's account and Region, or by its ARN.
func keyOf(c *kernel.Call, nameOrARN string) (tableKey, error) {
	key := tableKey{account: c.Principal.Account, region: c.Region, name: nameOrARN}
	if parts := strings.SplitN(nameOrARN, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		name, isTable := strings.CutPrefix(parts[5], "table/")
		if !isTable || parts[2] != "dynamodb" || parts[3] != c.Region || parts[1] != kernel.Partition(c.Region) {
			return key, invalid("Invalid table ARN: %s", nameOrARN)
		}
		key.account, key.name = parts[4], name
	}
	if len(key.name) < 3 || len(key.name) > 255 || strings.Trim(key.name, tableNameCharacters) != "" {
		return key, invalid("1 validation error detected: Value '%s' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+ and have a length of 3 to 255", nameOrARN)
	}
	return key, nil
}

const tableNameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
