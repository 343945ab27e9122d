#!/usr/bin/env bash
# test.sh [e2e]: every test, or the end-to-end tests alone. To be run by with-servers.sh.
#
# First all packages with the integration tests, the framework under the race detector, and beside
# them, at a low priority, the release tool (130 s to build) and its check; then, with the machine to
# themselves, the tests that drive a Docker engine. A part that fails does not keep the next from
# being run; the last lines say which did.
set -Eeuo pipefail
cd "$(dirname "$0")/../.."
failed=() release=''

finish() { [ -z "$release" ] || kill -- "-$release" 2>/dev/null || true; }
trap finish EXIT

part() { # part NAME COMMAND [ARGUMENTS]
	local name=$1 start=$SECONDS
	shift
	echo "== $name"
	"$@" || failed+=("$name")
	echo "== $name: $((SECONDS - start)) s"
}

# raced lists what runs under the race detector: the framework, where the concurrency is. Not SQLite,
# which is C made into Go: under the detector it takes minutes to compile, and its own locks decide there.
raced() { go list -tags integration ./framework/... | grep -v '/framework/sqlite'; }

# No result is taken from the cache: it knows nothing of the servers.
framework() { raced | xargs go test -count=1 -timeout 15m -tags integration -race; }
others() {
	go list -tags integration ./... | grep -vxFf <(raced) |
		xargs go test -count=1 -timeout 15m -tags integration
}

end_to_end() {
	local files tests
	mapfile -t files < <(grep -rlE --include='*_test.go' --exclude-dir={'.[!.]*',out,testdata} \
		'^//go:build .*\be2e\b' . | sort)
	[ ${#files[@]} -gt 0 ] || { echo "no end-to-end tests found"; return 1; }
	tests=$(sed -nE 's/^func (Test[A-Za-z0-9_]*)\(t .*/\1/p' "${files[@]}" | sort -u | paste -sd '|')
	# One package after the other: they share the engine. Verbose, because they print what they measure.
	printf '%s\0' "${files[@]%/*}" | sort -zu |
		xargs -0 go test -v -p 1 -count=1 -timeout 20m -tags e2e -run "^($tests)\$"
}

release_check() {
	wait "$release" && return
	tail -n 40 out/logs/release.log
	return 1
}

if [ "${1:-}" != e2e ]; then
	mkdir -p out/logs
	set -m # a process group of its own, so that it can be stopped whole
	nice make --no-print-directory release-check >out/logs/release.log 2>&1 &
	release=$!
	set +m
	part "unit, conformance and integration tests of the framework" framework
	part "unit, conformance and integration tests of the rest" others
	part "release configuration" release_check
	release=''
	part "lint" make --no-print-directory lint
fi
part "end-to-end tests" end_to_end
[ ${#failed[@]} -eq 0 ] || { printf 'FAILED: %s\n' "${failed[@]}"; exit 1; }
echo "everything passed in $SECONDS s"
