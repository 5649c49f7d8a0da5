// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"crypto/rand"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/health"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/leastpolicy"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

func TestEverythingWorksUnderExactlyTheLeastPolicyAndNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	parts := leastpolicy.Parts{
		Account: w.record.Account, Region: w.record.Region, Queue: hub.QueueName("acme"), DeadLetterQueue: hub.DeadLetterQueueName("acme"),
		Table: registry.TableName("acme"), Partitions: registry.Partitions(), Bucket: w.record.Bucket,
	}
	for _, region := range w.record.Regions {
		parts.Topics = append(parts.Topics, account.TopicARN{Region: region, Account: w.record.Account, Name: hub.TopicName("acme", 0)})
	}
	policy, err := leastpolicy.API(parts)
	w.must(err)
	keys, err := w.box.NewUser(sandbox.VendorAccount, "api", policy.String())
	w.must(err)
	least, err := trial.ClientsAs(t.Context(), w.box, keys, home, func(c *awsclient.Config) { c.MaxRetries = 1 })
	w.must(err)
	manager, err := hub.New(least, "acme", w.now, rand.Reader)
	w.must(err)
	w.serve(func(c *Config) {
		c.Hub = manager
		c.Prover = func(record registry.HubRecord) health.Prover { return registrar.NewProver(least, record) }
	})
	w.want(w.call("backend", "PUT", globex, readonly), http.StatusCreated)
	w.want(w.call("backend", "PUT", globex, `{"permission_set":"more","account_id":"222222222222"}`, "If-Match", `"1"`), http.StatusOK)
	w.want(w.call("backend", "POST", globex+"/connect", "{}"), http.StatusOK)
	w.want(w.call("backend", "DELETE", globex+"/connect", ""), http.StatusNoContent)
	w.want(w.call("operator", "POST", globex+"/block", "{}"), http.StatusOK)
	w.want(w.call("operator", "POST", globex+"/verify", ""), http.StatusOK)
	w.want(w.call("viewer", "GET", "/v1/customers", ""), http.StatusOK)
	w.want(w.call("backend", "DELETE", globex, ""), http.StatusOK)

	ctx := t.Context()
	_, received := least.SQS(w.record.Region).ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &w.record.QueueURL})
	put := func(pk string) error {
		_, err := least.DynamoDB().PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("xacct-acme"), Item: map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberS{Value: "x"},
		}})
		return err
	}
	_, scanned := least.DynamoDB().Scan(ctx, &dynamodb.ScanInput{TableName: aws.String("xacct-acme")})
	for name, err := range map[string]error{"the queue": received, "the hub": put("HUB"), "the key": put("KEY"), "a set": put("SET#ALL"), "a binding": put("BOUND#globex"), "a stack": put("STACK#x"), "a scan": scanned} {
		if !awsclient.IsAccessDenied(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
