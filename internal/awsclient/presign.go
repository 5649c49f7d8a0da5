// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package awsclient

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// MaxPresigned is the longest lifetime of a presigned URL (aws-facts 4.3).
const MaxPresigned = 7 * 24 * time.Hour

// Presigned is a presigned URL of an object. Every holder of the URL can read the
// object until the URL expires, so it is a secret until then, and must not be logged or
// stored in state.
type Presigned struct {
	URL string

	// ExpiresAt is when the URL expires: when its signature or the credentials that signed
	// it expire, whichever is first.
	ExpiresAt time.Time

	// SessionEndUnknown is set if the credentials are those of a session whose end is
	// unknown, such as those in environment variables. Then the URL may expire before
	// ExpiresAt.
	SessionEndUnknown bool
}

// Format prints the same fixed text for every URL and every verb.
func (p Presigned) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[presigned URL]")) }

// Presign returns a presigned URL that reads an S3 object with the caller's
// permissions, valid from now for life. The address must be AWS's own even if a custom
// endpoint is configured: the signature is valid only for its host, and CloudFormation
// accepts templates from no other host.
func (c *Clients) Presign(ctx context.Context, region account.Region, address string, now time.Time, life time.Duration) (Presigned, error) {
	keys, err := c.config.Credentials.Retrieve(ctx)
	if err != nil {
		return Presigned{}, fmt.Errorf("get credentials to sign with: %w", err)
	}
	// Signatures are valid for whole seconds.
	now = now.UTC().Truncate(time.Second)
	life = min(life, MaxPresigned).Truncate(time.Second)
	p := Presigned{ExpiresAt: now.Add(life), SessionEndUnknown: keys.SessionToken != "" && !keys.CanExpire}
	if keys.CanExpire && keys.Expires.Before(p.ExpiresAt) {
		p.ExpiresAt = keys.Expires.UTC().Truncate(time.Second)
	}
	if life <= 0 || !p.ExpiresAt.After(now) {
		return Presigned{}, fmt.Errorf("the link would expire immediately: it should be valid for %s, but the credentials expire at %s", life, p.ExpiresAt.Format(time.RFC3339))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return Presigned{}, fmt.Errorf("presign the URL of an object: %w", err)
	}
	query := request.URL.Query()
	query.Set("X-Amz-Expires", strconv.Itoa(int(p.ExpiresAt.Sub(now)/time.Second)))
	request.URL.RawQuery = query.Encode()
	const unsigned = "UNSIGNED-PAYLOAD" // the form that S3 accepts for presigned URLs
	p.URL, _, err = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).
		PresignHTTP(ctx, keys, request, unsigned, "s3", region.String(), now)
	if err != nil {
		return Presigned{}, fmt.Errorf("presign the URL of an object: %w", err)
	}
	return p, nil
}
