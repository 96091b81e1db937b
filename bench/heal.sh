#!/usr/bin/env bash
# How long a start takes that brings a SQLite database of about 100 MB back: when it is missing, when it is damaged, and when there is nothing to heal.
# usage: bench/heal.sh [rows]   (default 250000, about 107 MB; needs curl, sqlite3 and a built service)
set -euo pipefail
cd "$(dirname "$0")/.."
dll="${BACKUPAPI_DLL:-$PWD/src/BackupApi/bin/Release/net10.0/BackupApi.dll}"
[ -f "$dll" ] || { echo "Build it first: dotnet build -c Release (or name BACKUPAPI_DLL)" >&2; exit 1; }
work=$(mktemp -d) port=5093 pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
mkdir -p "$work/storage"
sqlite3 "$work/storage/shop.db" "create table t(id integer primary key, name text, body blob); with recursive n(i) as (select 1 union all select i+1 from n where i<${1:-250000}) insert into t select i, 'row '||i, randomblob(400) from n; create index by_name on t(name);"
ls -l "$work/storage/shop.db" | awk '{printf "database: %.0f MB; load %s\n", $5/1e6, "'"$(cut -d' ' -f1 /proc/loadavg)"'"}'

start() {
    local began; began=$(date +%s.%N)
    STORAGE_PATH="$work/storage" BACKUPS_PATH="$work/backups" RESTORE_PATH="$work/restore" AUTO_BACKUP_ENABLED=false BACKUP_ON_START=never BACKUP_ON_STOP=never \
        ASPNETCORE_URLS="http://127.0.0.1:$port" dotnet "$dll" > "$work/log" 2>&1 &
    pid=$!
    until curl -fs "http://127.0.0.1:$port/api/health/ready" > /dev/null; do sleep 0.05; done
    echo "$1: ready after $(echo "$(date +%s.%N) - $began" | bc | xargs printf '%.1f') s"
}

stop() { kill "$pid"; wait "$pid" 2>/dev/null || true; pid=; }

start 'first start'
curl -fsX POST "http://127.0.0.1:$port/api/backup/create" > /dev/null
stop
start 'nothing to heal'
stop
rm "$work/storage/shop.db"
start 'missing'
curl -fsX POST "http://127.0.0.1:$port/api/backup/create" > /dev/null
stop
dd if=/dev/urandom of="$work/storage/shop.db" bs=4096 seek=2000 count=8 conv=notrunc status=none
start 'damaged'
stop
sqlite3 "$work/storage/shop.db" 'pragma integrity_check; select count(*) from t'
