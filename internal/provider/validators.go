// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// check validates one string. It returns what is wrong with the value and what would
// be right; the framework adds the attribute.
type check struct {
	wants   string // for the documentation: "an AWS account ID of 12 digits"
	summary string
	find    func(string) error
}

func (c check) Description(context.Context) string         { return "must be " + c.wants }
func (c check) MarkdownDescription(context.Context) string { return "must be " + c.wants }

func (c check) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if err := c.find(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, c.summary, fmt.Sprintf("%s must be %s: %s.", req.Path, c.wants, err))
	}
}

// parses returns a validation function that accepts what parse accepts.
func parses[T any](parse func(string) (T, error)) func(string) error {
	return func(s string) error {
		_, err := parse(s)
		return err
	}
}

// compiled contains the compiled patterns, from string to *regexp.Regexp.
var compiled sync.Map

// matches returns a validation function for a pattern. Each resource creates the same
// checks, so a pattern is compiled once, and only when it is used: most patterns of a
// schema never are.
func matches(pattern, advice string) func(string) error {
	return func(s string) error {
		re, ok := compiled.Load(pattern)
		if !ok {
			re, _ = compiled.LoadOrStore(pattern, regexp.MustCompile(pattern))
		}
		if !re.(*regexp.Regexp).MatchString(s) {
			return fmt.Errorf("got %q; %s", s, advice)
		}
		return nil
	}
}

func validAccountID() check {
	return check{"an AWS account ID", "Invalid AWS account ID", func(s string) error {
		_, err := account.ParseID(s)
		if err != nil && len(s) != 12 {
			return fmt.Errorf("%w; this one has %d characters", err, len(s))
		}
		return err
	}}
}

func validOrganizationID() check {
	return check{"the ID of an AWS organization", "Invalid organization ID", parses(account.ParseOrganizationID)}
}

func validRegion() check {
	return check{"an AWS Region", "Invalid AWS Region", parses(account.ParseRegion)}
}

func validRoleARN() check {
	return check{"the full ARN of an IAM role", "Invalid role ARN", func(s string) error {
		if strings.ContainsAny(s, "*?") {
			return fmt.Errorf("%q has a wildcard, which would trust roles that don't exist yet; name each role in full", s)
		}
		_, err := account.ParseRoleARN(s)
		return err
	}}
}

func validPolicyARN() check {
	return check{"the ARN of an IAM managed policy", "Invalid managed policy ARN", permissionset.CheckPolicyARN}
}

func validExternalID() check {
	return check{"an external ID", "Invalid external ID", parses(account.ParseExternalID)}
}

func validEventBusARN() check {
	return check{"the ARN of an EventBridge event bus", "Invalid event bus ARN", parses(account.ParseEventBusARN)}
}

func validKMSKeyARN() check {
	return check{"the ARN of a KMS key", "Invalid KMS key ARN", parses(account.ParseKMSKeyARN)}
}

func validRoleName() check {
	return check{"the name of an IAM role", "Invalid role name", account.CheckRoleName}
}

func validSessionName() check {
	return check{"the name of an STS session", "Invalid session name",
		matches(`^[\w+=,.@-]{2,64}$`, "it has 2 to 64 characters, letters, digits and _+=,.@-")} // aws-facts 7.1
}

func validSourceIdentity() check {
	return check{"a source identity", "Invalid source identity",
		matches(`^[\w+=,.@-]{2,64}$`, "it has 2 to 64 characters, letters, digits and _+=,.@-")} // aws-facts 7.1
}

func validRolePath() check {
	return check{"the path of an IAM role", "Invalid role path", account.CheckRolePath}
}

func validStackName() check {
	return check{"the name of a CloudFormation stack", "Invalid stack name", account.CheckStackName}
}

func validHubName() check {
	return check{"2 to 31 lower-case letters, digits and hyphens, beginning with a letter", "Invalid hub name",
		matches(`^[a-z][a-z0-9-]{1,30}$`, "topics, queue, bucket and table are named after the hub, so it looks like acme or acme-eu")}
}

func validCustomerID() check {
	return check{"1 to 64 letters, digits and ._- beginning with a letter or digit", "Invalid customer ID",
		matches(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`, "use the identifier that your own product gives its customers")}
}

func validSetName() check {
	return check{"1 to 64 letters, digits and ._- beginning with a letter or digit", "Invalid permission set name",
		matches(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`, "it is a name of your own choice, such as readonly or billing-2025")}
}

func validSetID() check {
	return check{"the id of a permission set, hub/name", "Invalid permission set ID", func(s string) error {
		_, _, err := splitSetID(s)
		return err
	}}
}

func validLinkID() check {
	return check{"the id of an onboarding link, hub/customer", "Invalid link ID", func(s string) error {
		_, _, err := splitLinkID(s)
		return err
	}}
}

func durationBetween(least, most string) check {
	low, _ := time.ParseDuration(least)
	high, _ := time.ParseDuration(most)
	return check{"a duration between " + least + " and " + most, "Invalid duration", func(s string) error {
		d, err := time.ParseDuration(s)
		switch {
		case err != nil:
			return fmt.Errorf("got %q; write it like 15m or 1h30m", s)
		case d < low || d > high:
			return fmt.Errorf("got %q", s)
		case d%time.Second != 0:
			return fmt.Errorf("got %q, which is not in whole seconds", s)
		}
		return nil
	}}
}

func validTime() check {
	return check{"an RFC 3339 time", "Invalid time", func(s string) error {
		if _, err := time.Parse(time.RFC3339, s); err != nil {
			return fmt.Errorf("got %q; write it like 2030-01-31T18:00:00Z", s)
		}
		return nil
	}}
}

func validAddress() check {
	return check{"a web or mail address", "Invalid address", func(s string) error {
		u, err := url.Parse(s)
		if err != nil || (u.Scheme != "https" && u.Scheme != "mailto") {
			return fmt.Errorf("got %q; it begins with https:// or mailto:", s)
		}
		return nil
	}}
}

func validEndpoint() check {
	return check{"a URL", "Invalid URL", func(s string) error {
		u, err := url.Parse(s)
		if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
			return fmt.Errorf("got %q; write it like http://127.0.0.1:4566", s)
		}
		return nil
	}}
}

func validJSON() check {
	return check{"a JSON document", "Invalid JSON", func(s string) error {
		if !json.Valid([]byte(s)) {
			return fmt.Errorf("the text is not valid JSON; write it with jsonencode()")
		}
		return nil
	}}
}

func oneOf[T ~string](values ...T) check {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = strconv.Quote(string(v))
	}
	return check{"one of " + strings.Join(texts, ", "), "Invalid value", func(s string) error {
		if !slices.Contains(values, T(s)) {
			return fmt.Errorf("got %q", s)
		}
		return nil
	}}
}
