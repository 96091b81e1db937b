# Shared by the scenarios: a real service process over folders of its own, and words to say how it went. Sourced, not run.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
mkdir -p "$here/artifacts"
work=$(mktemp -d "$here/artifacts/scenario.XXXXXX")
port=${SCENARIO_PORT:-$((20000 + RANDOM % 20000))}
url="http://127.0.0.1:$port"
service=
service_log="$work/service.log"

export STORAGE_PATH="$work/storage" BACKUPS_PATH="$work/backups" RESTORE_PATH="$work/restore" ASPNETCORE_URLS="$url"
export AUTO_BACKUP_ENABLED=${AUTO_BACKUP_ENABLED:-false} BACKUP_ON_STOP=${BACKUP_ON_STOP:-never}
mkdir -p "$STORAGE_PATH"

fail() { echo "FAIL: $*" >&2; tail -n 20 "$service_log" >&2 || true; exit 1; }
say() { echo "   $*"; }

# start_service: starts it and waits until it is ready.
start_service() {
  setsid dotnet "$here/src/BackupApi/bin/Debug/net10.0/BackupApi.dll" >> "$service_log" 2>&1 &
  service=$!
  for _ in $(seq 600); do
    curl -fs -o /dev/null "$url/api/health/ready" && return 0
    kill -0 "$service" 2>/dev/null || fail "the service ended while it started"
    sleep 0.1
  done
  fail "the service was not ready within a minute"
}

# stop_service: SIGTERM; it must exit 0.
stop_service() {
  [ -n "$service" ] || return 0
  kill -TERM "$service"
  local status=0
  wait "$service" || status=$?
  service=
  [ "$status" -eq 0 ] || fail "the service exited $status after SIGTERM"
}

kill_service() {
  kill -KILL "$service"
  wait "$service" 2>/dev/null || true
  service=
}

cleanup() {
  local status=$?
  [ -z "$service" ] || kill -KILL "$service" 2>/dev/null || true
  jobs -p | xargs -r kill -KILL 2>/dev/null || true
  if [ $status -eq 0 ]; then rm -rf "$work"; else echo "   what was left: $work" >&2; fi
}
trap cleanup EXIT

# facts FOLDER: one line for each name below it: kind, mode, owner, size, mtime in ns, link target, first name of its inode, SHA-256.
facts() { python3 "$here/tests/scenarios/facts.py" "$1"; }
