// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package awsclient

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsbase "github.com/hashicorp/aws-sdk-go-base/v2"
	basediag "github.com/hashicorp/aws-sdk-go-base/v2/diag"
	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Config is the configuration of access to AWS. Defaults for empty values come from the
// environment and the shared files, as in the AWS SDKs.
type Config struct {
	Region string

	Profile                string
	AccessKey              string
	SecretKey              string
	Token                  string
	SharedConfigFiles      []string
	SharedCredentialsFiles []string

	// AssumeRole is a chain: each role is assumed with the credentials of the previous
	// one.
	AssumeRole []AssumeRole

	AllowedAccountIDs   []string
	ForbiddenAccountIDs []string

	// MaxRetries is the maximum number of attempts of a request; 0 means
	// DefaultMaxRetries.
	MaxRetries int

	// Endpoints are custom endpoints by service: sns, sqs, s3, sts, dynamodb and
	// eventbridge.
	Endpoints map[string]string

	// UserAgent contains the products in the User-Agent header of requests, which AWS
	// logs.
	UserAgent []Product
}

// AssumeRole is one role of the chain, with the arguments of sts:AssumeRole.
type AssumeRole struct {
	RoleARN           string
	SessionName       string
	ExternalID        string
	Duration          time.Duration
	Policy            string
	PolicyARNs        []string
	SourceIdentity    string
	Tags              map[string]string
	TransitiveTagKeys []string
}

// Product is one name/version pair of a user agent.
type Product struct{ Name, Version string }

// DefaultMaxRetries is the default of the hashicorp/aws provider.
const DefaultMaxRetries = 25

// Diagnostic is one error or warning for the author of the configuration.
type Diagnostic struct {
	Warning   bool   // false: an error
	Attribute string // the argument concerned, such as "region"; may be empty
	Summary   string
	Detail    string
}

// Load creates clients from a configuration. It resolves the credentials and makes one
// call to STS to identify them. It returns nil clients if any of the diagnostics is an
// error.
func Load(ctx context.Context, config Config) (*Clients, []Diagnostic) {
	base := config.base()
	_, sdk, found := awsbase.GetAwsConfig(ctx, &base)
	bundle, err := config.bundle(ctx)
	if err != nil {
		return nil, []Diagnostic{unreadableBundle(err)}
	}
	diagnostics := config.translate(found)
	if found.HasError() {
		return nil, diagnostics
	}
	fail := func(d Diagnostic) (*Clients, []Diagnostic) { return nil, append(diagnostics, d) }

	if sdk.Region == "" {
		return fail(Diagnostic{
			Attribute: "region",
			Summary:   "No AWS Region",
			Detail:    "Set region, the environment variable AWS_REGION, or a region in the shared configuration file's profile.",
		})
	}
	region, err := account.ParseRegion(sdk.Region)
	if err != nil {
		return fail(Diagnostic{Attribute: "region", Summary: "Unknown AWS Region", Detail: sentence(err)})
	}
	sdk.HTTPClient = plainBodies{sdk.HTTPClient}
	clients := &Clients{Region: region, Bundle: bundle, config: sdk, endpoints: config.Endpoints}
	if err := clients.identify(ctx); err != nil {
		return fail(Diagnostic{
			Summary: "The AWS credentials do not work",
			Detail: "AWS could not identify the credentials. Check that they are current and that the endpoint of STS in Region " +
				region.String() + " can be reached.\n\n" + err.Error(),
		})
	}
	if err := base.VerifyAccountIDAllowed(clients.Account.String()); err != nil {
		return fail(config.wrongAccount(clients.Account, err))
	}
	return clients, diagnostics
}

// base returns the equivalent configuration of aws-sdk-go-base.
func (c Config) base() awsbase.Config {
	base := awsbase.Config{
		Region:                 c.Region,
		Profile:                c.Profile,
		AccessKey:              c.AccessKey,
		SecretKey:              c.SecretKey,
		Token:                  c.Token,
		SharedConfigFiles:      c.SharedConfigFiles,
		SharedCredentialsFiles: c.SharedCredentialsFiles,
		AllowedAccountIds:      c.AllowedAccountIDs,
		ForbiddenAccountIds:    c.ForbiddenAccountIDs,
		MaxRetries:             c.MaxRetries,
		StsEndpoint:            c.Endpoints["sts"],
		CallerName:             "xacct",
		CallerDocumentationURL: "https://registry.terraform.io/providers/xacct/xacct",
		// Load calls GetCallerIdentity itself, because it needs the ARN as well,
		// and one call is enough.
		SkipCredsValidation: true,
		// The debug log contains whole requests and responses, and responses for
		// the registry contain the hub's key.
		SuppressDebugLog: true,
	}
	if base.MaxRetries == 0 {
		base.MaxRetries = DefaultMaxRetries
	}
	for _, role := range c.AssumeRole {
		base.AssumeRole = append(base.AssumeRole, role.base())
	}
	for _, p := range c.UserAgent {
		base.UserAgent = append(base.UserAgent, awsbase.UserAgentProduct{Name: p.Name, Version: p.Version})
	}
	return base
}

func (r AssumeRole) base() awsbase.AssumeRole {
	return awsbase.AssumeRole{
		RoleARN:           r.RoleARN,
		SessionName:       r.SessionName,
		ExternalID:        r.ExternalID,
		Duration:          r.Duration,
		Policy:            r.Policy,
		PolicyARNs:        r.PolicyARNs,
		SourceIdentity:    r.SourceIdentity,
		Tags:              r.Tags,
		TransitiveTagKeys: r.TransitiveTagKeys,
	}
}

func (c Config) wrongAccount(found account.ID, err error) Diagnostic {
	d := Diagnostic{Attribute: "allowed_account_ids", Summary: "The credentials belong to another AWS account"}
	if slices.Contains(c.ForbiddenAccountIDs, found.String()) {
		d.Attribute = "forbidden_account_ids"
		d.Detail = fmt.Sprintf("They belong to account %s, which forbidden_account_ids names. Use other credentials, or another profile.\n\n%s", found, err)
		return d
	}
	d.Detail = fmt.Sprintf("They belong to account %s, and allowed_account_ids names %s. Use other credentials, or another profile.\n\n%s",
		found, strings.Join(c.AllowedAccountIDs, ", "), err)
	return d
}

func (c Config) translate(found basediag.Diagnostics) []Diagnostic {
	var diagnostics []Diagnostic
	for _, d := range found {
		if _, profile, missing := strings.Cut(d.Summary(), "failed to get shared config profile, "); missing {
			diagnostics = append(diagnostics, c.noProfile(profile))
			continue
		}
		diagnostics = append(diagnostics, Diagnostic{
			Warning: d.Severity() == basediag.SeverityWarning,
			Summary: d.Summary(),
			Detail:  d.Detail(),
		})
	}
	return diagnostics
}

// noProfile returns the error for a profile that is in none of the files.
func (c Config) noProfile(profile string) Diagnostic {
	d := Diagnostic{Summary: "No such AWS profile", Detail: fmt.Sprintf("Profile %q is in none of the shared configuration and credentials files. "+
		"Check its spelling and which files are read; 'aws configure list-profiles' prints the profiles in them.", profile)}
	if c.Profile != "" {
		d.Attribute = "profile"
	} else {
		d.Detail += " It is named by the environment variable AWS_PROFILE."
	}
	return d
}

// sentence returns an error's text with a capital letter and a full stop.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// withCredentials returns a copy of the configuration with other credentials.
func withCredentials(config aws.Config, credentials aws.CredentialsProvider) aws.Config {
	config = config.Copy()
	config.Credentials = aws.NewCredentialsCache(credentials)
	return config
}

// unreadableBundle returns the error for root certificates that cannot be read.
func unreadableBundle(err error) Diagnostic {
	return Diagnostic{
		Summary: "The root certificates cannot be read",
		Detail:  sentence(err) + " Correct the path, in which ~ is not expanded, or remove the setting to trust the system's own roots.",
	}
}
