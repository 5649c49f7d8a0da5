// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package dynamodb

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/attr"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

type keyElement struct {
	AttributeName string
	KeyType       string
}

type attributeDefinition struct {
	AttributeName string
	AttributeType attr.Kind
}

type tag struct{ Key, Value string }

type createTableInput struct {
	TableName                 string
	AttributeDefinitions      []attributeDefinition
	KeySchema                 []keyElement
	BillingMode               string
	DeletionProtectionEnabled bool
	TableClass                string
	Tags                      []tag
	SSESpecification          *encryptionInput
}

type tableDescription struct {
	TableName                 string
	TableArn                  string
	TableId                   string
	TableStatus               string
	CreationDateTime          float64
	AttributeDefinitions      []attributeDefinition
	KeySchema                 []keyElement
	BillingModeSummary        map[string]any
	ProvisionedThroughput     map[string]any
	DeletionProtectionEnabled bool
	TableClassSummary         map[string]string `json:",omitempty"`
	SSEDescription            map[string]string `json:",omitempty"`
	RestoreSummary            map[string]any    `json:",omitempty"`
	ItemCount                 int
	TableSizeBytes            int
}

func (t *table) describe(now time.Time) tableDescription {
	d := tableDescription{
		TableName: t.key.name, TableArn: t.key.arn(), TableId: t.id,
		TableStatus: t.status(now), CreationDateTime: seconds(t.created),
		BillingModeSummary:        map[string]any{"BillingMode": "PAY_PER_REQUEST", "LastUpdateToPayPerRequestDateTime": seconds(t.created)},
		ProvisionedThroughput:     map[string]any{"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
		DeletionProtectionEnabled: t.protected,
		ItemCount:                 t.items, TableSizeBytes: t.bytes,
	}
	if t.class != "" {
		d.TableClassSummary = map[string]string{"TableClass": t.class}
	}
	if t.encryption != nil {
		d.SSEDescription = map[string]string{"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": t.encryption.arn}
	}
	for i, k := range t.keys() {
		d.AttributeDefinitions = append(d.AttributeDefinitions, attributeDefinition{k.name, k.kind})
		d.KeySchema = append(d.KeySchema, keyElement{k.name, []string{"HASH", "RANGE"}[i]})
	}
	return d
}

// seconds returns a time in DynamoDB's format.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func (s *Service) createTable(c *kernel.Call, in *createTableInput) (any, error) {
	key, err := keyOf(c, in.TableName)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(c, "CreateTable", key); err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 {
		if err := s.authorize(c, "TagResource", key); err != nil {
			return nil, err
		}
	}
	t, err := newTable(key, in)
	if err != nil {
		return nil, err
	}
	if t.encryption, err = s.encrypt(c, key, in.SSESpecification); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tables[key] != nil {
		return nil, kernel.Errorf(http.StatusBadRequest, "ResourceInUseException", "Table already exists: %s", key.name)
	}
	now := s.env.Clock.Now()
	t.id = kernel.NewRequestID(s.env.Rand)
	t.created, t.active = now, now.Add(s.creating)
	s.tables[key] = t
	return map[string]any{"TableDescription": t.describe(now)}, nil
}

func newTable(key tableKey, in *createTableInput) (*table, error) {
	switch {
	case in.BillingMode != "PAY_PER_REQUEST":
		return nil, invalid("One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED. (The sandbox's DynamoDB implements PAY_PER_REQUEST only.)")
	case in.TableClass != "" && in.TableClass != "STANDARD" && in.TableClass != "STANDARD_INFREQUENT_ACCESS":
		return nil, invalid("1 validation error detected: Value '%s' at 'tableClass' failed to satisfy constraint: Member must satisfy enum value set: [STANDARD, STANDARD_INFREQUENT_ACCESS]", in.TableClass)
	}
	t := &table{key: key, protected: in.DeletionProtectionEnabled, class: in.TableClass, tags: map[string]string{}}
	kinds := map[string]attr.Kind{}
	for _, d := range in.AttributeDefinitions {
		if !d.AttributeType.Ordered() {
			return nil, invalid("1 validation error detected: Value '%s' at 'attributeDefinitions.attributeType' failed to satisfy constraint: Member must satisfy enum value set: [B, N, S]", d.AttributeType)
		}
		kinds[d.AttributeName] = d.AttributeType
	}
	if err := t.setSchema(in.KeySchema, kinds); err != nil {
		return nil, err
	}
	if len(kinds) != len(t.keys()) {
		return nil, invalid("One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	return t, setTags(t.tags, in.Tags)
}

func (t *table) setSchema(schema []keyElement, kinds map[string]attr.Kind) error {
	for i, element := range schema {
		kind, ok := kinds[element.AttributeName]
		if !ok {
			return invalid("One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [%s]", element.AttributeName)
		}
		k := keyAttribute{name: element.AttributeName, kind: kind}
		switch {
		case i == 0 && element.KeyType == "HASH":
			t.hash = k
		case i == 1 && element.KeyType == "RANGE" && k.name != t.hash.name:
			t.sort = &k
		default:
			return invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type, or the second is not a RANGE key of another name")
		}
	}
	if t.hash.name == "" {
		return invalid("1 validation error detected: Value '[]' at 'keySchema' failed to satisfy constraint: Member must have length greater than or equal to 1")
	}
	return nil
}

type tableInput struct{ TableName string }

func (s *Service) describeTable(c *kernel.Call, in *tableInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(c, in.TableName, "DescribeTable")
	if err != nil {
		return nil, err
	}
	return map[string]any{"Table": t.describe(s.env.Clock.Now())}, nil
}

type updateTableInput struct {
	TableName                 string
	BillingMode               string
	DeletionProtectionEnabled *bool
	TableClass                string
	SSESpecification          *encryptionInput
}

func (s *Service) updateTable(c *kernel.Call, in *updateTableInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(c, in.TableName, "UpdateTable")
	if err != nil {
		return nil, err
	}
	now := s.env.Clock.Now()
	switch {
	case t.status(now) != "ACTIVE":
		return nil, inUse(t)
	case in.BillingMode != "" && in.BillingMode != "PAY_PER_REQUEST":
		return nil, invalid("The sandbox's DynamoDB implements the billing mode PAY_PER_REQUEST only.")
	case in.BillingMode == "" && in.DeletionProtectionEnabled == nil && in.TableClass == "" && in.SSESpecification == nil:
		return nil, invalid("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
	}
	if in.SSESpecification != nil {
		encryption, err := s.encrypt(c, t.key, in.SSESpecification)
		if err != nil {
			return nil, err
		}
		t.encryption = encryption
	}
	if in.DeletionProtectionEnabled != nil {
		t.protected = *in.DeletionProtectionEnabled
	}
	if in.TableClass != "" {
		t.class = in.TableClass
	}
	return map[string]any{"TableDescription": t.describe(now)}, nil
}

func inUse(t *table) *kernel.Error {
	return kernel.Errorf(http.StatusBadRequest, "ResourceInUseException", "Attempt to change a resource which is still in use: Table is being created: %s", t.key.name)
}

func (s *Service) deleteTable(c *kernel.Call, in *tableInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(c, in.TableName, "DeleteTable")
	if err != nil {
		return nil, err
	}
	now := s.env.Clock.Now()
	switch {
	case t.status(now) != "ACTIVE":
		return nil, inUse(t)
	case t.protected:
		return nil, invalid("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	}
	delete(s.tables, t.key)
	description := t.describe(now)
	description.TableStatus = "DELETING"
	return map[string]any{"TableDescription": description}, nil
}

type listTablesInput struct {
	ExclusiveStartTableName string
	Limit                   *int
}

func (s *Service) listTables(c *kernel.Call, in *listTablesInput) (any, error) {
	own := tableKey{account: c.Principal.Account, region: c.Region, name: "*"}
	if err := s.authorize(c, "ListTables", own); err != nil {
		return nil, err
	}
	limit := 100
	if in.Limit != nil {
		limit = *in.Limit
	}
	if limit < 1 || limit > 100 {
		return nil, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must be between 1 and 100", limit)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	names := []string{}
	for key := range maps.Keys(s.tables) {
		if key.account == own.account && key.region == own.region && key.name > in.ExclusiveStartTableName {
			names = append(names, key.name)
		}
	}
	slices.Sort(names)
	result := map[string]any{"TableNames": names}
	if len(names) > limit {
		result["TableNames"] = names[:limit]
		result["LastEvaluatedTableName"] = names[limit-1]
	}
	return result, nil
}
