#!/usr/bin/env bash
# What encryption costs: the same storage backed up with and without a passphrase, first and unchanged, verified, one file fetched. Processor seconds of the service, and its most memory.
# usage: bench/encryption.sh [MB]   (default 300; half of it repeats, half does not compress). Needs `dotnet build -c Release src/BackupApi` before.
set -euo pipefail
cd "$(dirname "$0")/.."
megabytes=${1:-300}
work=$(mktemp -d "$PWD/artifacts/encryption.XXXXXX")
url="http://127.0.0.1:$((20000 + RANDOM % 20000))"
trap 'kill -KILL "${service:-0}" 2> /dev/null || true; rm -rf "$work"' EXIT

mkdir -p "$work/storage"
for i in $(seq $((megabytes / 20))); do
  head -c 10000000 /dev/urandom > "$work/storage/random-$i"
  head -c 7500000 /dev/urandom | base64 -w 100 > "$work/storage/text-$i"
done
head -c 1000000 /dev/urandom > "$work/storage/small"
openssl rand -base64 32 > "$work/passphrase"
# Files that are younger than a minute are read again by the next backup.
sleep 61

cpu() { awk '{ print ($14 + $15) / 100 }' "/proc/$service/stat"; }

# timed NAME COMMAND...
timed() {
  local name=$1 began
  shift
  began=$(cpu)
  "$@" > "$work/answer"
  printf '  %-34s %6.2f s\n' "$name" "$(echo "$(cpu) - $began" | bc)"
}

for how in plain encrypted; do
  mkdir -p "$work/$how"/{backups,restore}
  secret=()
  [ $how = plain ] || secret=(BACKUP_PASSPHRASE_FILE="$work/passphrase")
  env STORAGE_PATH="$work/storage" BACKUPS_PATH="$work/$how/backups" RESTORE_PATH="$work/$how/restore" ASPNETCORE_URLS="$url" AUTO_BACKUP_ENABLED=false BACKUP_ON_STOP=never \
    Backup__AlwaysWrite=true "${secret[@]}" dotnet src/BackupApi/bin/Release/net10.0/BackupApi.dll > "$work/log" 2>&1 &
  service=$!
  until curl -fs -o /dev/null "$url/api/health/ready"; do kill -0 $service; sleep 0.2; done
  echo "$how, $(du -sm "$work/storage" | cut -f 1) MB:"
  timed "first backup" curl -fsS -X POST "$url/api/backup/create"
  # A changed file, so that an archive is written; the others are carried over.
  date > "$work/storage/changed"
  timed "next, all but one carried over" curl -fsS -X POST "$url/api/backup/create"
  name=$(jq -r .name "$work/answer")
  timed "verification" curl -fsS -X POST "$url/api/backup/$name/verify"
  timed "one file of 1 MB" curl -fsS "$url/api/backup/$name/files/small"
  printf '  %-34s %6d MB\n' "most memory" $(($(awk '/VmHWM/ { print $2 }' "/proc/$service/status") / 1024))
  kill -TERM $service
  wait $service
done
