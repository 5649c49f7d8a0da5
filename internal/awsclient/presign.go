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

// MaxPresigned is the longest life of a presigned URL (aws-facts 4.3).
const MaxPresigned = 7 * 24 * time.Hour

// Presigned is the address of an object with a signature in it: whoever has it
// may read the object, until it dies. It is a secret for as long as it lives,
// and belongs into no log and no state.
type Presigned struct {
	URL string

	// DiesAt is when the signature ends by itself, or the credentials that it
	// was made with do, whichever comes first.
	DiesAt time.Time

	// SessionEndUnknown says that the credentials are a session's and don't tell
	// when it ends, as those in environment variables do not: the URL may die
	// before DiesAt.
	SessionEndUnknown bool
}

// Format prints the same for every URL and every verb.
func (p Presigned) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[presigned URL]")) }

// Presign signs the address of an object in S3 for whoever is to read it in the
// caller's name, from now on and for as long as is asked for. The address is
// AWS's own even where an endpoint stands in for it: the signature holds for its
// host, and CloudFormation takes templates from no other.
func (c *Clients) Presign(ctx context.Context, region account.Region, address string, now time.Time, life time.Duration) (Presigned, error) {
	keys, err := c.config.Credentials.Retrieve(ctx)
	if err != nil {
		return Presigned{}, fmt.Errorf("find credentials to sign with: %w", err)
	}
	// Signatures are made for whole seconds.
	now = now.UTC().Truncate(time.Second)
	life = min(life, MaxPresigned).Truncate(time.Second)
	p := Presigned{DiesAt: now.Add(life), SessionEndUnknown: keys.SessionToken != "" && !keys.CanExpire}
	if keys.CanExpire && keys.Expires.Before(p.DiesAt) {
		p.DiesAt = keys.Expires.UTC().Truncate(time.Second)
	}
	if life <= 0 || !p.DiesAt.After(now) {
		return Presigned{}, fmt.Errorf("a link that would be dead at once cannot be signed: it was to live for %s, and the credentials end at %s", life, p.DiesAt.Format(time.RFC3339))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return Presigned{}, fmt.Errorf("sign the address of an object: %w", err)
	}
	query := request.URL.Query()
	query.Set("X-Amz-Expires", strconv.Itoa(int(p.DiesAt.Sub(now)/time.Second)))
	request.URL.RawQuery = query.Encode()
	const unsigned = "UNSIGNED-PAYLOAD" // what S3 takes for presigned URLs
	p.URL, _, err = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).
		PresignHTTP(ctx, keys, request, unsigned, "s3", region.String(), now)
	if err != nil {
		return Presigned{}, fmt.Errorf("sign the address of an object: %w", err)
	}
	return p, nil
}
