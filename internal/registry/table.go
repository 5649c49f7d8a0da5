// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
)

// tableTimeout is how long to wait for the creation or deletion of a table. AWS needs
// seconds.
const tableTimeout = 10 * time.Minute

// TableSpec is the desired configuration of a hub's table.
type TableSpec struct {
	Tags map[string]string
	Key  account.KMSKeyARN // zero: a key owned by DynamoDB
}

// EnsureTable creates the hub's table, or completes it: deletion protection,
// encryption, point-in-time recovery, expiry and tags. After a crash another call
// continues.
func (r *Registry) EnsureTable(ctx context.Context, spec TableSpec) error {
	table, err := r.describe(ctx)
	if err == nil && table.TableStatus == types.TableStatusDeleting {
		if err := r.waitGone(ctx); err != nil {
			return err
		}
		table, err = r.describe(ctx)
	}
	switch {
	case awsclient.IsNotFound(err):
		if table, err = r.createTable(ctx, spec); err != nil {
			return err
		}
	case err != nil:
		return fmt.Errorf("describe table %s: %w", r.table, err)
	}
	if err := r.waitActive(ctx, table); err != nil {
		return err
	}
	if !aws.ToBool(table.DeletionProtectionEnabled) {
		if err := r.protect(ctx, true); err != nil {
			return err
		}
	}
	if encryptionKeyOf(table) != spec.Key.String() {
		if err := r.encrypt(ctx, spec.Key); err != nil {
			return err
		}
	}
	if err := r.ensureExpiry(ctx); err != nil {
		return err
	}
	if err := r.ensureRecovery(ctx); err != nil {
		return err
	}
	return r.ensureTags(ctx, aws.ToString(table.TableArn), spec.Tags)
}

// TableState contains the protection settings of the hub's table.
type TableState struct {
	ID                  string // assigned by AWS, different for each table of the same name
	Protected           bool   // deletion protection is on
	Key                 string // ARN of the KMS key; empty for a key owned by DynamoDB
	TimeToLive          bool   // time to live is on
	PointInTimeRecovery bool   // point-in-time recovery is on
}

// TableState returns the settings of the table. It makes three concurrent calls.
func (r *Registry) TableState(ctx context.Context) (TableState, error) {
	var state TableState
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		table, err := r.describe(ctx)
		if err != nil {
			return fmt.Errorf("describe table %s: %w", r.table, err)
		}
		state.ID = aws.ToString(table.TableId)
		state.Protected, state.Key = aws.ToBool(table.DeletionProtectionEnabled), encryptionKeyOf(table)
		return nil
	})
	group.Go(func() (err error) { state.TimeToLive, err = r.timeToLiveOn(ctx); return err })
	group.Go(func() (err error) { state.PointInTimeRecovery, err = r.recoveryOn(ctx); return err })
	return state, group.Wait()
}

// encryptionKeyOf returns the ARN of a table's KMS key; empty if it has a key owned by
// DynamoDB.
func encryptionKeyOf(table types.TableDescription) string {
	if d := table.SSEDescription; d != nil && (d.Status == types.SSEStatusEnabled || d.Status == types.SSEStatusEnabling || d.Status == types.SSEStatusUpdating) {
		return aws.ToString(d.KMSMasterKeyArn)
	}
	return ""
}

func encryption(key account.KMSKeyARN) *types.SSESpecification {
	if key.IsZero() {
		return &types.SSESpecification{Enabled: aws.Bool(false)}
	}
	return &types.SSESpecification{Enabled: aws.Bool(true), SSEType: types.SSETypeKms, KMSMasterKeyId: aws.String(key.String())}
}

// encrypt changes the key of the table. The table remains usable meanwhile.
func (r *Registry) encrypt(ctx context.Context, key account.KMSKeyARN) error {
	_, err := r.client.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: &r.table, SSESpecification: encryption(key)})
	if err != nil {
		return fmt.Errorf("encrypt table %s: %w", r.table, err)
	}
	return r.waitActive(ctx, types.TableDescription{TableStatus: types.TableStatusUpdating})
}

func (r *Registry) waitActive(ctx context.Context, table types.TableDescription) error {
	if table.TableStatus == types.TableStatusActive {
		return nil
	}
	waiter := dynamodb.NewTableExistsWaiter(r.client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = time.Second, 5*time.Second
	})
	if err := waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &r.table}, tableTimeout); err != nil {
		return fmt.Errorf("wait for table %s: %w", r.table, err)
	}
	return nil
}

// TableID returns the ID that AWS assigned to the table. It is different for each table
// of the same name.
func (r *Registry) TableID(ctx context.Context) (string, error) {
	table, err := r.describe(ctx)
	if err != nil {
		return "", fmt.Errorf("describe table %s: %w", r.table, err)
	}
	return aws.ToString(table.TableId), nil
}

func (r *Registry) describe(ctx context.Context) (types.TableDescription, error) {
	out, err := r.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &r.table})
	if err != nil {
		return types.TableDescription{}, err
	}
	return *out.Table, nil
}

func (r *Registry) createTable(ctx context.Context, spec TableSpec) (types.TableDescription, error) {
	input := &dynamodb.CreateTableInput{
		TableName: &r.table,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
		},
		BillingMode:               types.BillingModePayPerRequest,
		DeletionProtectionEnabled: aws.Bool(true),
		Tags:                      tableTags(spec.Tags),
	}
	if !spec.Key.IsZero() {
		input.SSESpecification = encryption(spec.Key)
	}
	out, err := r.client.CreateTable(ctx, input)
	if awsclient.HasCode(err, "ResourceInUseException") {
		return r.describe(ctx) // another process created the table first
	}
	if err != nil {
		return types.TableDescription{}, fmt.Errorf("create table %s: %w", r.table, err)
	}
	return *out.TableDescription, nil
}

func (r *Registry) protect(ctx context.Context, on bool) error {
	_, err := r.client.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: &r.table, DeletionProtectionEnabled: &on})
	if err != nil {
		return fmt.Errorf("set deletion protection of table %s to %t: %w", r.table, on, err)
	}
	return nil
}

func (r *Registry) timeToLiveOn(ctx context.Context) (bool, error) {
	out, err := r.client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &r.table})
	if err != nil {
		return false, fmt.Errorf("describe the time to live of table %s: %w", r.table, err)
	}
	d := out.TimeToLiveDescription
	return d != nil && (d.TimeToLiveStatus == types.TimeToLiveStatusEnabled || d.TimeToLiveStatus == types.TimeToLiveStatusEnabling), nil
}

func (r *Registry) ensureExpiry(ctx context.Context) error {
	if on, err := r.timeToLiveOn(ctx); on || err != nil {
		return err
	}
	_, err := r.client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName:               &r.table,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("expires"), Enabled: aws.Bool(true)},
	})
	if err != nil {
		return fmt.Errorf("enable time to live on table %s: %w", r.table, err)
	}
	return nil
}

func (r *Registry) recoveryOn(ctx context.Context) (bool, error) {
	out, err := r.client.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &r.table})
	if err != nil {
		return false, fmt.Errorf("describe the backups of table %s: %w", r.table, err)
	}
	d := out.ContinuousBackupsDescription
	return d != nil && d.PointInTimeRecoveryDescription != nil &&
		d.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus == types.PointInTimeRecoveryStatusEnabled, nil
}

// ensureRecovery enables point-in-time recovery. It retries, because a new table does
// not accept that for some seconds after it becomes active.
func (r *Registry) ensureRecovery(ctx context.Context) error {
	on, err := r.recoveryOn(ctx)
	if on || err != nil {
		return err
	}
	const attempts = 20
	for range attempts {
		_, err = r.client.UpdateContinuousBackups(ctx, &dynamodb.UpdateContinuousBackupsInput{
			TableName:                        &r.table,
			PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(true)},
		})
		if !awsclient.HasCode(err, "ContinuousBackupsUnavailableException") {
			break
		}
		if waited := r.sleep(ctx, 3*time.Second); waited != nil {
			return waited
		}
	}
	if err != nil {
		return fmt.Errorf("enable point-in-time recovery of table %s: %w", r.table, err)
	}
	return nil
}

func (r *Registry) ensureTags(ctx context.Context, arn string, want map[string]string) error {
	have := map[string]string{}
	for input := (&dynamodb.ListTagsOfResourceInput{ResourceArn: &arn}); ; {
		out, err := r.client.ListTagsOfResource(ctx, input)
		if err != nil {
			return fmt.Errorf("list the tags of table %s: %w", r.table, err)
		}
		for _, tag := range out.Tags {
			have[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
		}
		if input.NextToken = out.NextToken; input.NextToken == nil {
			break
		}
	}
	set, drop := awsclient.TagChanges(have, want)
	if len(set) > 0 {
		if _, err := r.client.TagResource(ctx, &dynamodb.TagResourceInput{ResourceArn: &arn, Tags: tableTags(set)}); err != nil {
			return fmt.Errorf("tag table %s: %w", r.table, err)
		}
	}
	if len(drop) > 0 {
		if _, err := r.client.UntagResource(ctx, &dynamodb.UntagResourceInput{ResourceArn: &arn, TagKeys: drop}); err != nil {
			return fmt.Errorf("untag table %s: %w", r.table, err)
		}
	}
	return nil
}

func tableTags(tags map[string]string) []types.Tag {
	var list []types.Tag
	for k, v := range tags {
		list = append(list, types.Tag{Key: aws.String(k), Value: aws.String(v)})
	}
	slices.SortFunc(list, func(a, b types.Tag) int { return strings.Compare(*a.Key, *b.Key) })
	return list
}

// DeleteTable deletes the hub's table with all items, and waits until it is deleted, so
// that a hub of the same name can be created at once.
func (r *Registry) DeleteTable(ctx context.Context) error {
	table, err := r.describe(ctx)
	switch {
	case awsclient.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("describe table %s: %w", r.table, err)
	}
	if table.TableStatus != types.TableStatusDeleting {
		if aws.ToBool(table.DeletionProtectionEnabled) {
			if err := r.protect(ctx, false); err != nil {
				return err
			}
		}
		_, err := r.client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &r.table})
		if err != nil && !awsclient.IsNotFound(err) {
			return fmt.Errorf("delete table %s: %w", r.table, err)
		}
	}
	return r.waitGone(ctx)
}

func (r *Registry) waitGone(ctx context.Context) error {
	waiter := dynamodb.NewTableNotExistsWaiter(r.client, func(o *dynamodb.TableNotExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = time.Second, 5*time.Second
	})
	if err := waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &r.table}, tableTimeout); err != nil {
		return fmt.Errorf("wait for the deletion of table %s: %w", r.table, err)
	}
	return nil
}
