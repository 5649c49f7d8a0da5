#!/usr/bin/env bash
# Terraform 1.9 to 1.11: the deletion of a resource that was removed from the configuration is
# planned before the resource is read.
#
# One would guess: a plan reads each resource first, whether the configuration still
# has it or not, and plans from what it read. So a provider that is asked to plan a
# deletion gets what its own read has just returned: refreshed values, private state.
#
# What happens: in Terraform 1.9, 1.10 and 1.11 that is so only for resources that are
# in the configuration. For one that was removed from it the provider gets
# PlanResourceChange, with the values and the private state of the last apply, and
# then ReadResource (v1.9.8, v1.10.5 and v1.11.4: internal/terraform/
# node_resource_plan_orphan.go calls planDestroy, then refresh). The planned deletion
# has the old values as "before"; what the read returned, private state included, is
# not in it. Before and after these, the read comes first (v1.5.7, v1.8.5, v1.12.2 and
# v1.16.4, same file), as it does in OpenTofu 1.12.6.
#
# Removes one time_static of hashicorp/time v0.14.2, built from its Go module, and prints
# the order of the calls of its plan, which is in the engine's own trace log. Exits 1 if
# an engine has another order than told above. Needs go, and terraform or tofu on the
# PATH; other engines may be named as arguments.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
engines=("$@")
if [ $# = 0 ]; then
  for name in terraform tofu; do
    if command -v "$name" > /dev/null; then engines+=("$(command -v "$name")"); fi
  done
fi
[ ${#engines[@]} -gt 0 ] || { echo "neither terraform nor tofu is on the PATH" >&2; exit 2; }
unset "${!TF_LOG@}"
cd "$work"

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

# calls prints the calls of a plan that concern the resource, in their order.
calls() {
  TF_LOG_CORE=trace TF_LOG_PATH="$work/log" "$1" plan -input=false > /dev/null 2>&1
  sed -n 's/.*GRPCProvider: \(PlanResourceChange\|ReadResource\)$/\1/p' "$work/log" | paste -sd ' '
  rm "$work/log"
}

failed=0
for engine in "${engines[@]}"; do
  version=$("$engine" version)
  version=${version%%$'\n'*}
  rm -rf configuration && mkdir configuration && cd configuration
  cat > main.tf << 'HCL'
terraform {
  required_providers { time = { source = "hashicorp/time" } }
}
HCL
  echo 'resource "time_static" "x" {}' > time.tf
  "$engine" apply -input=false -auto-approve > /dev/null
  kept=$(calls "$engine")
  rm time.tf
  removed=$(calls "$engine")
  cd ..
  case $version in
  "Terraform v1.9."* | "Terraform v1.10."* | "Terraform v1.11."*) told="PlanResourceChange ReadResource" ;;
  *) told="ReadResource PlanResourceChange" ;;
  esac
  echo "$version: kept in the configuration: $kept; removed from it: $removed"
  if [ "$kept" != "ReadResource PlanResourceChange" ] || [ "$removed" != "$told" ]; then
    echo "  that has changed: removed should be $told" >&2
    failed=1
  fi
done
exit $failed
