// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
)

// FetchTemplate downloads a public template from its URL without credentials. It
// returns an error if the content does not match the hash in the URL.
func FetchTemplate(ctx context.Context, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	hash := strings.TrimSuffix(path.Base(u.Path), ".json")
	if u.Path != "/"+templateKey(hash) {
		return nil, fmt.Errorf("%s is not a template of a hub", address)
	}
	body, err := awsclient.ReadPublic(ctx, address)
	if err != nil {
		return nil, err
	}
	if TemplateHash(body) != hash {
		return nil, fmt.Errorf("%s does not match the hash in its name", address)
	}
	return body, nil
}
