#!/usr/bin/env bash
# jars.sh DIRECTORY: fills DIRECTORY with Kafka's jars unless it holds those of pom.xml already.
# Used by the image and by the broker that the integration tests start without Docker.
set -Eeuo pipefail
here=$(cd "$(dirname "$0")" && pwd)
jars=$1
pom=$(sha256sum <"$here/pom.xml")
[ "$pom" != "$(cat "$jars/.complete" 2>/dev/null)" ] || exit 0
rm -rf "$jars"
# maven.wagon retries: one dropped connection among 60 jars must not fail a run.
mvn -q -B -Dstyle.color=never -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
	-DoutputDirectory="$jars" -Dmaven.wagon.http.retryHandler.count=3 >&2
echo "$pom" >"$jars/.complete"
