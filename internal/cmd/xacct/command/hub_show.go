// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

func newHubShowCommand(p process) *cobra.Command {
	var on hubFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show --hub NAME",
		Short: "Show a hub, and what was changed on it by hand",
		Long: `Show a hub's settings and parts, and what is missing or was changed by hand.

With --json it prints one object: name, region, account_id, state, owner (terraform, api
or command), from_stack, display_name, support_url, regions, retiring_regions,
publishers, template_access, response_timeout, capacity, event_bus_arn, webhook_url,
kms_key_arn, connect_page (logo_url, color, return_urls), tags, queue_url,
dead_letter_queue_arn, template_bucket, table_name, topic_arns (the first of each
Region), created_at, and drift, a list of texts.`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := on.openWriter(cmd.Context(), p)
			if err != nil {
				return err
			}
			state, err := w.hub.Read(cmd.Context())
			if err != nil {
				return err
			}
			view := newHubView(state)
			if asJSON {
				return cli.PrintJSON(cmd.OutOrStdout(), view)
			}
			view.print(cmd.OutOrStdout())
			return nil
		},
	}
	on.addTo(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON (described above)")
	return cmd
}

// hubView is a hub with its settings, parts and drift, as --json prints it.
type hubView struct {
	Name               string            `json:"name"`
	Region             string            `json:"region"`
	AccountID          string            `json:"account_id"`
	State              string            `json:"state"`
	Owner              string            `json:"owner"`
	FromStack          bool              `json:"from_stack,omitempty"`
	DisplayName        string            `json:"display_name,omitempty"`
	SupportURL         string            `json:"support_url,omitempty"`
	Regions            []string          `json:"regions"`
	Retiring           []string          `json:"retiring_regions,omitempty"`
	Publishers         string            `json:"publishers"`
	TemplateAccess     string            `json:"template_access"`
	ResponseTimeout    string            `json:"response_timeout"`
	Capacity           int               `json:"capacity"`
	EventBusARN        string            `json:"event_bus_arn,omitempty"`
	WebhookURL         string            `json:"webhook_url,omitempty"`
	KMSKeyARN          string            `json:"kms_key_arn,omitempty"`
	ConnectPage        *pageView         `json:"connect_page,omitempty"`
	Tags               map[string]string `json:"tags,omitempty"`
	QueueURL           string            `json:"queue_url"`
	DeadLetterQueueARN string            `json:"dead_letter_queue_arn"`
	TemplateBucket     string            `json:"template_bucket"`
	TableName          string            `json:"table_name"`
	TopicARNs          map[string]string `json:"topic_arns"`
	CreatedAt          *time.Time        `json:"created_at,omitempty"`
	Drift              []string          `json:"drift"`
	Warning            string            `json:"warning,omitempty"`
}

// pageView is the appearance of the connect page.
type pageView struct {
	LogoURL    string   `json:"logo_url,omitempty"`
	Color      string   `json:"color,omitempty"`
	ReturnURLs []string `json:"return_urls,omitempty"`
}

func newHubView(state hub.State) *hubView {
	r := state.Record
	view := &hubView{
		Name: r.Name, Region: r.Region.String(), AccountID: r.Account.String(), State: string(r.State), Owner: ownerName(r.Owner), FromStack: r.FromStack,
		DisplayName: r.DisplayName, SupportURL: r.SupportURL, Regions: []string{},
		Publishers: string(r.PublisherScope), TemplateAccess: string(r.TemplateAccess), ResponseTimeout: r.ResponseTimeout.String(), Capacity: r.Capacity,
		EventBusARN: r.EventBus.String(), WebhookURL: r.WebhookURL, KMSKeyARN: r.KMSKey.String(), Tags: r.Tags,
		QueueURL: r.QueueURL, DeadLetterQueueARN: state.DeadLetterQueueARN, TemplateBucket: r.Bucket, TableName: registry.TableName(r.Name),
		TopicARNs: map[string]string{}, CreatedAt: known(r.CreatedAt), Drift: []string{},
	}
	if !r.ConnectPage.IsZero() {
		page := pageView(r.ConnectPage)
		view.ConnectPage = &page
	}
	for _, region := range r.Regions {
		view.Regions = append(view.Regions, region.String())
	}
	for _, region := range r.Retiring {
		view.Retiring = append(view.Retiring, region.String())
	}
	for region, topics := range state.Topics {
		if len(topics) > 0 {
			view.TopicARNs[region.String()] = topics[0].String()
		}
	}
	for _, defect := range state.Defects {
		view.Drift = append(view.Drift, defect.String())
	}
	if r.Untested {
		view.Warning = hub.UntestedWarning(r.Name)
	}
	return view
}

// ownerName returns the owner's name in the output: terraform, api or command.
func ownerName(o onboarding.Owner) string {
	if o == onboarding.OwnerTerraform {
		return "terraform"
	}
	return string(o)
}

func (v *hubView) print(out io.Writer) {
	cli.Say(out, "Hub %s\n\n", v.Name)
	facts := []string{
		"State", v.State,
		"Belongs to", v.Owner,
		"Account", v.AccountID,
		"Region", v.Region,
		"Display name", v.DisplayName,
		"Support", v.SupportURL,
		"Regions", strings.Join(v.Regions, ", "),
		"Retiring Regions", strings.Join(v.Retiring, ", "),
		"Publishers", v.Publishers,
		"Template access", v.TemplateAccess,
		"Response timeout", v.ResponseTimeout,
		"Capacity", fmt.Sprint(v.Capacity),
		"Event bus", v.EventBusARN,
		"Webhook", v.WebhookURL,
		"KMS key", v.KMSKeyARN,
		"Queue", v.QueueURL,
		"Bucket", v.TemplateBucket,
		"Table", v.TableName,
	}
	if v.ConnectPage != nil {
		facts = append(facts, "Logo", v.ConnectPage.LogoURL, "Colour", v.ConnectPage.Color, "Leads back to", strings.Join(v.ConnectPage.ReturnURLs, ", "))
	}
	for _, region := range v.Regions {
		facts = append(facts, "Topic "+region, v.TopicARNs[region])
	}
	cli.Facts(out, facts...)
	for i, defect := range v.Drift {
		if i == 0 {
			cli.Say(out, "\nMissing, or changed by hand; `xacct hub create` or an apply repairs it:\n")
		}
		cli.Say(out, "  %s\n", cli.Printable(defect))
	}
	if v.Warning != "" {
		cli.Say(out, "\nDelivery was not tested. %s\n", v.Warning)
	}
}
