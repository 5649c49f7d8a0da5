// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package steps

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-version"
	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// Engine returns a runner of steps with Terraform or OpenTofu. The providers are
// served from this process; each command has its own servers. resource.Test does the
// same with twice as many commands, and can't read the state of a for_each.
func Engine(binary string, servers map[string]tfcore.Factory) Runner { return engine{binary, servers} }

type engine struct {
	binary  string
	servers map[string]tfcore.Factory
}

// AtLeast reports whether an engine has at least the wanted version.
func AtLeast(t *testing.T, binary, wanted string) bool {
	t.Helper()
	text, err := exec.CommandContext(t.Context(), binary, "version", "-json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var told struct {
		Version string `json:"terraform_version"`
	}
	if err := json.Unmarshal(text, &told); err != nil {
		t.Fatal(err)
	}
	has, err := version.NewVersion(told.Version)
	if err != nil {
		t.Fatal(err)
	}
	return has.Core().GreaterThanOrEqual(version.Must(version.NewVersion(wanted)))
}

func (e engine) workspace(t *testing.T) workspace {
	return &folder{engine: e, t: t, path: t.TempDir()}
}

// folder is the working directory of an engine.
type folder struct {
	engine
	t    *testing.T
	path string
}

// configured writes a configuration, with a required_providers block in another file:
// without that, functions of providers can't be called.
func (f *folder) configured(config string) error {
	required := "terraform {\n  required_providers {\n"
	for name := range f.servers {
		required += fmt.Sprintf("    %s = { source = \"hashicorp/%s\" }\n", name, name)
	}
	if err := os.WriteFile(filepath.Join(f.path, "providers.tf"), []byte(required+"  }\n}\n"), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(f.path, fileName), []byte(config), 0o600)
}

// fileName is the name of the configuration; tfcore uses the same.
const fileName = "main.tf"

const planFile = "plan.out"

func (f *folder) plan(ctx context.Context, config string, o tfcore.Options) (plan, error) {
	if len(o.Variables) > 0 {
		return nil, fmt.Errorf("variables are for the core in the process only")
	}
	if err := f.configured(config); err != nil {
		return nil, err
	}
	arguments := []string{"plan", "-input=false", "-lock=false", "-no-color", "-detailed-exitcode", "-out=" + planFile}
	for flag, on := range map[string]bool{"-destroy": o.Destroy, "-refresh-only": o.RefreshOnly, "-refresh=false": o.NoRefresh} {
		if on {
			arguments = append(arguments, flag)
		}
	}
	if o.Parallelism > 0 {
		arguments = append(arguments, fmt.Sprintf("-parallelism=%d", o.Parallelism))
	}
	for _, address := range o.Replace {
		arguments = append(arguments, "-replace="+address)
	}
	for _, address := range o.Target {
		arguments = append(arguments, "-target="+address)
	}
	told, err := f.run(ctx, arguments...)
	var exit *exec.ExitError
	changes := errors.As(err, &exit) && exit.ExitCode() == 2
	if changes {
		err = nil
	}
	return &savedPlan{f, told, changes, o.Parallelism}, err
}

type savedPlan struct {
	in          *folder
	told        string
	other       bool // there are changes
	parallelism int  // 0: the engine's
}

func (p *savedPlan) changes() bool { return p.other }

func (p *savedPlan) String() string { return p.told }

func (p *savedPlan) apply(ctx context.Context) error {
	arguments := []string{"apply", "-input=false", "-lock=false", "-no-color"}
	if p.parallelism > 0 {
		arguments = append(arguments, fmt.Sprintf("-parallelism=%d", p.parallelism))
	}
	_, err := p.in.run(ctx, append(arguments, planFile)...)
	return err
}

func (p *savedPlan) show(ctx context.Context) (*tfjson.Plan, error) {
	text, err := p.in.run(ctx, "show", "-json", planFile)
	if err != nil {
		return nil, err
	}
	shown := &tfjson.Plan{}
	shown.UseJSONNumber(true)
	return shown, shown.UnmarshalJSON([]byte(text))
}

func (f *folder) refresh(ctx context.Context, config string) error {
	if err := f.configured(config); err != nil {
		return err
	}
	_, err := f.run(ctx, "refresh", "-input=false", "-lock=false", "-no-color")
	return err
}

func (f *folder) imports(ctx context.Context, config, address, id string) error {
	if err := f.configured(config); err != nil {
		return err
	}
	_, err := f.run(ctx, "import", "-input=false", "-lock=false", "-no-color", address, id)
	return err
}

func (f *folder) taint(ctx context.Context, address string) error {
	_, err := f.run(ctx, "taint", "-lock=false", address)
	return err
}

func (f *folder) remove(ctx context.Context, address string) error {
	_, err := f.run(ctx, "state", "rm", "-lock=false", address)
	return err
}

func (f *folder) state(ctx context.Context) (*tfjson.State, error) {
	if _, err := os.Stat(filepath.Join(f.path, "terraform.tfstate")); os.IsNotExist(err) {
		return &tfjson.State{}, nil // and the configuration may be one that can't be read
	}
	text, err := f.run(ctx, "show", "-json", "-no-color")
	if err != nil {
		return nil, err
	}
	shown := &tfjson.State{}
	shown.UseJSONNumber(true)
	return shown, shown.UnmarshalJSON([]byte(text))
}

// run runs a command to its end, with the providers that it needs, and returns its
// standard output. An error contains its standard error.
func (f *folder) run(ctx context.Context, arguments ...string) (string, error) {
	serving, stop := context.WithCancel(ctx)
	attached, stopped, err := f.serve(serving)
	defer func() {
		stop()
		for _, end := range stopped {
			<-end
		}
	}()
	if err != nil {
		return "", err
	}
	settings := filepath.Join(f.path, "settings")
	if err := os.WriteFile(settings, []byte("disable_checkpoint = true\n"), 0o600); err != nil {
		return "", err
	}
	command := exec.CommandContext(ctx, f.binary, arguments...) //nolint:gosec // the engine that the tests are for
	command.Dir = f.path
	command.Env = append(os.Environ(), "TF_REATTACH_PROVIDERS="+attached, "TF_IN_AUTOMATION=1", "TF_CLI_CONFIG_FILE="+settings, "TF_DATA_DIR="+filepath.Join(f.path, ".data"))
	var told, complained bytes.Buffer
	command.Stdout, command.Stderr = &told, &complained
	if err := command.Run(); err != nil {
		return told.String(), fmt.Errorf("%s %s: %w\n%s", filepath.Base(f.binary), strings.Join(arguments, " "), err, complained.String())
	}
	return told.String(), nil
}

// serve serves the providers until ctx is done. It returns the value of
// TF_REATTACH_PROVIDERS, and channels that are closed when the providers have ended.
func (f *folder) serve(ctx context.Context) (attached string, stopped []chan struct{}, err error) {
	type address struct{ Network, String string }
	type reattach struct {
		Protocol        string
		ProtocolVersion int
		Pid             int
		Test            bool
		Addr            address
	}
	all := map[string]reattach{}
	for name, factory := range f.servers {
		server, err := factory()
		if err != nil {
			return "", stopped, err
		}
		reached, ended := make(chan *plugin.ReattachConfig), make(chan struct{})
		stopped = append(stopped, ended)
		go func() {
			_ = tf6server.Serve("hashicorp/"+name, func() tfprotov6.ProviderServer { return server },
				tf6server.WithDebug(ctx, reached, ended), tf6server.WithGoPluginLogger(hclog.NewNullLogger()), tf6server.WithLoggingSink(f.t), tf6server.WithoutLogStderrOverride())
		}()
		at := <-reached
		if at == nil {
			return "", stopped, fmt.Errorf("provider %s can't be served", name)
		}
		all["hashicorp/"+name] = reattach{string(at.Protocol), at.ProtocolVersion, at.Pid, true, address{at.Addr.Network(), at.Addr.String()}}
	}
	text, err := json.Marshal(all)
	return string(text), stopped, err
}
