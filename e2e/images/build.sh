#!/usr/bin/env bash
# Builds the base images that a deployed project asks for, under the names users write:
# no registry can be reached from the machines that run the end-to-end tests.
#
#   e2e/images/build.sh                  every image that is missing or out of date
#   e2e/images/build.sh postgres kafka   only these, and what they stand on
#   e2e/images/build.sh --force [...]    build although nothing changed, saved archives dropped
#   e2e/images/build.sh --list           names and tags
#
# Needs a Docker engine >= 20.10, mmdebstrap, mvn with a JRE (kafka) and Go (golang):
# e2e/setup/machine.sh installs them. Where packages come from (Debian mirror, Maven
# repository, Go proxy, certificates) is read from the host's own settings.
set -Eeuo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=$here/.cache
label=minos.e2e.inputs

declare -A tag=(
	[debian]=debian:12-slim            # what a service's container runs on
	[trixie]=debian:13-slim            # what the two servers below stand on: it has their versions
	[postgres]=postgres:17
	[kafka]=apache/kafka:4.1.0
	[golang]=golang:1.26-bookworm      # what a service is built in
)

say() { printf '%s\n' "$*" >&2; }
die() { say "e2e/images: $*"; exit 1; }
usage() { sed -n '2,13s/^# \{0,1\}//p' "$0"; }
hash_of() { sha256sum | cut -c1-16; }
seconds_since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f s", b - a }'; }

# pick_docker names a docker command that can do a BuildKit build. From 23.0 on that takes
# the buildx plugin; Debian 12's 20.10 has it built in, and may stand behind a newer one.
pick_docker() {
	local docker version
	while read -r docker; do
		version=$("$docker" version --format '{{.Client.Version}}' 2>/dev/null) || continue
		if [ "${version%%.*}" -lt 23 ] || "$docker" buildx version >/dev/null 2>&1; then
			echo "$docker"
			return
		fi
	done < <(type -ap docker)
	return 1
}

inspect() { "$docker" image inspect -f "$1" "$2" 2>/dev/null; }

# once NAME INPUTS: call build_NAME unless the image carries the hash INPUTS. An image of that
# name without our label was pulled by the owner of this machine: it is the real one, and stays.
once() {
	local name=$1 inputs=$2 start=$EPOCHREALTIME found
	local log=$cache/$name.log
	if found=$(inspect "{{index .Config.Labels \"$label\"}}" "${tag[$name]}"); then
		case $found in
		"$inputs") [ -n "$force" ] || { say "$(printf '%-9s %-22s up to date' "$name" "${tag[$name]}")"; return; } ;;
		'' | '<no value>') say "$(printf '%-9s %-22s not built here, kept' "$name" "${tag[$name]}")"; return ;;
		esac
	fi
	set +e # a function called under || would run on after its first error
	(set -e; "build_$name" "$inputs") >"$log" 2>&1
	local status=$?
	set -e
	[ "$status" = 0 ] || { tail -n 40 "$log" >&2; die "$name: not built (log: $log)"; }
	say "$(printf '%-9s %-22s built in %s' "$name" "${tag[$name]}" "$(seconds_since "$start")")"
}

# docker_build NAME INPUTS CONTEXT [options]: CONTEXT is a directory, or - for a tar on stdin.
docker_build() {
	local name=$1 inputs=$2 context=$3
	shift 3
	DOCKER_BUILDKIT=1 "$docker" build --progress=plain ${force:+--no-cache} --label "$label=$inputs" \
		-t "${tag[$name]}" "$@" "$context"
}

# inputs_of DIRECTORY [words]: one hash of a directory's files, the host's apt settings and the words.
inputs_of() {
	local dir=$1
	shift
	{ (cd "$here/$dir" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum); printf '%s\n' "$@"; } | hash_of
}

# --- Debian bases ---------------------------------------------------------------------------

mirror() {
	local uri
	uri=$(apt-get indextargets --format '$(CREATED_BY) $(ORIGIN) $(COMPONENT) $(SUITE) $(REPO_URI)' |
		awk '$1 == "Packages" && $2 == "Debian" && $3 == "main" && $4 !~ /-/ { print $5; exit }')
	[ -n "$uri" ] || die "apt has no Debian mirror configured; run: apt-get update"
	echo "${uri%/}"
}

# apt_settings prints what a container needs to use the host's mirror the way the host does.
apt_settings() {
	apt-config dump | grep -E '^Acquire::(http|https)::(Proxy|No-Cache) |^Acquire::Check-(Valid-Until|Date) ' || true
}

rootfs() { # rootfs SUITE: the tar of a minimal system on stdout
	local suite=$1 path setting options=()
	for path in man info locale groff lintian doc; do
		options+=(--dpkgopt="path-exclude=/usr/share/$path/*")
	done
	while read -r setting; do
		[ -z "$setting" ] || options+=(--aptopt="$setting")
	done < <(apt_settings)
	if [ "$suite" = bookworm ]; then
		# Its base wants "usrmerge | usr-is-merged", and the first brings all of Perl (48 MB).
		local pin='Package: usrmerge\nPin: release *\nPin-Priority: -1\n'
		options+=(
			--include=usr-is-merged
			--setup-hook='mkdir -p "$1/etc/apt/preferences.d"; printf "'"$pin"'" >"$1/etc/apt/preferences.d/usrmerge"'
			--setup-hook='for d in bin sbin lib lib64; do mkdir -p "$1/usr/$d"; ln -s "usr/$d" "$1/$d"; done'
			--customize-hook='rm "$1/etc/apt/preferences.d/usrmerge"'
		)
	fi
	mmdebstrap --format=tar --variant=minbase --include=ca-certificates,tzdata \
		"${options[@]}" --dpkgopt='path-include=/usr/share/doc/*/copyright' --dpkgopt=force-unsafe-io \
		--aptopt='APT::Install-Recommends "0"' --aptopt='Acquire::Languages "none"' "$suite" - "$(mirror)"
}

import_base() { # import_base SUITE NAME INPUTS
	local archive=$cache/$1.tar
	if [ -n "$force" ] || [ ! -s "$archive" ] || [ "$3" != "$(cat "$archive.inputs" 2>/dev/null)" ]; then
		rootfs "$1" >"$archive.part"
		mv "$archive.part" "$archive"
		echo "$3" >"$archive.inputs"
	fi
	"$docker" import -c 'CMD ["bash"]' -c "LABEL $label=$3" \
		-c 'ENV PATH /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' "$archive" "${tag[$2]}"
}

base_inputs() { { echo "$1"; declare -f rootfs import_base; apt_settings; mirror; } | hash_of; }
build_debian() { import_base bookworm debian "$1"; }
build_trixie() { import_base trixie trixie "$1"; }
image_debian() { once debian "$(base_inputs bookworm)"; }
image_trixie() { once trixie "$(base_inputs trixie)"; }

# --- images with a Dockerfile ------------------------------------------------------------------

build_postgres() { docker_build postgres "$1" "$here/postgres" --build-arg "BASE=${tag[trixie]}"; }
image_postgres() {
	need trixie
	once postgres "$(inputs_of postgres "$(inspect '{{.Id}}' "${tag[trixie]}")")"
}

build_kafka() {
	"$here/kafka/jars.sh" "$cache/kafka-jars"
	tar -c -C "$here/kafka" Dockerfile bin config -C "$cache" --exclude=.complete kafka-jars |
		docker_build kafka "$1" - --build-arg "BASE=${tag[trixie]}"
}
image_kafka() {
	need trixie
	once kafka "$(inputs_of kafka "$(inspect '{{.Id}}' "${tag[trixie]}")")"
}

ca_bundle() { echo "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}"; }

# The toolchain is the host's, without its tests; so are the certificates and the settings of
# the go command: modules are fetched in a container as they are on the host.
build_golang() {
	local root parts
	root=$(go env GOROOT)
	mapfile -t parts < <(cd "$root" && ls -d bin lib pkg src VERSION go.env)
	cp "$(ca_bundle)" "$cache/ca.crt"
	tar -c -h --exclude='*/testdata' --transform='s,^\(bin\|lib\|pkg\|src\|VERSION\|go\.env\),go/&,' \
		-C "$here/golang" Dockerfile -C "$cache" ca.crt -C "$root" "${parts[@]}" |
		docker_build golang "$1" - --build-arg "BASE=${tag[debian]}" --build-arg "PROXY=$(go env GOPROXY)" \
			--build-arg "SUMDB=$(go env GOSUMDB)" --build-arg "FLAGS=$(go env GOFLAGS)"
}
image_golang() {
	command -v go >/dev/null || die "golang: no Go toolchain on this machine"
	need debian
	once golang "$(inputs_of golang "$(inspect '{{.Id}}' "${tag[debian]}")" "$(go version)" \
		"$(go env GOPROXY GOSUMDB GOFLAGS)" "$(sha256sum <"$(ca_bundle)")")"
}

# --- the run -------------------------------------------------------------------------------------

declare -A met=()
need() { # need NAME: image NAME, once in this run
	[ -z "${met[$1]:-}" ] || return 0
	"image_$1"
	met[$1]=1
}

main() {
	local name
	force='' wanted=()
	for name in "$@"; do
		case $name in
		--force) force=1 ;;
		--list) for name in "${!tag[@]}"; do printf '%-9s %s\n' "$name" "${tag[$name]}"; done | sort; exit ;;
		-*) usage; exit 2 ;;
		*) [ -n "${tag[$name]:-}" ] || die "no image is called $name (see --list)"; wanted+=("$name") ;;
		esac
	done
	mkdir -p "$cache"
	exec 9>"$cache/lock"
	flock 9 # two runs at once would build the same thing twice
	docker=$(pick_docker) || die "no docker command with BuildKit reaches an engine; run: e2e/setup/machine.sh"
	if [ ${#wanted[@]} -gt 0 ]; then
		for name in "${wanted[@]}"; do need "$name"; done
		return
	fi
	# The two halves have nothing in common, so they are built at once; nobody leaves before both have ended.
	local services servers status=0
	(need golang) &
	services=$!
	(need kafka; need postgres) &
	servers=$!
	wait "$services" || status=1
	wait "$servers" || status=1
	return "$status"
}

main "$@"
