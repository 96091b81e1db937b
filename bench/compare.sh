#!/usr/bin/env bash
# Side by side with tar|pigz, restic and borg on one storage, in turn, several rounds; prints medians and their ratios.
#   bench/compare.sh [--rounds N] [--files N] [--even-busy] [--memory GB] [--growth]
# Default: 5 rounds on about 430 MB. --files N adds the round with N files of 1 KB; --memory GB adds a run under a memory limit of 200 MB (cgroup v1, root); --growth adds 0.4, 2 and 8 GB, once.
# Refuses to measure on a busy machine; --even-busy measures all the same and says so in the output. Needs some 4 GB of disk for each round, and pigz, restic, borgbackup, python3, curl, jq, sqlite3.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=5 files=0 memory=0 busy=false growth=false
while [ $# -gt 0 ]; do
  case "$1" in
    --rounds) rounds=$2; shift 2 ;;
    --files) files=$2; shift 2 ;;
    --memory) memory=$2; shift 2 ;;
    --even-busy) busy=true; shift ;;
    --growth) growth=true; shift ;;
    *) echo "usage: bench/compare.sh [--rounds N] [--files N] [--memory GB] [--growth] [--even-busy]" >&2; exit 2 ;;
  esac
done

for tool in pigz restic borg python3 curl jq sqlite3; do
  command -v "$tool" >/dev/null || { echo "compare.sh needs $tool" >&2; exit 1; }
done
load=$(cut -d' ' -f1 /proc/loadavg)
cores=$(nproc)
if awk "BEGIN { exit !($load > 0.3 * $cores) }"; then
  echo "The machine is busy: load $load on $cores cores." >&2
  $busy || { echo "Wait until it rests, or give --even-busy for figures that mean little." >&2; exit 1; }
fi

work=$PWD/artifacts/bench
url=http://127.0.0.1:5971
export RESTIC_PASSWORD=bench BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes BORG_RELOCATED_REPO_ACCESS_IS_OK=yes
export RESTIC_CACHE_DIR=$work/restic-cache BORG_BASE_DIR=$work/borg-base
times=$work/times.txt
service=0 warm=yes made=0 round=
mkdir -p "$work"
: > "$times"
trap 'stop_service; rm -rf "$work"/round*' EXIT

start_service() { # STORAGE BACKUPS [command that runs it]
  ASPNETCORE_URLS=$url STORAGE_PATH=$1 BACKUPS_PATH=$2 RESTORE_PATH=$round/restore AUTO_BACKUP_ENABLED=false BACKUP_ON_START=never BACKUP_ON_STOP=never MAX_BACKUPS=100 LOG_LEVEL=warning \
    "${@:3}" dotnet src/BackupApi/bin/Release/net10.0/BackupApi.dll > "$work/service.log" 2>&1 &
  service=$!
  for _ in $(seq 100); do
    curl -fs "$url/api/health/ready" >/dev/null 2>&1 && return
    sleep 0.2
  done
  cat "$work/service.log" >&2
  echo "The service did not start." >&2
  exit 1
}

stop_service() {
  [ "$service" = 0 ] || { kill "$service" 2>/dev/null && wait "$service" 2>/dev/null || true; service=0; }
}

# timed WORK TOOL COMMAND...: runs it, then sync; notes milliseconds.
# First all that the round made is read once: whoever came first would else pay for reading from the disk what the kernel has given up since (some do after seconds, see DAMON), and the next would not.
timed() {
  local name="$1 $2" before after
  shift 2
  [ "$warm" = no ] || find "$round" -type f -exec cat {} + > /dev/null 2>&1 || true
  sync
  before=$(date +%s%N)
  "$@" > "$work/last.txt" 2> "$work/last.err" || { cat "$work/last.txt" "$work/last.err" >&2; echo "failed: $*" >&2; exit 1; }
  sync
  after=$(date +%s%N)
  echo "$name $(((after - before) / 1000000))" | tee -a "$times"
}

note() { echo "$1 $2 $3" | tee -a "$times"; }
bytes_of() { du -sb "$1" | cut -f1; }
create() { curl -fsS -X POST "$url/api/backup/create"; }
create_and_keep() { create > "$work/created.json"; }
pigz_backup() { tar c -C "$1" . | pigz -6 > "$2"; }

make_storage() {
  [ -e "$work/storage/.made" ] && return
  rm -rf "$work/storage"
  python3 bench/make_storage.py "$work/storage"
  touch "$work/storage/.made"
  sync
}

update_one_percent() { python3 bench/make_storage.py --update "$round/storage/events.sqlite"; }

# Whatever one step leaves stays until the end: ext4 passes one by one over every inode that was freed within the last minutes (recently_deleted in fs/ext4/ialloc.c), and whoever makes files next would pay for it.
new_round() {
  round=$work/round-$((++made))
  rm -rf "$round"
  mkdir -p "$round/restore" "$round/backups" "$round/lost"
}

one_round() {
  new_round
  local storage=$round/storage
  cp -a "$work/storage" "$storage"
  sync
  # Fingerprints are trusted, and borg trusts its files cache, once the last change lies a while back.
  sleep 62
  start_service "$storage" "$round/backups"
  restic init -q -r "$round/restic"
  borg init -e none "$round/borg"

  timed first ours create_and_keep
  note first-size ours "$(jq .size "$work/created.json")"
  timed first pigz pigz_backup "$storage" "$round/pigz.tgz"
  note first-size pigz "$(bytes_of "$round/pigz.tgz")"
  timed first restic restic backup -q -r "$round/restic" "$storage"
  timed first borg borg create "$round/borg::1" "$storage"

  timed unchanged ours create_and_keep
  timed unchanged restic restic backup -q -r "$round/restic" "$storage"
  timed unchanged borg borg create "$round/borg::2" "$storage"

  update_one_percent
  local restic_before borg_before
  restic_before=$(bytes_of "$round/restic")
  borg_before=$(bytes_of "$round/borg")
  timed update ours create_and_keep
  note update-bytes ours "$(jq '.size - .bytesCarriedOver' "$work/created.json")"
  timed update restic restic backup -q -r "$round/restic" "$storage"
  note update-bytes restic "$(($(bytes_of "$round/restic") - restic_before))"
  timed update borg borg create "$round/borg::3" "$storage"
  note update-bytes borg "$(($(bytes_of "$round/borg") - borg_before))"

  local name
  name=$(jq -r .name "$work/created.json")
  timed one-file ours curl -fsS -o /dev/null "$url/api/backup/$name/files/one-megabyte.bin"

  pigz_backup "$storage" "$round/pigz.tgz"
  mv "$storage"/* "$round/lost/"
  timed restore ours curl -fsS -X POST -H 'Content-Type: application/json' -d "{\"backupName\":\"$name\",\"force\":true}" "$url/api/backup/restore"
  cmp "$storage/log.jsonl" "$work/storage/log.jsonl"
  mkdir "$round/out-pigz"
  timed restore pigz bash -c "pigz -dc '$round/pigz.tgz' | tar xp -C '$round/out-pigz'"
  timed restore restic restic restore -q latest -r "$round/restic" -t "$round/out-restic"
  stop_service
}

many_files() {
  new_round
  mkdir "$round/storage"
  python3 bench/make_storage.py --many "$files" "$round/storage"
  sleep 62
  start_service "$round/storage" "$round/backups"
  borg init -e none "$round/borg"
  timed many-first ours create_and_keep
  timed many-first pigz pigz_backup "$round/storage" "$round/pigz.tgz"
  timed many-first borg borg create "$round/borg::1" "$round/storage"
  timed many-unchanged ours create_and_keep
  timed many-unchanged borg borg create "$round/borg::2" "$round/storage"
  stop_service
}

# Everything that an archive goes through, on one storage of N GB.
whole_life() { # GB NAME [command that runs the service]
  local warm=no
  local size=$1 name=$2
  shift 2
  # Few files are made here: what was freed before costs nothing.
  rm -rf "$work"/round*
  new_round
  mkdir "$round/storage"
  python3 bench/make_storage.py --large "$size" "$round/storage"
  head -c 1048576 "$round/storage/000.bin" > "$round/storage/one-megabyte.bin"
  sync
  sleep 62
  start_service "$round/storage" "$round/backups" "$@"
  timed "$name-first" ours create_and_keep
  timed "$name-unchanged" ours create_and_keep
  local backup
  backup=$(jq -r .name "$work/created.json")
  timed "$name-verify" ours curl -fsS -X POST "$url/api/backup/$backup/verify"
  timed "$name-one-file" ours curl -fsS -o /dev/null "$url/api/backup/$backup/files/one-megabyte.bin"
  mv "$round/storage"/* "$round/lost/"
  timed "$name-restore" ours curl -fsS -X POST -H 'Content-Type: application/json' -d "{\"backupName\":\"$backup\",\"force\":true}" "$url/api/backup/restore"
  note "$name-rss-kB" ours "$(grep VmHWM "/proc/$service/status" | tr -dc 0-9)"
}

under_limit() {
  local group=/sys/fs/cgroup/memory/backupapi-bench
  mkdir -p "$group"
  echo $((200 << 20)) > "$group/memory.limit_in_bytes"
  # Everything is counted, the page cache too: the kernel drops that, and kills the service if the rest is over the limit.
  whole_life "$memory" "limited-${memory}GB" bash -c "echo \$\$ > $group/cgroup.procs; exec \"\$@\"" --
  note "limited-${memory}GB-oom" ours "$(grep -o 'oom_kill [0-9]*' "$group/memory.oom_control" | tr -dc 0-9)"
  stop_service
  rmdir "$group" || true
}

dotnet build src/BackupApi -c Release -v q --nologo > "$work/build.log" || { cat "$work/build.log" >&2; exit 1; }
make_storage
for number in $(seq "$rounds"); do
  echo "-- round $number"
  one_round
  [ "$files" = 0 ] || many_files
done
if $growth; then
  for size in 0.4 2 8; do
    whole_life "$size" "growth-${size}GB"
    stop_service
  done
fi
[ "$memory" = 0 ] || under_limit

echo "-- medians of $rounds rounds, load at the start $load on $cores cores"
python3 bench/make_storage.py --medians "$times"
