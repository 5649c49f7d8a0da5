// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"context"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
)

// leaveUnprocessed returns middleware that answers BatchGetItem as a busy DynamoDB does: the
// first times calls leave all keys but the last unprocessed, or the only key.
func leaveUnprocessed(times int) func(*middleware.Stack) error {
	var answered atomic.Int64
	return func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("busy", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			batch, ok := in.Parameters.(*dynamodb.BatchGetItemInput)
			if !ok || answered.Add(1) > int64(times) {
				return next.HandleInitialize(ctx, in)
			}
			unread := map[string]types.KeysAndAttributes{}
			asked := map[string]types.KeysAndAttributes{}
			for table, keys := range batch.RequestItems {
				last := len(keys.Keys) - 1
				if last < 1 {
					unread[table] = keys
					continue
				}
				left, given := keys, keys
				left.Keys, given.Keys = keys.Keys[:last], keys.Keys[last:]
				unread[table], asked[table] = left, given
			}
			if len(asked) == 0 {
				return middleware.InitializeOutput{Result: &dynamodb.BatchGetItemOutput{UnprocessedKeys: unread}}, middleware.Metadata{}, nil
			}
			in.Parameters = &dynamodb.BatchGetItemInput{RequestItems: asked}
			out, metadata, err := next.HandleInitialize(ctx, in)
			if result, ok := out.Result.(*dynamodb.BatchGetItemOutput); ok {
				result.UnprocessedKeys = unread
			}
			return out, metadata, err
		}), middleware.After)
	}
}
