#!/usr/bin/env bash
# depguard: "internal/app/**/*.go" does not guard the files of internal/app itself.
#
# Expected: the pattern of a rule's "files" works as in .gitignore, shells
# with globstar and most glob libraries, where "**/" may also stand for no folder
# at all; so a rule for "**/internal/app/**/*.go" holds for internal/app/app.go.
#
# Actual behaviour (github.com/OpenPeeDeeP/depguard/v2 v2.2.1, the version in
# golangci-lint v2.x; it matches with github.com/gobwas/glob v0.2.3): both slashes
# around the stars must be in the path. The rule holds for files in folders below
# internal/app and silently not for the folder's own files: a forbidden import
# there is not reported. "**/internal/app/**" holds for both.
#
# Prints which imports were reported under each pattern; exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"

mkdir -p module/internal/app/inner
cat > module/go.mod <<'MOD'
module example.com/house

go 1.24
MOD
printf 'package app\n\nimport _ "os/exec"\n' > module/internal/app/app.go
printf 'package inner\n\nimport _ "os/exec"\n' > module/internal/app/inner/inner.go

GOBIN=$work/bin go install github.com/OpenPeeDeeP/depguard/v2/cmd/depguard@v2.2.1

reported() { # pattern -> the files whose import was reported
  cat > module/.depguard.json <<JSON
{ "app": { "files": ["$1"], "deny": { "os/exec": "no processes here" } } }
JSON
  (cd module && "$work/bin/depguard" ./... 2>&1 || true) | grep -oE '(app|inner)\.go' | sort -u | paste -sd ' ' -
}

folders=$(reported '**/internal/app/**/*.go')
all=$(reported '**/internal/app/**')
echo "**/internal/app/**/*.go reports: $folders"
echo "**/internal/app/**      reports: $all"
[ "$folders" = "inner.go" ] && [ "$all" = "app.go inner.go" ] || { echo "The behaviour differs from this description." >&2; exit 1; }
