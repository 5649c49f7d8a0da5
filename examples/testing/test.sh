#!/usr/bin/env bash
# A test of a configuration with customers who launch, without an AWS account.
# It needs terraform or tofu, xacct and xacct-sandbox on the PATH.
set -euo pipefail
engine=${ENGINE:-terraform}
work=$(mktemp -d)
cp "$(dirname "$0")"/*.tf "$work"
cd "$work"

fail() {
  echo "FAIL: $*" >&2
  exit 1
}

# An AWS in memory, and this shell as the vendor in it.
xacct-sandbox serve --listen 127.0.0.1:4566 > sandbox.log &
sandbox=$!
registrar=
trap 'kill $sandbox $registrar' EXIT
until xacct-sandbox environment > environment 2> /dev/null; do sleep 0.1; done
source environment

apply() { "$engine" apply -auto-approve -input=false -no-color > apply.log || fail "$(cat apply.log)"; }
status() { "$engine" output -raw status; }

if [ -z "${SKIP_INIT:-}" ]; then "$engine" init -input=false > init.log || fail "$(cat init.log)"; fi
apply
[ "$(status)" = pending ] || fail "before the launch the status is $(status)"

xacct registrar --hub acme --listen off 2> registrar.log &
registrar=$!

# A stranger to whom the link was forwarded is refused; the customer is not.
if xacct-sandbox launch "$("$engine" output -raw link)" --account 333333333333 > stranger.log 2>&1; then
  fail "another account than the customer's can use the link"
fi
xacct-sandbox launch "$("$engine" output -raw link)" --account 222222222222
apply
[ "$(status)" = active ] || fail "after the launch the status is $(status)"
xacct verify --hub acme --full

# The customer leaves.
xacct-sandbox delete acme-access --account 222222222222
apply
[ "$(status)" = disconnected ] || fail "after the stack was deleted the status is $(status)"

echo "PASS"
