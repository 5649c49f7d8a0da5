// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package awsclient

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	sdkconfig "github.com/aws/aws-sdk-go-v2/config"
)

// BundleVariable is the environment variable with the path of a file of trusted root
// certificates.
const BundleVariable = "AWS_CA_BUNDLE"

// bundle returns the contents of the file named by AWS_CA_BUNDLE or by ca_bundle in the
// configuration's profile; nil if neither is set. Errors contain the file and the
// setting; the SDK reads the same file, but its own error has neither the setting nor
// the profile.
func (c Config) bundle(ctx context.Context) ([]byte, error) {
	env, err := sdkconfig.NewEnvConfig()
	if err != nil {
		return nil, nil //nolint:nilerr // the SDK has reported the error
	}
	if env.CustomCABundle != "" {
		return readBundle(BundleVariable, env.CustomCABundle)
	}
	profile := cmp.Or(c.Profile, env.SharedConfigProfile, "default")
	shared, err := sdkconfig.LoadSharedConfigProfile(ctx, profile, func(o *sdkconfig.LoadSharedConfigOptions) {
		o.ConfigFiles = sharedFiles(c.SharedConfigFiles, env.SharedConfigFile)
		o.CredentialsFiles = sharedFiles(c.SharedCredentialsFiles, env.SharedCredentialsFile)
	})
	if err != nil || shared.CustomCABundle == "" {
		return nil, nil //nolint:nilerr // the SDK has reported a profile that cannot be read
	}
	return readBundle("profile "+profile+"'s ca_bundle", shared.CustomCABundle)
}

// readBundle returns the contents of a file of root certificates. Errors contain the
// file and the setting.
func readBundle(setting, path string) ([]byte, error) {
	bundle, err := os.ReadFile(path)
	if err != nil {
		var at *fs.PathError
		if errors.As(err, &at) {
			err = at.Err // the message below contains the path
		}
		return nil, fmt.Errorf("%s names the file %s, which cannot be read: %w", setting, path, err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(bundle) {
		return nil, fmt.Errorf("%s names the file %s, which holds no certificate in PEM", setting, path)
	}
	return bundle, nil
}

// sharedFiles returns the configured shared files, or else the file from the
// environment; nil, for the SDK's defaults, if neither is set.
func sharedFiles(configured []string, environment string) []string {
	var files []string
	for _, file := range configured {
		file = os.ExpandEnv(file)
		if rest, ok := strings.CutPrefix(file, "~"); ok {
			if home, err := os.UserHomeDir(); err == nil {
				file = filepath.Join(home, rest)
			}
		}
		files = append(files, file)
	}
	if len(files) == 0 && environment != "" {
		files = []string{environment}
	}
	return files
}
