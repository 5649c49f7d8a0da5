// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

var template = []byte(`{"AWSTemplateFormatVersion":"2010-09-09"}`)

func (w *world) hubRecord() registry.HubRecord {
	w.t.Helper()
	record, err := w.registry.Hub(w.t.Context())
	w.must(err)
	return record
}

func TestATemplateIsStoredUnderItsHashAndCustomersCanReadIt(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	record := w.hubRecord()
	url, err := w.PublishTemplate(t.Context(), record, template)
	w.must(err)
	hash := TemplateHash(template)
	if want := "https://" + record.Bucket + ".s3.eu-central-1.amazonaws.com/templates/" + hash + ".json"; url != want || url != TemplateURL(record, hash) {
		t.Errorf("got %s, want %s", url, want)
	}
	customer := w.clients(globex.String()).S3()
	out, err := customer.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &record.Bucket, Key: aws.String("templates/" + hash + ".json")})
	w.must(err)
	body, err := io.ReadAll(out.Body)
	w.must(err)
	if string(body) != string(template) {
		t.Errorf("got %s", body)
	}
	if _, err := customer.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &record.Bucket}); !awsclient.IsAccessDenied(err) {
		t.Errorf("a customer lists the templates of others: %v", err)
	}
}

func TestATemplateSharedByManyLinksIsWrittenOnce(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	record := w.hubRecord()
	mark := w.box.Journal().Mark()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := w.PublishTemplate(t.Context(), record, template); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := w.calls(mark, "s3:PutObject"); n != 1 {
		t.Errorf("written %d times, want once", n)
	}
}

func TestAnExistingTemplateIsNotWrittenAgain(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	record := w.hubRecord()
	first, err := w.PublishTemplate(t.Context(), record, template)
	w.must(err)
	second, err := w.process().PublishTemplate(t.Context(), record, template)
	w.must(err)
	if first != second || !strings.HasSuffix(second, ".json") {
		t.Errorf("got %s and %s", first, second)
	}
}
