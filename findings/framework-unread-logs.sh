#!/usr/bin/env bash
# terraform-plugin-framework: a provider logs everything, even if no TF_LOG is set.
#
# Expected: Terraform prints no logs unless TF_LOG or TF_LOG_PROVIDER is set,
# so a provider writes none then, and its log lines cost nothing.
#
# Actual behaviour (terraform-plugin-log v0.9.0 to v0.11.0, tfsdklog/sdk.go: "if
# opts.Level == hclog.NoLevel { opts.Level = hclog.Trace }"; the level is only taken
# from TF_LOG_SDK, TF_LOG_SDK_PROTO and TF_LOG_SDK_FRAMEWORK): the loggers of
# terraform-plugin-go and the framework start at trace. The provider writes JSON for
# each call and each attribute of each resource to its standard error; Terraform and
# OpenTofu read and parse each line, and drop it. In a provider with forty attributes
# per resource that was a quarter of the provider's CPU time in a plan, and more of
# the engine's. With the three variables set to "off" nothing is written.
#
# Plans fifty resources of hashicorp/time v0.14.2, built from its Go module, and
# counts what the provider wrote; exits 1 if that changes. Needs go, and terraform or
# tofu on the PATH.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
engine=$(command -v terraform || command -v tofu)
unset "${!TF_LOG@}"

GOBIN=$work/bin go install github.com/hashicorp/terraform-provider-time@v0.14.2
mkdir provider configuration
cat > provider/terraform-provider-time <<SH
#!/bin/sh
exec "$work/bin/terraform-provider-time" "\$@" 2>> "$work/written"
SH
chmod +x provider/terraform-provider-time
cat > terraformrc <<RC
provider_installation {
  dev_overrides {
    "registry.terraform.io/hashicorp/time" = "$work/provider"
    "registry.opentofu.org/hashicorp/time" = "$work/provider"
  }
}
RC
cat > configuration/main.tf <<'TF'
resource "time_static" "each" {
  count = 50
}
TF

lines() { # variables -> how many lines the provider writes during a plan
  : > written
  (cd configuration && env TF_CLI_CONFIG_FILE="$work/terraformrc" "$@" "$engine" plan -input=false > /dev/null)
  wc -l < written
}

"$engine" version | head -1
unset_lines=$(lines)
off_lines=$(lines TF_LOG_SDK=off TF_LOG_SDK_PROTO=off TF_LOG_SDK_FRAMEWORK=off)
echo "lines written during a plan of 50 resources, no TF_LOG: $unset_lines"
echo "the same, SDK loggers off:                              $off_lines"
[ "$unset_lines" -gt 1000 ] && [ "$off_lines" -lt 20 ] || { echo "The behaviour differs from this description." >&2; exit 1; }
