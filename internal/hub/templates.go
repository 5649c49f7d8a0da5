// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"golang.org/x/sync/singleflight"
)

// Templates are stored in the bucket under the hash of their content, so that the
// content behind a customer's URL can never change (aws-facts 4.4).

// TemplateHash returns the SHA-256 of a template in hex, which is its name.
func TemplateHash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// TemplateURL returns the URL of the template with a hash, whether or not it is
// published. The URL contains the endpoint of the bucket's Region, and works from every
// Region (aws-facts 3.5).
func TemplateURL(record registry.HubRecord, hash string) string {
	return fmt.Sprintf("https://%s.s3.%s.%s/%s", record.Bucket, record.Region, record.Region.Partition().DNSSuffix(), templateKey(hash))
}

func templateKey(hash string) string { return iampolicy.TemplatePrefix + hash + ".json" }

// publishedTemplates caches which templates exist in the bucket and were written
// recently enough not to be swept.
type publishedTemplates struct {
	flight singleflight.Group
	known  sync.Map // by bucket and key: the time it was verified
}

// renewal is the age at which a template is written again if it is published again.
// SweepTemplates deletes by age: a process whose template was published has the rest of
// the grace period to write the link that keeps it.
const renewal = 24 * time.Hour

// PublishTemplate ensures that a template exists in the bucket, and will for the next
// days, and returns its URL. A process writes each template at most once a day, however
// many links share it.
func (h *Manager) PublishTemplate(ctx context.Context, record registry.HubRecord, body []byte) (string, error) {
	hash := TemplateHash(body)
	id := record.Bucket + "/" + templateKey(hash)
	now := h.now()
	if at, ok := h.templates.known.Load(id); !ok || now.Sub(at.(time.Time)) > renewal {
		_, err, _ := h.templates.flight.Do(id, func() (any, error) {
			return nil, h.ensureTemplate(ctx, record.Bucket, templateKey(hash), body)
		})
		if err != nil {
			return "", err
		}
		h.templates.known.Store(id, now)
	}
	return TemplateURL(record, hash), nil
}

func (h *Manager) ensureTemplate(ctx context.Context, bucket, key string, body []byte) error {
	err := h.putTemplate(ctx, bucket, key, body, aws.String("*"))
	if awsclient.IsConditionFailed(err) {
		// The key is the hash of the content, so the same template exists already.
		var written time.Time
		if written, err = h.templateWritten(ctx, bucket, key); err != nil {
			return h.clients.Explain(err, h.bucketARN(bucket))
		}
		if h.now().Sub(written) <= renewal {
			return nil
		}
		err = h.putTemplate(ctx, bucket, key, body, nil)
	}
	return h.clients.Explain(err, h.bucketARN(bucket)+"/"+key)
}

func (h *Manager) putTemplate(ctx context.Context, bucket, key string, body []byte, unless *string) error {
	const attempts = 5
	var err error
	for range attempts {
		_, err = h.clients.S3().PutObject(ctx, &s3.PutObjectInput{
			Bucket:              &bucket,
			Key:                 &key,
			Body:                bytes.NewReader(body),
			ContentType:         aws.String("application/json"),
			IfNoneMatch:         unless,
			ExpectedBucketOwner: aws.String(h.clients.Account.String()),
		})
		if !awsclient.IsContended(err) {
			break
		}
		// Another process is writing the same object right now (aws-facts 10).
		if waited := h.sleep(ctx, 200*time.Millisecond); waited != nil {
			return waited
		}
	}
	return err
}

// PresignTemplate returns a presigned URL of a link's template, for customers who could
// not read the template otherwise. It is valid for life, at most seven days, and no
// longer than the caller's credentials (aws-facts 4.3). The URL has the caller's
// permissions, so PresignTemplate first checks that the caller may read the template:
// otherwise the customer would get "Access Denied".
func (h *Manager) PresignTemplate(ctx context.Context, record registry.HubRecord, link onboarding.Link, life time.Duration) (awsclient.Presigned, error) {
	if err := h.readTemplate(ctx, record.Bucket, link.TemplateURL); err != nil {
		return awsclient.Presigned{}, fmt.Errorf("sign the template of customer %s of hub %s: %w", link.CustomerID, h.name, err)
	}
	signed, err := h.clients.Presign(ctx, record.Region, link.TemplateURL, h.now(), life)
	if err != nil {
		return awsclient.Presigned{}, fmt.Errorf("sign the template of customer %s of hub %s: %w", link.CustomerID, h.name, err)
	}
	return signed, nil
}

// readTemplate returns an error if the caller can't read a template of the bucket.
func (h *Manager) readTemplate(ctx context.Context, bucket, address string) error {
	parsed, err := url.Parse(address)
	if err != nil {
		return err
	}
	key := strings.TrimPrefix(parsed.Path, "/")
	_, err = h.clients.S3().HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key, ExpectedBucketOwner: aws.String(h.clients.Account.String())})
	return h.clients.Explain(err, h.bucketARN(bucket)+"/"+key)
}
