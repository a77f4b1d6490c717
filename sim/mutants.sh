#!/bin/bash
# Breaks the product on purpose, one patch of sim/testdata/mutants after the other, and plays histories until a law
# catches it. The tree stays as it is: the compiler is given the patched files in place of the real ones.
# usage: sim/mutants.sh [NAME...]
set -euo pipefail
cd "$(dirname "$0")/.."
histories=${HISTORIES:-2000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ $# = 0 ]; then
	set -- sim/testdata/mutants/*.patch
fi
survived=0
for name; do
	name=$(basename "$name" .patch)
	patch=sim/testdata/mutants/$name.patch
	file=$(sed -n 's|^+++ b/||p' "$patch")
	rm -rf "$work/tree"
	mkdir -p "$work/tree/$(dirname "$file")"
	cp "$file" "$work/tree/$file"
	patch --quiet --strip 1 --directory "$work/tree" <"$patch"
	printf '{"Replace": {"%s": "%s"}}\n' "$PWD/$file" "$work/tree/$file" >"$work/overlay.json"
	if [ "$file" = tasks/prelude.sh ]; then
		# Model hosts obey a program as the prelude does, and are compared with it.
		if go test -count=1 -overlay "$work/overlay.json" -run 'TestPreludeAgrees' ./sim/host >"$work/out" 2>&1; then
			survived=$((survived + 1))
			printf '%-36s SURVIVED\n' "$name"
		elif ! grep -q '^--- FAIL: TestPreludeAgrees' "$work/out"; then
			survived=$((survived + 1))
			printf '%-36s FAILED: %s\n' "$name" "$(tail -n 1 "$work/out")"
		else
			printf '%-36s %6s  %s\n' "$name" "" "the model and the prelude disagree"
		fi
		continue
	fi
	go build -overlay "$work/overlay.json" -o "$work/eucactl" ./cmd/eucactl
	if "$work/eucactl" sim --histories "$histories" >"$work/out" 2>"$work/err"; then
		survived=$((survived + 1))
		printf '%-36s SURVIVED %s histories\n' "$name" "$histories"
	elif ! grep -q '^to repeat: ' "$work/err"; then
		survived=$((survived + 1))
		printf '%-36s FAILED: %s\n' "$name" "$(tail -n 1 "$work/err")"
	else
		printf '%-36s %6s  %s\n' "$name" "$(sed -n 's/^.*seed \([0-9]*\), .*/seed \1/p' "$work/err" | head -n 1)" \
			"$(awk 'on && !/^  / { sub(/: .*/, ""); print; exit } /seed [0-9]+, [0-9]+ steps:$/ { on = 1 }' "$work/err")"
	fi
done
[ $survived = 0 ] || { echo "$survived mutants were not caught: the laws have holes" >&2; exit 1; }
