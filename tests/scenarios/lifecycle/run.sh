#!/usr/bin/env bash
# The life of the process: one service to a folder, schedule, SIGTERM and kill -9 in the middle of a backup, a client that hangs up, memory.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

say "a wrong setting: everything listed, exit 78, nothing touched"
status=0
(cd "$work" && MAX_BACKUPS=none AUTO_BACKUP_INTERVAL=-1 BACKUPS_PATH="$work/never" RESTORE_PATH="$work/never-too" dotnet "$here/src/BackupApi/bin/Debug/net10.0/BackupApi.dll" > "$work/wrong.out" 2>&1) || status=$?
[ $status -eq 78 ] || fail "exit $status instead of 78: $(cat "$work/wrong.out")"
grep -q MAX_BACKUPS "$work/wrong.out" && grep -q AUTO_BACKUP_INTERVAL "$work/wrong.out" || fail "not every error is listed: $(cat "$work/wrong.out")"
[ ! -e "$work/never" ] && [ ! -e "$work/never-too" ] || fail "a folder was made although the settings are wrong"

say "filling storage with 700 MB that does not compress"
for i in 1 2 3 4 5 6 7; do head -c 100M /dev/urandom > "$STORAGE_PATH/part-$i"; done

start_service
say "a second service over the same folders refuses to start"
status=0
ASPNETCORE_URLS="http://127.0.0.1:$((port + 1))" timeout 20 dotnet "$here/src/BackupApi/bin/Debug/net10.0/BackupApi.dll" > "$work/second.out" 2>&1 || status=$?
[ $status -eq 73 ] && grep -q "Another BackupApi" "$work/second.out" || fail "exit $status: $(cat "$work/second.out")"

say "a client that hangs up does not stop the backup"
curl -s -m 0.3 -X POST "$url/api/backup/create" > /dev/null || true
for _ in $(seq 200); do
  [ "$(curl -fsS "$url/api/operations" | jq -r '.operations[0].state')" = ended ] && break
  sleep 0.2
done
curl -fsS "$url/api/operations" | jq -e '.operations[0].outcome == "ok"' > /dev/null || fail "$(curl -fsS "$url/api/operations")"
peak=$(awk '/VmHWM/ {print int($2 / 1024)}' "/proc/$(pgrep -P "$service" dotnet || echo "$service")/status")
say "peak memory of the process after 700 MB: $peak MB"
[ "$peak" -lt 200 ] || fail "the process took $peak MB"

say "SIGTERM in the middle of a backup: streams end, exit 0, no half archive"
curl -fsS -X POST "$url/api/backup/create?wait=false" > "$work/accepted.json"
operation=$(jq -r .operationId "$work/accepted.json")
curl -sN "$url/api/operations/events" > "$work/events.out" &
stream=$!
busy=$(curl -s -o "$work/busy.json" -w '%{http_code}' -X POST "$url/api/backup/create")
[ "$busy" = 409 ] && [ "$(jq -r .operationId "$work/busy.json")" = "$operation" ] || fail "a second backup was answered $busy: $(cat "$work/busy.json")"
began=$(date +%s%N)
stop_service
say "stopped after $((($(date +%s%N) - began) / 1000000)) ms"
wait $stream || true
grep -q "$operation" "$work/events.out" || fail "the stream told nothing of the operation"
[ -z "$(find "$BACKUPS_PATH" -name '*.partial')" ] || fail "a half archive was left: $(ls "$BACKUPS_PATH")"

say "kill -9 in the middle of a backup: the next start clears up and says so"
start_service
before=$(find "$BACKUPS_PATH" -name '*.tar.gz' | wc -l)
curl -fsS -X POST "$url/api/backup/create?wait=false" > /dev/null
for _ in $(seq 100); do [ -n "$(find "$BACKUPS_PATH" -name '*.tar.gz.partial')" ] && break; sleep 0.02; done
kill_service
[ -n "$(find "$BACKUPS_PATH" -name '*.tar.gz.partial')" ] || fail "the kill came too late to prove anything"
# What a kill of the same moment may leave of a record.
touch "$BACKUPS_PATH/.backupapi/sequence.partial"
AUTO_BACKUP_ENABLED=true AUTO_BACKUP_INTERVAL=2000 BACKUP_ON_START=never start_service
[ -z "$(find "$BACKUPS_PATH" -name '*.partial')" ] || fail "the half archive is still there"
grep -q "it was never published" "$service_log" || fail "nothing is said of the half archive"
[ "$(find "$BACKUPS_PATH" -name '*.tar.gz' | wc -l)" = "$before" ] || fail "an archive appeared or went"

say "the schedule runs, and survives a failed run"
curl -s "$url/api/health" | jq -e '.backup.nextScheduled != null' > /dev/null || fail "no next run is told"
mv "$STORAGE_PATH" "$work/away"
for _ in $(seq 100); do
  curl -fsS "$url/api/operations" | jq -e '[.operations[] | select(.trigger == "schedule" and .outcome == "failed")] | length > 0' > /dev/null && break
  sleep 0.2
done
curl -fsS "$url/api/operations" | jq -e '[.operations[] | select(.trigger == "schedule" and .fault == "storageMissing")] | length > 0' > /dev/null || fail "no scheduled run failed: $(curl -fsS "$url/api/operations" | head -c 600)"
mv "$work/away" "$STORAGE_PATH"
for _ in $(seq 200); do
  curl -fsS "$url/api/operations" | jq -e '[.operations[] | select(.trigger == "schedule" and .state == "ended")][0].outcome == "ok"' > /dev/null && break
  sleep 0.2
done
curl -fsS "$url/api/operations" | jq -e '[.operations[] | select(.trigger == "schedule" and .state == "ended")][0].outcome == "ok"' > /dev/null || fail "the schedule did not go on"
stop_service
