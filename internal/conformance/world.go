// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
)

// Prefix is the prefix of the names of all resources that a run creates.
const Prefix = "xacct-conformance-"

// Tag is the key of the tag on everything that a run creates and that can have tags.
// Its value is the run's name.
const Tag = "xacct-conformance"

// Config is the input of a World.
type Config struct {
	Run       string // name of the run: lower-case letters and digits
	Regions   []account.Region
	Vendor    awsclient.Config
	Customer  awsclient.Config
	Extra     map[Need]awsclient.Config // by Govcloud, China, Sovereign or Management
	Closed    string                    // ID of a closed account; empty: none
	Unit      string                    // ID of the organization's root, or of a unit that contains the customer
	Ledger    *Ledger
	Provider  string // path of the provider's binary; empty: none
	Terraform string // path of terraform or tofu; empty: none

	// Bundle contains PEM roots for SNS's certificates, in addition to the system's;
	// nil: those of AWS_CA_BUNDLE or the profile.
	Bundle []byte

	// Endpoint replaces all of AWS's endpoints; empty: AWS's own, or those in the
	// environment.
	Endpoint string

	Now func() time.Time
	// Poll waits before the next call that checks AWS, and Pass until the given time
	// has passed at AWS. Tests replace both.
	Poll, Pass func(context.Context, time.Duration) error
	// Patience is how long a call is repeated if AWS needs time until it succeeds.
	Patience time.Duration
	// LongPoll is how many seconds a receive waits for a message.
	LongPoll int32
}

// World has the accounts of a run, and the resources in them that its checks share.
type World struct {
	Config
	Vendor   *Party
	Customer *Party
	Extra    map[Need]*Party

	intakes map[string]*intake
	shared  map[string]any // resources that several checks use, by name
}

// Party is an account as seen by one principal.
type Party struct {
	*awsclient.Clients
	name     string // the account's name in the ledger
	config   awsclient.Config
	endpoint string
}

// Open returns the world of a configuration, after it has read the identity of the
// credentials of every account. It creates nothing.
func Open(ctx context.Context, config Config) (*World, error) {
	w := &World{Config: config, Extra: map[Need]*Party{}, intakes: map[string]*intake{}, shared: map[string]any{}}
	if len(config.Regions) == 0 {
		return nil, errors.New("at least one Region is required")
	}
	var err error
	if w.Vendor, err = w.party(ctx, "vendor", config.Vendor); err != nil {
		return nil, fmt.Errorf("use the vendor's account: %w", err)
	}
	if w.Customer, err = w.party(ctx, "customer", config.Customer); err != nil {
		return nil, fmt.Errorf("use the customer's account: %w", err)
	}
	if w.Vendor.Account == w.Customer.Account {
		return nil, fmt.Errorf("vendor and customer are the same account, %s: two are needed", w.Vendor.Account)
	}
	for need, extra := range config.Extra {
		if w.Extra[need], err = w.party(ctx, string(need), extra); err != nil {
			return nil, fmt.Errorf("use %s: %w", need, err)
		}
	}
	return w, nil
}

func (w *World) party(ctx context.Context, name string, config awsclient.Config) (*Party, error) {
	if config.Region == "" {
		config.Region = w.Regions[0].String()
	}
	if w.Endpoint != "" {
		config.Endpoints = map[string]string{}
		for _, service := range []string{"sns", "sqs", "s3", "sts", "dynamodb", "eventbridge"} {
			config.Endpoints[service] = w.Endpoint
		}
	}
	clients, diagnostics := awsclient.Load(ctx, config)
	if clients == nil {
		return nil, fmt.Errorf("%s: %s", diagnostics[len(diagnostics)-1].Summary, diagnostics[len(diagnostics)-1].Detail)
	}
	if w.Bundle != nil {
		clients.Bundle = w.Bundle
	}
	return &Party{Clients: clients, name: name, config: config, endpoint: w.Endpoint}, nil
}

// as returns the same account as seen by another principal.
func (w *World) as(ctx context.Context, p *Party, keys *aws.Credentials) (*Party, error) {
	return w.party(ctx, p.name, awsclient.Config{
		Region: p.Region.String(), AccessKey: keys.AccessKeyID, SecretKey: keys.SecretAccessKey, Token: keys.SessionToken,
		MaxRetries: w.Vendor.config.MaxRetries,
	})
}

func (p *Party) override(base **string) {
	if p.endpoint != "" {
		*base = &p.endpoint
	}
}

// iam returns an IAM client.
func (p *Party) iam() *iam.Client {
	return iam.NewFromConfig(p.SDK(), func(o *iam.Options) { o.Region = p.Region.String(); p.override(&o.BaseEndpoint) })
}

// cloudFormation returns a CloudFormation client for a Region.
func (p *Party) cloudFormation(in account.Region) *cloudformation.Client {
	return cloudformation.NewFromConfig(p.SDK(), func(o *cloudformation.Options) { o.Region = in.String(); p.override(&o.BaseEndpoint) })
}

// kms returns a KMS client.
func (p *Party) kms() *kms.Client {
	return kms.NewFromConfig(p.SDK(), func(o *kms.Options) { o.Region = p.Region.String(); p.override(&o.BaseEndpoint) })
}

// s3In returns an S3 client for a Region.
func (p *Party) s3In(in account.Region) *s3.Client {
	return s3.NewFromConfig(p.SDK(), func(o *s3.Options) {
		o.Region = in.String()
		p.override(&o.BaseEndpoint)
		o.UsePathStyle = o.UsePathStyle || o.BaseEndpoint != nil
	})
}

// root returns the ARN of the account's root, which represents the account in
// policies.
func (p *Party) root() string { return rootOf(p.Region, p.Account.String()) }

func rootOf(in account.Region, id string) string {
	return fmt.Sprintf("arn:%s:iam::%s:root", in.Partition(), id)
}

// name returns a name with the run's prefix.
func (w *World) name(part string) string { return Prefix + w.Run + "-" + part }

// home returns the first Region.
func (w *World) home() account.Region { return w.Regions[0] }

// until calls try until it succeeds, returns an error for which again returns false,
// or patience ends. It returns the last error.
func (w *World) until(ctx context.Context, again func(error) bool, try func() error) error {
	for began := time.Now(); ; {
		err := try()
		if err == nil || !again(err) || time.Since(began) > w.Patience {
			return err
		}
		if err := w.Poll(ctx, 2*time.Second); err != nil {
			return err
		}
	}
}

// unsettled reports whether the cause of an error may be an IAM principal or policy
// that has not reached all of AWS yet (aws-facts 7.5).
func unsettled(err error) bool {
	text := err.Error()
	return awsclient.IsAccessDenied(err) || strings.Contains(text, "PrincipalNotFound") || strings.Contains(text, "Invalid principal") ||
		strings.Contains(text, "cannot be assumed") || awsclient.HasCode(err, "InvalidClientTokenId", "UnrecognizedClientException")
}

// trial is one run of a check.
type trial struct {
	*World
	evidence []Evidence
	seen     string
}

// note records a raw response as evidence, shortened to 8 KB.
func (t *trial) note(what, raw string) {
	const most = 8 << 10
	if len(raw) > most {
		raw = raw[:most] + "…"
	}
	t.evidence = append(t.evidence, Evidence{What: what, Raw: raw})
}

// remark records what a check that holds has observed.
func (t *trial) remark(format string, args ...any) { t.seen = fmt.Sprintf(format, args...) }

// refused requires that a call was refused with one of the codes.
func (t *trial) refused(what string, err error, codes ...string) error {
	switch {
	case err == nil:
		return instead("%s was accepted", what)
	case awsclient.Code(err) == "":
		return fmt.Errorf("%s: %w", what, err)
	}
	t.note(what, err.Error())
	if !awsclient.HasCode(err, codes...) {
		return instead("%s was refused with %s: %v", what, awsclient.Code(err), err)
	}
	return nil
}

// accepted requires that AWS accepted a call.
func (t *trial) accepted(what string, err error) error {
	if err == nil {
		t.note(what, "accepted")
		return nil
	}
	if awsclient.Code(err) == "" {
		return fmt.Errorf("%s: %w", what, err)
	}
	t.note(what, err.Error())
	return instead("%s was refused with %s: %v", what, awsclient.Code(err), err)
}

// read returns the first 16 KB of a response's body, or the error of reading it.
func read(response *http.Response) string {
	text, err := io.ReadAll(io.LimitReader(response.Body, 16<<10))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// errPending indicates that AWS has not done something yet.
var errPending = errors.New("it has not happened yet")

func isPending(err error) bool { return errors.Is(err, errPending) }
