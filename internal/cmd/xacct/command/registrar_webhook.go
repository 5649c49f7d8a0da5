// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/pflag"

	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/events"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
)

// Environment variables of the webhook's secret: the secret itself, or the path of a
// file with it.
const (
	webhookSecretVariable  = "XACCT_WEBHOOK_SECRET"
	webhookFileVariable    = "XACCT_WEBHOOK_SECRET_FILE"
	webhookPrivateVariable = "XACCT_WEBHOOK_PRIVATE"
)

// webhookFlags are a registrar's settings for the hub's webhook.
type webhookFlags struct {
	file    string
	private bool
}

func (w *webhookFlags) addTo(flags *pflag.FlagSet) {
	flags.StringVar(&w.file, "webhook-secret-file", "", "file with the secrets that sign requests to the hub's webhook, the newest first (default: "+webhookSecretVariable+", the secret itself, or "+webhookFileVariable+")")
	flags.BoolVar(&w.private, "webhook-private", false, "let the hub's webhook be in a private network, at port 443")
}

// webhookFromEnvironment returns the settings of a Lambda function, which has no flags.
func webhookFromEnvironment() webhookFlags {
	return webhookFlags{private: os.Getenv(webhookPrivateVariable) == "true"}
}

// open returns the webhook that events are sent to; without a secret nothing is
// sent. The secrets are read here, so that an invalid one is an error at the
// start, and again for each round.
func (w webhookFlags) open(in *intake, logger *slog.Logger, observe func(events.WebhookDelivery)) (registrar.Webhook, error) {
	path, text := w.file, os.Getenv(webhookSecretVariable)
	if path == "" && text == "" {
		path = os.Getenv(webhookFileVariable)
	}
	webhook := registrar.Webhook{Private: w.private, Observe: observe}
	switch {
	case path != "":
		webhook.Secrets = func() ([]events.Secret, error) { return readSecrets(path) }
	case text != "":
		webhook.Secrets = func() ([]events.Secret, error) { return events.ParseSecrets(text) }
	default:
		if in.record.WebhookURL != "" {
			logger.Warn("this registrar sends nothing to the hub's webhook: it has no secret; set --webhook-secret-file, or " + webhookSecretVariable)
		}
		return webhook, nil
	}
	secrets, err := webhook.Secrets()
	if err == nil && len(secrets) == 0 {
		err = fmt.Errorf("it is empty")
	}
	if err != nil {
		return webhook, cli.Usage("the webhook's secret: %w", err)
	}
	return webhook, nil
}

// maxSecretsFile is how many bytes of the file of secrets are read.
const maxSecretsFile = 4 << 10

func readSecrets(path string) ([]events.Secret, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSecretsFile))
	if err != nil {
		return nil, err
	}
	secrets, err := events.ParseSecrets(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return secrets, nil
}
