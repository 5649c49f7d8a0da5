// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// ourTemplate matches the keys of objects that PublishTemplate writes. Other objects in
// the bucket are never deleted.
var ourTemplate = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^` + iampolicy.TemplatePrefix + `[0-9a-f]{64}\.json$`)
})

// SweepTemplates deletes the templates that no link or live stack uses and whose grace
// period is over.
//
// A template is published before the link that names it is written, so a template that
// seems unused may soon be used. Therefore only old ones are deleted, and publishing a
// template again renews its age. Templates are listed before the sets and links are
// read, and the age of each is checked again right before it is deleted, because S3 has
// no deletion on the condition of age.
func (h *Manager) SweepTemplates(ctx context.Context, now time.Time) error {
	record, err := h.registry.Hub(ctx)
	if err != nil {
		return h.explainRegistry(err)
	}
	before := now.Add(-onboarding.Grace)
	old, err := h.templatesBefore(ctx, record.Bucket, before)
	if err != nil || len(old) == 0 {
		return h.clients.Explain(err, h.bucketARN(record.Bucket))
	}
	customers, err := h.registry.Customers(ctx)
	if err != nil {
		return h.clients.Explain(err, h.tableARN())
	}
	sets, err := h.registry.PermissionSets(ctx)
	if err != nil {
		return h.clients.Explain(err, h.tableARN())
	}
	used := map[string]bool{}
	for _, url := range onboarding.TemplatesInUse(sets, customers, now) {
		_, name, _ := strings.Cut(url, "/"+iampolicy.TemplatePrefix)
		used[iampolicy.TemplatePrefix+name] = true
	}
	for _, key := range old {
		if used[key] {
			continue
		}
		if err := h.deleteTemplate(ctx, record.Bucket, key, before); err != nil {
			return err
		}
	}
	return nil
}

// templatesBefore returns the keys of the templates that were last written before
// moment.
func (h *Manager) templatesBefore(ctx context.Context, bucket string, moment time.Time) ([]string, error) {
	var keys []string
	pages := s3.NewListObjectsV2Paginator(h.clients.S3(), h.listing(bucket, iampolicy.TemplatePrefix))
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, object := range page.Contents {
			if key := aws.ToString(object.Key); ourTemplate().MatchString(key) && object.LastModified.Before(moment) {
				keys = append(keys, key)
			}
		}
	}
	return keys, nil
}

// TemplateNames returns the names of the templates in a hub's bucket, with a call for
// each thousand of them. It returns nil if the bucket does not exist.
func (h *Manager) TemplateNames(ctx context.Context, record registry.HubRecord) ([]string, error) {
	var names []string
	pages := s3.NewListObjectsV2Paginator(h.clients.S3(), h.listing(record.Bucket, iampolicy.TemplatePrefix))
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if awsclient.IsNotFound(err) {
			return nil, nil
		}
		if err != nil {
			return nil, h.clients.Explain(err, h.bucketARN(record.Bucket))
		}
		for _, object := range page.Contents {
			names = append(names, strings.TrimPrefix(aws.ToString(object.Key), iampolicy.TemplatePrefix))
		}
	}
	return names, nil
}

func (h *Manager) deleteTemplate(ctx context.Context, bucket, key string, before time.Time) error {
	written, err := h.templateWritten(ctx, bucket, key)
	if err != nil {
		return h.clients.Explain(err, h.bucketARN(bucket))
	}
	if !written.Before(before) {
		return nil // it was published again
	}
	_, err = h.clients.S3().DeleteObject(ctx, &s3.DeleteObjectInput{
		Bucket: &bucket, Key: &key, ExpectedBucketOwner: aws.String(h.clients.Account.String()),
	})
	return h.clients.Explain(err, h.bucketARN(bucket)+"/"+key)
}

// templateWritten returns when a template was last written, or the zero time if it
// doesn't exist. It lists, because the permission to write templates does not include
// reading them.
func (h *Manager) templateWritten(ctx context.Context, bucket, key string) (time.Time, error) {
	out, err := h.clients.S3().ListObjectsV2(ctx, h.listing(bucket, key))
	if err != nil || len(out.Contents) == 0 {
		return time.Time{}, err
	}
	return aws.ToTime(out.Contents[0].LastModified), nil
}

func (h *Manager) listing(bucket, prefix string) *s3.ListObjectsV2Input {
	return &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix, ExpectedBucketOwner: aws.String(h.clients.Account.String())}
}
