#!/usr/bin/env bash
# Peak memory of the real service while it checks and backs up one large database: LiteDB (documents of 400 bytes, two further indexes) or LevelDB (values of 100 bytes, not compressed).
#   bench/database-memory.sh litedb|leveldb [MB]     default 2048. Needs about three times that on disk; making a LiteDB file takes twice that in memory.
# SKIP_BUILD=1 measures what is built already.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -n "${SKIP_BUILD:-}" ] || dotnet build -c Release -v q --nologo tests/BackupApi.Tests >/dev/null

kind=$1 megabytes=${2:-2048}
work=$(mktemp -d -p "${BENCH_FOLDER:-$PWD/bench}" .memory-XXXXXX)
url=http://127.0.0.1:5978
service=
trap '[ -n "$service" ] && kill "$service" 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT
mkdir "$work/storage"

if [ "$kind" = litedb ]; then
  # 1,000 documents and their index entries take about 0.515 MB.
  LITEDB_BENCH_MAKE="$work/storage/large.db" LITEDB_BENCH_DOCUMENTS=$((megabytes * 1942)) \
    dotnet test -c Release --no-build --nologo tests/BackupApi.Tests --filter "FullyQualifiedName~LiteDbCaptureBench.Make" > "$work/made" || { cat "$work/made"; exit 1; }
else
  g++ -O2 -std=c++17 -o "$work/writer" tests/native/leveldb_writer.cc -lleveldb -lpthread
  "$work/writer" fill "$work/storage/large" "$megabytes" 100 none > /dev/null
fi
echo "$kind: $(du -sm --apparent-size "$work/storage" | cut -f1) MB"

STORAGE_PATH=$work/storage BACKUPS_PATH=$work/backups RESTORE_PATH=$work/restore BACKUP_ON_START=never AUTO_BACKUP_ENABLED=false Backup__CheckDatabasesEvery=0 \
  ASPNETCORE_URLS=$url dotnet src/BackupApi/bin/Release/net10.0/BackupApi.dll > "$work/log" 2>&1 &
service=$!
for _ in $(seq 100); do curl -fs "$url/api/health/ready" > /dev/null && break; sleep 0.2; done

peak() { echo "  $1: peak $(awk '/VmHWM/ {printf "%.0f", $2 / 1024}' "/proc/$service/status") MiB resident, of it anonymous now $(awk '/RssAnon/ {printf "%.0f", $2 / 1024}' "/proc/$service/status") MiB"; }
peak "at rest"
curl -s -X POST "$url/api/databases/verify" | grep -oE '"(whole|total|durationMs)":[a-z0-9]+' | sort -u | tr '\n' ' '
peak "after a check"
echo 5 > "/proc/$service/clear_refs"
curl -s -X POST "$url/api/backup/create" | grep -oE '"(outcome|verification|durationMs)":"?[a-z0-9]+' | head -3 | tr '\n' ' '
peak "after a backup"
