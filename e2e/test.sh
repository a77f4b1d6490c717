#!/bin/bash
# All tests, in the order in which failures are cheapest to understand.
set -euo pipefail
cd "$(dirname "$0")/.."
go vet ./...
# The two that take longest begin first, side by side.
go test -count=1 -timeout 30m ./e2e ./tasks ./...
