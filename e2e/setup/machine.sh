#!/usr/bin/env bash
# machine.sh [DIRECTORY]: makes a Debian machine able to run every test. Installs what is missing
# (packages only, as root) and starts a Docker engine when none answers, its log and process id in
# DIRECTORY; an engine started without DIRECTORY is left running with its log in a temporary one.
# Run twice, it finds nothing to do.
set -Eeuo pipefail

say() { printf 'e2e/setup: %s\n' "$*" >&2; }
# fail_with LOG WORDS: the last lines of LOG, then the words.
fail_with() { tail -n 20 "$1" >&2 || true; shift; say "$*"; exit 1; }
has() { command -v "$1" >/dev/null; }
answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# builds tells whether some docker command can do a BuildKit build: from 23.0 on that takes the
# buildx plugin, so a newer command alone is not enough. e2e/images/build.sh picks the same way.
builds() {
	local docker version
	while read -r docker; do
		version=$("$docker" --version | sed -n 's/^Docker version \([0-9]*\)\..*/\1/p')
		if [ "${version:-99}" -lt 23 ] || "$docker" buildx version >/dev/null 2>&1; then return; fi
	done < <(type -ap docker)
	return 1
}

missing_packages() {
	has cc || echo gcc libc6-dev # the Kafka client of the services is C
	has mmdebstrap || echo mmdebstrap
	has mvn || echo maven
	has java || echo default-jre-headless
	[ -n "$(compgen -G '/usr/lib/postgresql/*/bin/initdb')" ] || echo postgresql
	builds && { answers || has dockerd; } || echo docker.io
	answers || has iptables || echo iptables
	answers || [ -f /sys/fs/cgroup/cgroup.controllers ] || has cgroupfs-mount || echo cgroupfs-mount
}

install_missing() {
	local packages conf=/etc/postgresql-common/createcluster.d/minos-tests.conf
	read -r -d '' -a packages < <(missing_packages) || true
	[ ${#packages[@]} -gt 0 ] || return 0
	say "installing ${packages[*]}"
	[ "$(id -u)" = 0 ] || { say "that takes root: run e2e/setup/machine.sh as root once"; exit 1; }
	has apt-get || { say "there is no apt-get: install these packages' programs by hand"; exit 1; }
	# The tests make their own cluster; the package must not start one. Debian's settings read this folder.
	mkdir -p "${conf%/*}"
	echo 'create_main_cluster = false' >"$conf"
	# A third party's repository that is down must not matter: what matters is whether the packages come.
	apt-get update -q -o Acquire::Retries=3 >"$log" 2>&1 || say "apt-get update ended with an error, going on"
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y -o Acquire::Retries=3 -o Dpkg::Options::=--force-confold \
		"${packages[@]}" >>"$log" 2>&1 || fail_with "$log" "apt-get install ended with an error: ${packages[*]}"
	rm -f "$conf"
}

start_engine() {
	answers && return
	# Without systemd nobody has mounted the control groups.
	[ -f /sys/fs/cgroup/cgroup.controllers ] || mountpoint -q /sys/fs/cgroup/memory || cgroupfs-mount
	say "starting a Docker engine"
	setsid dockerd >"$run/dockerd.log" 2>&1 </dev/null &
	echo $! >"$run/dockerd.pid"
	for ((i = 0; i < 300; i++)); do
		answers && return
		sleep 0.2
	done
	fail_with "$run/dockerd.log" "the Docker engine does not answer after 60 s"
}

run=${1:-$(mktemp -d)}
mkdir -p "$run"
log=$run/packages.log
install_missing
start_engine
