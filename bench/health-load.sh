#!/usr/bin/env bash
# Health under load: 500 requests a second for 20 s while backups of a changing storage run one after the other. Says the latencies that wrk saw.
# Needs wrk and curl. Usage: bench/health-load.sh [megabytes of storage, default 200]
set -euo pipefail
cd "$(dirname "$0")/.."

megabytes=${1:-200}
work=$(mktemp -d -p "${BENCH_FOLDER:-$PWD}")
url=http://127.0.0.1:5977
service=
trap '[ -n "$service" ] && kill "$service" 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT

dotnet build -c Release --no-restore -v q src/BackupApi
mkdir "$work/storage"
for i in $(seq "$megabytes"); do head -c 700000 /dev/urandom | base64 -w 0 > "$work/storage/file-$i"; done

STORAGE_PATH=$work/storage BACKUPS_PATH=$work/backups RESTORE_PATH=$work/restore BACKUP_ON_START=never \
  ASPNETCORE_URLS=$url dotnet src/BackupApi/bin/Release/net10.0/BackupApi.dll > "$work/log" 2>&1 &
service=$!
for _ in $(seq 100); do curl -fs "$url/api/health/ready" > /dev/null && break; sleep 0.2; done

cat > "$work/pace.lua" <<'LUA'
-- 10 connections, each a request every 20 ms: 500 a second.
function delay() return 20 end
LUA

(
  while true; do
    head -c 700000 /dev/urandom | base64 -w 0 > "$work/storage/file-1"
    curl -fs -X POST "$url/api/backup/create" -o /dev/null || true
  done
) &
backups=$!
sleep 1
echo "/api/health while backups run, $megabytes MB of storage:"
wrk -t1 -c10 -d20s --latency -s "$work/pace.lua" "$url/api/health"
kill "$backups"
curl -fs "$url/api/operations" | grep -o '"kind":"backup"' | wc -l | sed 's/$/ backups ran meanwhile/'
