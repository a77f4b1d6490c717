#!/bin/bash
# fuzz.sh TIME: each fuzz target of the project for that long.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-30s}
grep -rnoE --include='*_test.go' '^func Fuzz[A-Za-z0-9]+' . | sed -E 's|^\./(.*)/[^/]*:[0-9]+:func |\1 |' | sort -u |
	while read -r folder target; do
		echo "== $folder $target"
		go test "./$folder" -run '^$' -fuzz "^$target\$" -fuzztime "$time"
	done
