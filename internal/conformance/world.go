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

// Prefix begins the name of everything that any run creates.
const Prefix = "xacct-conformance-"

// Tag is on everything that a run creates and that can have tags; its value is
// the run's name.
const Tag = "xacct-conformance"

// Config is what a World is made of.
type Config struct {
	Run       string // name of the run: lower-case letters and digits
	Regions   []account.Region
	Vendor    awsclient.Config
	Customer  awsclient.Config
	Extra     map[Need]awsclient.Config // by Govcloud, China, Sovereign, Management
	Closed    string                    // ID of a closed account; empty: none
	Unit      string                    // ID of the organization's root, or of a unit with the customer in it
	Ledger    *Ledger
	Provider  string // path of the provider's binary; empty: none
	Terraform string // path of terraform or tofu; empty: none

	// Bundle has roots in PEM for SNS's certificates, besides the system's; nil: those
	// that AWS_CA_BUNDLE or the profile names.
	Bundle []byte

	// Endpoint stands in for all of AWS's; empty: AWS's own, or those that the
	// environment names.
	Endpoint string

	Now func() time.Time
	// Poll waits before AWS is asked again, Pass until so much time has passed at
	// AWS. Tests replace both.
	Poll, Pass func(context.Context, time.Duration) error
	// Patience is how long a call is repeated whose effect AWS needs time for.
	Patience time.Duration
	// LongPoll is how many seconds a receive waits for a message.
	LongPoll int32
}

// World is the accounts of a run, and what the checks share in them.
type World struct {
	Config
	Vendor   *Party
	Customer *Party
	Extra    map[Need]*Party

	intakes map[string]*intake
	shared  map[string]any // what several checks look at, by name
}

// Party is an account as one principal sees it.
type Party struct {
	*awsclient.Clients
	name     string // of the account, in the ledger
	config   awsclient.Config
	endpoint string
}

// Open asks every account who the credentials belong to. It creates nothing.
func Open(ctx context.Context, config Config) (*World, error) {
	w := &World{Config: config, Extra: map[Need]*Party{}, intakes: map[string]*intake{}, shared: map[string]any{}}
	if len(config.Regions) == 0 {
		return nil, errors.New("no Region is named")
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

// as returns the same account as another principal.
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

// iam returns the client of IAM.
func (p *Party) iam() *iam.Client {
	return iam.NewFromConfig(p.SDK(), func(o *iam.Options) { o.Region = p.Region.String(); p.override(&o.BaseEndpoint) })
}

// cloudFormation returns the client of CloudFormation in a Region.
func (p *Party) cloudFormation(in account.Region) *cloudformation.Client {
	return cloudformation.NewFromConfig(p.SDK(), func(o *cloudformation.Options) { o.Region = in.String(); p.override(&o.BaseEndpoint) })
}

// kms returns the client of KMS.
func (p *Party) kms() *kms.Client {
	return kms.NewFromConfig(p.SDK(), func(o *kms.Options) { o.Region = p.Region.String(); p.override(&o.BaseEndpoint) })
}

// s3In returns the client of S3 in a Region.
func (p *Party) s3In(in account.Region) *s3.Client {
	return s3.NewFromConfig(p.SDK(), func(o *s3.Options) {
		o.Region = in.String()
		p.override(&o.BaseEndpoint)
		o.UsePathStyle = o.UsePathStyle || o.BaseEndpoint != nil
	})
}

// root returns the ARN of the account's root, which stands for the account in
// policies.
func (p *Party) root() string { return rootOf(p.Region, p.Account.String()) }

func rootOf(in account.Region, id string) string {
	return fmt.Sprintf("arn:%s:iam::%s:root", in.Partition(), id)
}

// name returns a name of the run.
func (w *World) name(part string) string { return Prefix + w.Run + "-" + part }

// home returns the first Region.
func (w *World) home() account.Region { return w.Regions[0] }

// until calls try until it returns an error other than one that again accepts, or
// until patience ends: then it returns the last error.
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

// unsettled reports whether an error may be that of an IAM principal or policy
// that AWS does not know everywhere yet (aws-facts 7.5).
func unsettled(err error) bool {
	text := err.Error()
	return awsclient.IsAccessDenied(err) || strings.Contains(text, "PrincipalNotFound") || strings.Contains(text, "Invalid principal") ||
		strings.Contains(text, "cannot be assumed") || awsclient.HasCode(err, "InvalidClientTokenId", "UnrecognizedClientException")
}

// trial is one check being tried.
type trial struct {
	*World
	evidence []Evidence
	seen     string
}

// note keeps a raw answer as evidence.
func (t *trial) note(what, raw string) {
	const most = 8 << 10
	if len(raw) > most {
		raw = raw[:most] + "…"
	}
	t.evidence = append(t.evidence, Evidence{What: what, Raw: raw})
}

// remark records the observation of a check that holds.
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

// accepted requires that AWS has not refused a call.
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

// read returns the start of a response's body.
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
