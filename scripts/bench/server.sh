#!/usr/bin/env bash
# server: measures bin/cairn from outside: the time from start to /readyz on an
# empty data directory and again, the time until the sample company can be
# searched, and the memory of the server. On loopback, with a folder of its own
# that is removed afterwards.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
chmod 711 "$work" # as root, PostgreSQL runs as another user
export CAIRN_DATA_DIR=$work/data CAIRN_ADDR=127.0.0.1:${CAIRN_BENCH_PORT:-18973} CAIRN_SAMPLE=on CAIRN_DATABASE_URL=
url=http://$CAIRN_ADDR
pid=
stop() {
  if [[ -n $pid ]]; then kill "$pid" 2>/dev/null && wait "$pid" || true; fi
  pid=
}
trap 'stop; rm -rf "$work"' EXIT

now() { date +%s%N; }
ms() { echo $((($2 - $1) / 1000000)); }

start() { # prints the milliseconds until /readyz
  local began
  began=$(now)
  bin/cairn serve >"$work/out" 2>"$work/err" &
  pid=$!
  until curl -sf "$url/readyz" >/dev/null 2>&1; do
    kill -0 "$pid" || { cat "$work/err" >&2; exit 1; }
    sleep 0.01
  done
  ready=$(ms "$began" "$(now)")
}

memory() { awk '/VmRSS/ {rss = $2} /VmHWM/ {peak = $2} END {printf "%d MB now, %d MB at most", rss / 1024, peak / 1024}' "/proc/$pid/status"; }

start
echo "first start: ready after $ready ms"
began=$(now)
until grep -q 'sync ended' "$work/err"; do sleep 0.02; done
echo "sample company searchable $(ms "$began" "$(now)") ms after that"
[[ -e /proc/$pid/status ]] && echo "memory of the server with the sample company: $(memory)"
stop
first=$ready
start
echo "second start: ready after $ready ms ($((first / (ready > 0 ? ready : 1))) times as fast)"
[[ -e /proc/$pid/status ]] && echo "memory after the second start: $(memory)"
stop
