// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package leastpolicy_test

import (
	"context"
	"errors"
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/leastpolicy"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// attempt is a call on the registry's table.
type attempt func(ctx context.Context, table *dynamodb.Client) error

var theTable = aws.String(registry.TableName("acme"))

// at returns an item's key, which is also a whole new item.
func at(pk string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberS{Value: "forged"}}
}

// together returns an attempt to write a transaction.
func together(writes ...types.TransactWriteItem) attempt {
	return func(ctx context.Context, table *dynamodb.Client) error {
		_, err := table.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
		return err
	}
}

// The calls that read, write or check an item.
var (
	reads = map[string]func(pk string) attempt{
		"GetItem": func(pk string) attempt {
			return func(ctx context.Context, table *dynamodb.Client) error {
				_, err := table.GetItem(ctx, &dynamodb.GetItemInput{TableName: theTable, Key: at(pk)})
				return err
			}
		},
		"BatchGetItem beside an own item": func(pk string) attempt {
			return func(ctx context.Context, table *dynamodb.Client) error {
				_, err := table.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
					*theTable: {Keys: []map[string]types.AttributeValue{at("LIVE#1"), at(pk)}},
				}})
				return err
			}
		},
		"Query": func(pk string) attempt {
			return func(ctx context.Context, table *dynamodb.Client) error {
				_, err := table.Query(ctx, &dynamodb.QueryInput{
					TableName: theTable, KeyConditionExpression: aws.String("pk = :pk"),
					ExpressionAttributeValues: map[string]types.AttributeValue{":pk": &types.AttributeValueMemberS{Value: pk}},
				})
				return err
			}
		},
		"TransactGetItems": func(pk string) attempt {
			return func(ctx context.Context, table *dynamodb.Client) error {
				_, err := table.TransactGetItems(ctx, &dynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{
					{Get: &types.Get{TableName: theTable, Key: at(pk)}},
				}})
				return err
			}
		},
	}
	checks = map[string]func(pk string) attempt{
		"ConditionCheck": func(pk string) attempt {
			return together(types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
				TableName: theTable, Key: at(pk), ConditionExpression: aws.String("attribute_not_exists(nothing)"),
			}})
		},
	}
	writes = map[string]func(pk string) attempt{
		"PutItem": func(pk string) attempt {
			return func(ctx context.Context, table *dynamodb.Client) error {
				_, err := table.PutItem(ctx, &dynamodb.PutItemInput{TableName: theTable, Item: at(pk)})
				return err
			}
		},
		"Put in a transaction, beside an own item": func(pk string) attempt {
			return together(
				types.TransactWriteItem{Put: &types.Put{TableName: theTable, Item: at("LIVE#1")}},
				types.TransactWriteItem{Put: &types.Put{TableName: theTable, Item: at(pk)}},
			)
		},
	}
	deletes = map[string]func(pk string) attempt{
		"DeleteItem": func(pk string) attempt {
			return func(ctx context.Context, table *dynamodb.Client) error {
				_, err := table.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: theTable, Key: at(pk)})
				return err
			}
		},
		"Delete in a transaction": func(pk string) attempt {
			return together(types.TransactWriteItem{Delete: &types.Delete{TableName: theTable, Key: at(pk)}})
		},
	}
	updates = map[string]func(pk string) attempt{
		"UpdateItem": func(pk string) attempt {
			return func(ctx context.Context, table *dynamodb.Client) error {
				_, err := table.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: theTable, Key: at(pk)})
				return err
			}
		},
	}
	batches = map[string]func(pk string) attempt{
		"BatchWriteItem": func(pk string) attempt {
			return func(ctx context.Context, table *dynamodb.Client) error {
				_, err := table.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{
					*theTable: {{PutRequest: &types.PutRequest{Item: at(pk)}}},
				}})
				return err
			}
		},
	}
	scan = map[string]attempt{"Scan": func(ctx context.Context, table *dynamodb.Client) error {
		_, err := table.Scan(ctx, &dynamodb.ScanInput{TableName: theTable})
		return err
	}}
)

// attempts returns the calls on the partitions, by name.
func attempts(partitions []string, calls ...map[string]func(pk string) attempt) map[string]attempt {
	all := map[string]attempt{}
	for _, pk := range partitions {
		for _, some := range calls {
			for name, call := range some {
				all[name+" "+pk] = call(pk)
			}
		}
	}
	return all
}

// The partitions of a hub's table, at least one of each type.
var (
	secrets    = []string{"KEY", "READERS", "SHARD#0", "LINK-HISTORY#globex", "CUSTOMERS"}
	readable   = []string{"EXTERNAL#0123", "HUB", "LINK#0", "SET#acme"}
	registrars = []string{"BOUND#globex", "CUSTOMER-HISTORY#globex", "HEALTH-ROUND", "LIVE#0", "OUTBOX", "REGISTRARS", "SELF-TEST", "STACK#globex"}
	elsewhere  = []string{"ELSEWHERE"}
)

// newWorldWithoutKey returns a world whose hub has no KMS key, because its tests are about items.
func newWorldWithoutKey(t *testing.T, policy iampolicy.Document) *world {
	t.Helper()
	w := newWorld(t, func(account.KMSKeyARN) iampolicy.Document { return policy })
	w.key = account.KMSKeyARN{}
	return w
}

func TestTheRegistrarCanReadAndWriteOnlyItsPartitions(t *testing.T) {
	t.Parallel()
	h := acme()
	h.EventBus = account.EventBusARN{Region: virginia, Account: vendor, Name: "default"}
	policy, err := leastpolicy.Registrar(h)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorldWithoutKey(t, policy)
	if _, err := w.openHub(w.admin()).Create(t.Context(), w.spec(nil, virginia)); err != nil {
		t.Fatal(err)
	}
	w.may(attempts(registrars, reads, checks, writes))
	w.may(attempts(readable, reads))
	w.may(attempts([]string{"OUTBOX"}, deletes))

	w.mayNot(scan)
	w.mayNot(attempts(append(secrets, elsewhere...), reads, checks, writes, deletes, updates, batches))
	w.mayNot(attempts(readable, checks, writes, deletes, updates, batches))
	w.mayNot(attempts(registrars, updates, batches))
	notOutbox := attempts(registrars, deletes)
	maps.DeleteFunc(notOutbox, func(name string, _ attempt) bool {
		return name == "DeleteItem OUTBOX" || name == "Delete in a transaction OUTBOX"
	})
	w.mayNot(notOutbox)
}

func TestTheProviderCanReadAndWriteOnlyTheRegistrysPartitions(t *testing.T) {
	t.Parallel()
	policy, err := leastpolicy.Provider(acme(virginia))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorldWithoutKey(t, policy)
	if _, err := w.openHub(w.admin()).Create(t.Context(), w.spec(nil, virginia)); err != nil {
		t.Fatal(err)
	}
	for _, kept := range [][]string{secrets, readable, registrars} {
		w.may(attempts(kept, reads, checks, writes, updates))
		w.mayNot(attempts(kept, deletes, batches))
	}
	w.mayNot(scan)
	w.mayNot(attempts(elsewhere, reads, checks, writes, updates))
}

func (w *world) may(allowed map[string]attempt) {
	w.t.Helper()
	caller := w.caller.DynamoDB()
	for name, call := range allowed {
		if err := call(w.t.Context(), caller); err != nil {
			w.t.Errorf("%s: %v", name, err)
		}
	}
}

// mayNot fails the test if a call is not refused. Each must succeed for an administrator, so that it is
// not refused for another reason.
func (w *world) mayNot(refused map[string]attempt) {
	w.t.Helper()
	admin, caller := w.admin().DynamoDB(), w.caller.DynamoDB()
	for name, call := range refused {
		if err := call(w.t.Context(), caller); !awsclient.IsAccessDenied(err) {
			w.t.Errorf("%s is not refused: %v", name, err)
		}
		if err := call(w.t.Context(), admin); err != nil {
			w.t.Errorf("%s fails for an administrator too, so it proves nothing: %v", name, err)
		}
	}
}

func TestAMissingHubDiffersFromAMissingPermission(t *testing.T) {
	t.Parallel()
	policy, err := leastpolicy.Provider(acme(virginia))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorldWithoutKey(t, policy)
	records := w.openHub(w.caller).Registry()
	for name, read := range map[string]func() error{
		"the hub":         func() error { _, err := records.Hub(t.Context()); return err },
		"the hub and key": func() error { _, err := records.HubAndKey(t.Context()); return err },
	} {
		if err := read(); !errors.Is(err, registry.ErrNoHub) {
			t.Errorf("%s: %v, want ErrNoHub", name, err)
		}
	}
	careless := newWorldWithoutKey(t, without(policy, "dynamodb:GetItem"))
	if _, err := careless.openHub(careless.admin()).Create(t.Context(), careless.spec(nil, virginia)); err != nil {
		t.Fatal(err)
	}
	if _, err := careless.openHub(careless.caller).Registry().Hub(t.Context()); errors.Is(err, registry.ErrNoHub) || !awsclient.IsAccessDenied(err) {
		t.Errorf("a hub that may not be read: %v", err)
	}
}

// AWS counts the partitions of a transaction differently than assumed (aws-facts 13.1).
func TestARegistrarDoesNotStartIfTheAssumptionAboutTransactionsIsWrong(t *testing.T) {
	t.Parallel()
	policy, err := leastpolicy.Registrar(acme())
	if err != nil {
		t.Fatal(err)
	}
	w := newWorldWithoutKey(t, policy)
	if _, err := w.openHub(w.admin()).Create(t.Context(), w.spec(nil, virginia)); err != nil {
		t.Fatal(err)
	}
	// Without the SDK's retries, which would take minutes if the response is 500.
	once := dynamodb.New(w.caller.DynamoDB().Options(), func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} })
	records := registry.New(once, "acme", w.Clock().Now)
	if err := records.CheckTransactions(t.Context(), "one"); err != nil {
		t.Fatalf("under the printed policy: %v", err)
	}
	if last, err := records.LastBeat(t.Context()); err != nil || last.IsZero() {
		t.Errorf("CheckTransactions writes no heartbeat: %s, %v", last, err)
	}
	// fails makes AWS respond to transactions with an error.
	fails := func(status int, code string) (stop func()) {
		return w.Faults().Before(func(c *kernel.Call) error {
			if c.Action == "TransactWriteItems" {
				return kernel.Errorf(status, code, "User: %s is not authorized to perform: dynamodb:PutItem on resource: table", c.Principal.ARN)
			}
			return nil
		})
	}
	stop := fails(400, "AccessDeniedException")
	var refused *registry.TransactionRefusedError
	if err := records.CheckTransactions(t.Context(), "one"); !errors.As(err, &refused) || !awsclient.IsAccessDenied(err) {
		t.Errorf("got %v, want a TransactionRefusedError", err)
	}
	stop()
	fails(500, "InternalServerError")
	if err := records.CheckTransactions(t.Context(), "one"); err != nil {
		t.Errorf("a temporary failure prevents the start: %v", err)
	}
}
