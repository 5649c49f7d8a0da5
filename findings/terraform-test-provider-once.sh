#!/usr/bin/env bash
# Terraform 1.13 and later: terraform test configures a provider of a test file once, and
# does not validate its configuration.
#
# One would guess: whatever the command, a provider is configured once for each plan
# and each apply, after its configuration was validated, as Terraform always did. So
# what a provider remembers since it was configured belongs to one plan or apply.
#
# What happens: for a provider block in a test file, Terraform 1.13 starts one provider
# and configures it before the first run (v1.13.3 to v1.16.4: internal/moduletest/graph/
# node_provider.go). The plans and applies of all runs use it, and their ConfigureProvider
# is left out (internal/terraform/providers.go, externalProviderWrapper);
# ValidateProviderConfig is never called. What the provider has read or counted in one
# run is still there in the next one, and nothing tells it that another plan or apply
# has begun. Terraform 1.11 and OpenTofu 1.12.6 configure a new provider each time, and
# so does any version for a provider block in the module itself.
#
# Runs two tests with hashicorp/time v0.14.2, built from its Go module, and counts the
# calls in the engine's trace log, with the provider block in the test file and in the
# module. Exits 1 if an engine does otherwise than told above. Needs go; builds Terraform
# 1.14.9 from its Go module (ten minutes or more), unless engines are named as arguments.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
engines=("$@")
unset "${!TF_LOG@}"
cd "$work"

# The modules of Terraform's backends have no tags: their version is that of the commit.
if [ $# = 0 ]; then
  mkdir terraform && cd terraform
  go mod init example.com/terraform 2> /dev/null
  for name in legacy backend/remote-state/{azure,consul,cos,gcs,kubernetes,oci,oss,pg,s3}; do
    module=github.com/hashicorp/terraform/internal/$name
    go mod edit -replace "$module=$module@v0.0.0-20260420175401-c3c23dd8f120"
  done
  go mod edit -require github.com/hashicorp/terraform@v1.14.9
  GOFLAGS=-mod=mod go build -trimpath -ldflags "-X github.com/hashicorp/terraform/version.dev=no" -o terraform github.com/hashicorp/terraform
  engines=("$PWD/terraform")
  if command -v terraform > /dev/null; then engines+=("$(command -v terraform)"); fi
  cd ..
fi

GOBIN=$work/provider go install github.com/hashicorp/terraform-provider-time@v0.14.2
cat > terraformrc <<RC
provider_installation {
  dev_overrides {
    "registry.terraform.io/hashicorp/time" = "$work/provider"
    "registry.opentofu.org/hashicorp/time" = "$work/provider"
  }
}
RC
export TF_CLI_CONFIG_FILE=$work/terraformrc CHECKPOINT_DISABLE=1

# calls FOLDER: how often the runs in a folder configured and validated a provider.
calls() {
  (cd "$1" && TF_LOG_CORE=trace TF_LOG_PATH="$work/log" "$engine" test > /dev/null 2>&1) || { echo "the test failed"; return; }
  echo "$(grep -c 'GRPCProvider: ConfigureProvider$' "$work/log") $(grep -c 'GRPCProvider: ValidateProviderConfig$' "$work/log")"
  rm "$work/log"
}

failed=0
for engine in "${engines[@]}"; do
  version=$("$engine" version)
  version=${version%%$'\n'*}
  rm -rf file module && mkdir file module
  cat > module/main.tf << 'HCL'
terraform {
  required_providers { time = { source = "hashicorp/time" } }
}
resource "time_static" "x" {}
HCL
  cp module/main.tf file/
  printf 'run "first" {}\n\nrun "second" {}\n' > module/runs.tftest.hcl
  cp module/runs.tftest.hcl file/
  echo 'provider "time" {}' >> module/main.tf
  echo 'provider "time" {}' >> file/runs.tftest.hcl
  in_file=$(calls file) in_module=$(calls module)
  echo "$version: configured and validated with the block in the test file: $in_file; in the module: $in_module"
  case $version in
  "Terraform v1."[0-9].* | "Terraform v1.1"[0-2].* | OpenTofu*) [[ $in_file =~ ^([2-9]|[1-9][0-9])\ ([2-9]|[1-9][0-9])$ ]] || failed=1 ;;
  *) [ "$in_file" = "1 0" ] || failed=1 ;;
  esac
  [[ $in_module =~ ^([2-9]|[1-9][0-9])\ ([2-9]|[1-9][0-9])$ ]] || failed=1
done
if [ $failed = 1 ]; then echo "that has changed" >&2; fi
exit $failed
