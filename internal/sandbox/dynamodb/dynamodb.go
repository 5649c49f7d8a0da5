// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package dynamodb is the sandbox's DynamoDB: tables with a hash key and an
// optional range key, items, expressions, transactions, and the settings of a
// table that this project uses. It speaks JSON 1.0 as the real one does.
//
// It has no secondary indexes, no streams, no PartiQL, no global tables, and
// none of the parameters from before expressions; it refuses them. Reads are
// always consistent. Items past their time to live stay, as they do on AWS for
// days: who must not see them has to filter.
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

// New makes a DynamoDB without tables.
func New(env kernel.Env) *Service {
	return &Service{env: env, tables: map[tableKey]*table{}, tokens: map[tokenKey]idempotent{}}
}

// SetCreationTime lets tables that are created from now on be CREATING for a
// while, by the sandbox's clock. They are ACTIVE at once unless it is called.
func (s *Service) SetCreationTime(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.creating = d
}

// Action implements kernel.Service.
func (s *Service) Action(r *http.Request, _ []byte) string { return kernel.JSONAction(r) }

// EncodeError implements kernel.Service.
func (s *Service) EncodeError(c *kernel.Call, err *kernel.Error) *kernel.Response {
	return summed(kernel.JSONError(c, namespace, err))
}

// summed adds the checksum that every answer of DynamoDB carries; the SDK
// complains about answers without it.
func summed(r *kernel.Response) *kernel.Response {
	r.Header.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(r.Body)), 10))
	return r
}

// Serve implements kernel.Service.
func (s *Service) Serve(c *kernel.Call) (*kernel.Response, error) {
	run, ok := actions[c.Action]
	if !ok {
		return nil, kernel.UnknownJSONAction(c)
	}
	if c.Principal == nil {
		return nil, kernel.Errorf(http.StatusBadRequest, "MissingAuthenticationTokenException", "Request is missing Authentication Token")
	}
	result, err := run(s, c)
	if err != nil {
		return nil, err
	}
	response, err := kernel.JSONResult(c, result)
	if err != nil {
		return nil, err
	}
	return summed(response), nil
}

// action decodes a call's input and carries it out.
type action func(s *Service, c *kernel.Call) (any, error)

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

// decode is strict: a parameter that this package does not know would
// otherwise be a promise that it does not keep.
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

// authorize asks whether the caller may use an action on a table. There are no
// resource policies on tables here: another account's tables are out of reach.
// The items are those that the request names by their keys.
func (s *Service) authorize(c *kernel.Call, name string, key tableKey, items ...attr.Item) error {
	err := s.env.Authorizer.Authorize(kernel.Authorization{
		Principal:       c.Principal,
		Action:          "dynamodb:" + name,
		Resource:        key.arn(),
		ResourceAccount: key.account,
		Context:         s.leadingKeys(key, items),
	})
	var denied *kernel.Error
	if errors.As(err, &denied) && denied.Code == "AccessDenied" {
		return kernel.Errorf(http.StatusBadRequest, "AccessDeniedException", "%s", denied.Message)
	}
	return err
}

// leadingKeys is the condition key dynamodb:LeadingKeys: in which partitions the
// request's items are. It is there for what names single items to read or write;
// a policy that asks for it elsewhere is refused, as any key that is unknown.
func (s *Service) leadingKeys(key tableKey, items []attr.Item) map[string][]string {
	if len(items) == 0 || s.tables[key] == nil {
		return nil
	}
	name := s.tables[key].hash.name
	var partitions []string
	for _, item := range items {
		if hash := item[name]; hash.Kind == attr.String {
			partitions = append(partitions, hash.Text)
		}
	}
	return map[string][]string{"dynamodb:leadingkeys": partitions}
}

// tableKey names a table among all accounts and Regions.
type tableKey struct{ account, region, name string }

func (k tableKey) arn() string {
	return "arn:" + kernel.Partition(k.region) + ":dynamodb:" + k.region + ":" + k.account + ":table/" + k.name
}

// keyOf finds which table a request means: by its name, which is in the
// caller's account and Region, or by its ARN.
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

// find authorizes an action on a table and gives the table. Who may not know
// of it is told so before it is said whether it exists. The lock must be held.
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

// findActive is find for what needs a table that is ready.
func (s *Service) findActive(c *kernel.Call, name, action string, items ...attr.Item) (*table, error) {
	t, err := s.find(c, name, action, items...)
	if err != nil {
		return nil, err
	}
	if t.status(s.env.Clock.Now()) != "ACTIVE" {
		return nil, kernel.Errorf(http.StatusBadRequest, "ResourceNotFoundException", "Requested resource not found")
	}
	return t, nil
}
