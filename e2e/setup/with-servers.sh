#!/usr/bin/env bash
# with-servers.sh COMMAND [ARGUMENTS]: runs a command on a machine that has everything the tests
# need: packages, a Docker engine with the base images, PostgreSQL and Kafka, whose addresses are
# in MINOS_TEST_POSTGRES and MINOS_TEST_KAFKA. Then stops what it started, and nothing else.
#
# Where both variables are set already, those servers are used. When the command fails, the
# servers' logs are left in out/logs.
set -Eeuo pipefail
setup=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$setup/../.." && pwd)
run=$(mktemp -d)
status=1

stop_engine() {
	local pid
	[ -s "$run/dockerd.pid" ] || return 0
	pid=$(<"$run/dockerd.pid")
	kill "$pid" 2>/dev/null || return 0
	while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
}

finish() {
	trap '' INT TERM # a second Ctrl-C must not leave a server behind
	if [ "$status" != 0 ] && mkdir -p "$root/out/logs"; then
		find "$run" -maxdepth 2 -name '*.log' -exec cp {} "$root/out/logs" \;
		echo "e2e/setup: the logs of the servers are in out/logs" >&2
	fi
	[ ! -d "$run/servers" ] || "$setup/servers.sh" down "$run/servers"
	stop_engine
	rm -rf "$run"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

[ $# -gt 0 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2; }
chmod 755 "$run" # the user postgres has to pass
"$setup/machine.sh" "$run"
"$root/e2e/images/build.sh"
if [ -z "${MINOS_TEST_POSTGRES:-}" ] || [ -z "${MINOS_TEST_KAFKA:-}" ]; then
	variables=$("$setup/servers.sh" up "$run/servers")
	eval "$variables"
fi
cd "$root"
"$@" && status=0 || status=$?
exit "$status"
