#!/usr/bin/env bash
# The real PostgreSQL and the real Kafka of the integration tests, on this machine, without Docker.
#
#   servers.sh up DIRECTORY     start both, data and logs in DIRECTORY; prints the variables the
#                               tests read; a server of DIRECTORY that runs already is left alone
#   servers.sh down DIRECTORY   stop both and delete DIRECTORY
#
# They listen on 127.0.0.1, PostgreSQL on 35432 and Kafka on 39092 (its controller on the next
# port), or on the next ports that are free. PostgreSQL keeps its promises (fsync and
# synchronous_commit on, as in production): what is measured and killed here is the real thing.
set -Eeuo pipefail
setup=$(cd "$(dirname "$0")" && pwd)
images=$setup/../images

die() { printf 'e2e/setup: %s\n' "$*" >&2; exit 1; }
# fail_with LOG WORDS: the last lines of LOG, then the words.
fail_with() { tail -n 20 "$1" >&2 || true; shift; die "$*"; }

listens() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() { # free_port FIRST [COUNT]: the first of COUNT (1) neighbours that nobody listens on
	local port=$1 i
	while :; do
		for ((i = 0; i < ${2:-1}; i++)); do listens $((port + i)) && break; done
		[ "$i" -lt "${2:-1}" ] || { echo "$port"; return; }
		port=$((port + 10))
	done
}

# as_postgres runs a command as the user postgres: the server refuses to be root.
as_postgres() {
	if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"; else "$@"; fi
}

# --- PostgreSQL -------------------------------------------------------------------------------

postgres_programs() {
	local dirs
	dirs=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
	[ -x "$dirs/initdb" ] || die "PostgreSQL is not installed; run: e2e/setup/machine.sh"
	echo "$dirs"
}

postgres_up() {
	local bin port data=$run/postgres log=$run/postgres.log
	bin=$(postgres_programs)
	if [ ! -s "$data/postmaster.pid" ] || ! as_postgres "$bin/pg_ctl" -D "$data" status >/dev/null; then
		mkdir -p "$data"
		chmod 700 "$data"
		touch "$log"
		[ "$(id -u)" != 0 ] || chown postgres "$data" "$log"
		# Only what initdb itself writes goes unsynced; the server syncs.
		[ -s "$data/PG_VERSION" ] || as_postgres "$bin/initdb" -D "$data" -U postgres -A trust --no-sync -E UTF8 \
			--locale=C.UTF-8 >"$run/initdb.log" 2>&1 || fail_with "$run/initdb.log" "PostgreSQL: initdb ended with an error"
		port=$(free_port 35432)
		echo "$port" >"$run/postgres.port"
		as_postgres "$bin/pg_ctl" -D "$data" -s -w -t 60 -l "$log" start -o "-p $port -c listen_addresses=127.0.0.1 \
			-c unix_socket_directories= -c max_connections=300 -c fsync=on -c synchronous_commit=on" ||
			fail_with "$log" "PostgreSQL did not start on port $port"
	fi
	postgres_url="postgres://postgres@127.0.0.1:$(<"$run/postgres.port")/postgres?sslmode=disable"
	"$bin/psql" -X -q -A -t -c 'select 1' "$postgres_url" >/dev/null ||
		fail_with "$log" "PostgreSQL does not answer at $postgres_url"
}

# --- Kafka ------------------------------------------------------------------------------------

kafka_settings() { # kafka_settings PORT
	cat <<-SETTINGS
		process.roles=broker,controller
		node.id=1
		controller.quorum.voters=1@127.0.0.1:$(($1 + 1))
		listeners=PLAINTEXT://127.0.0.1:$1,CONTROLLER://127.0.0.1:$(($1 + 1))
		advertised.listeners=PLAINTEXT://127.0.0.1:$1
		controller.listener.names=CONTROLLER
		listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
		log.dirs=$run/kafka
		# Topics are created by whoever owns them: a typo must not make one.
		auto.create.topics.enable=false
		offsets.topic.replication.factor=1
		offsets.topic.num.partitions=1
		transaction.state.log.replication.factor=1
		transaction.state.log.min.isr=1
		share.coordinator.state.topic.replication.factor=1
		share.coordinator.state.topic.min.isr=1
		# A group of one need not wait three seconds for company, nor the log cleaner hold 128 MB.
		group.initial.rebalance.delay.ms=0
		log.cleaner.dedupe.buffer.size=4194304
	SETTINGS
}

kafka_alive() { [ -s "$run/kafka.pid" ] && kill -0 "$(<"$run/kafka.pid")" 2>/dev/null; }

kafka_up() {
	local port jar path='' jars=$images/.cache/kafka-jars log=$run/kafka.log
	kafka_alive || kafka_start
	for ((i = 0; i < 600; i++)); do
		! grep -q 'Kafka Server started' "$log" || break
		kafka_alive || fail_with "$log" "Kafka ended while it was starting"
		sleep 0.1
	done
	port=$(<"$run/kafka.port")
	listens "$port" || fail_with "$log" "Kafka does not answer on port $port after 60 s"
	kafka_address=127.0.0.1:$port
}

kafka_start() {
	"$images/kafka/jars.sh" "$jars" || die "Kafka's jars could not be fetched"
	for jar in "$jars"/*.jar; do path+=$jar:; done
	# Copied, because Log4j takes the path for a URI and stops at a space.
	cp "$images/kafka/config/log4j2.yaml" "$run/log4j2.yaml"
	local java=(java -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1)
	java+=(-Dlog4j2.configurationFile="$run/log4j2.yaml" -cp "$path")
	port=$(free_port 39092 2)
	echo "$port" >"$run/kafka.port"
	kafka_settings "$port" >"$run/kafka.properties"
	: >"$log"
	[ -s "$run/kafka/meta.properties" ] ||
		"${java[@]}" kafka.tools.StorageTool format -t 5L6g3nShT-eMCtK--X86sw -c "$run/kafka.properties" \
			>"$run/format.log" 2>&1 ||
		fail_with "$run/format.log" "Kafka's storage could not be formatted"
	setsid "${java[@]}" kafka.Kafka "$run/kafka.properties" >"$log" 2>&1 </dev/null &
	echo $! >"$run/kafka.pid"
}

# --- the run ------------------------------------------------------------------------------------

down() {
	local data=$run/postgres
	if [ -s "$data/postmaster.pid" ]; then
		as_postgres "$(postgres_programs)/pg_ctl" -D "$data" -s -m immediate -w stop || true
	fi
	if kafka_alive; then
		kill -KILL "$(<"$run/kafka.pid")" # its data goes with it; an orderly stop takes seconds
		while kafka_alive; do sleep 0.1; done
	fi
	rm -rf "$run"
}

[ $# -eq 2 ] || { sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 2; }
mkdir -p "$2"
run=$(cd "$2" && pwd)
case $1 in
up)
	chmod 755 "$run" # the user postgres has to pass
	postgres_up
	kafka_up
	printf 'export MINOS_TEST_POSTGRES=%q\nexport MINOS_TEST_KAFKA=%q\n' "$postgres_url" "$kafka_address"
	;;
down) down ;;
*) die "unknown action $1" ;;
esac
