#!/usr/bin/env bash
# Every command of the README, as written there, in a fresh clone. The PowerShell lines are sent as PowerShell sends them.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
unset STORAGE_PATH BACKUPS_PATH RESTORE_PATH ASPNETCORE_URLS AUTO_BACKUP_ENABLED BACKUP_ON_STOP
url=http://127.0.0.1:5050

git clone -q "$here" "$work/clone"
cd "$work/clone"
in_readme() { grep -qF -- "$1" README.md || fail "the README does not say: $1"; }

say "dotnet run --project src/BackupApi"
in_readme "dotnet run --project src/BackupApi"
echo "hello" > storage/notes.txt
setsid dotnet run --project src/BackupApi > "$service_log" 2>&1 &
service=$!
for _ in $(seq 1200); do curl -fs -o /dev/null "$url/api/health/ready" && break; kill -0 $service 2>/dev/null || fail "dotnet run ended"; sleep 0.1; done
for _ in $(seq 100); do [ "$(curl -fsS "$url/api/backup/list" | jq '.backups | length')" = 1 ] && break; sleep 0.1; done
[ "$(curl -fsS "$url/api/backup/list" | jq -r '.backups[0].trigger')" = start ] || fail "no backup was taken at the start"

say "the lines that back up"
in_readme "curl -X POST http://127.0.0.1:5050/api/backup/create"
curl -fsS -X POST http://127.0.0.1:5050/api/backup/create | jq -e .success > /dev/null || fail "curl create"
in_readme "Invoke-WebRequest -Method POST -Uri http://127.0.0.1:5050/api/backup/create -Body '{\"label\":\"migration-export\"}'"
name=$(curl -fsS -X POST http://127.0.0.1:5050/api/backup/create -H 'Content-Type: application/x-www-form-urlencoded' -A 'Mozilla/5.0 (Windows NT; Windows NT 10.0; de-DE) WindowsPowerShell/5.1.19041.1' --data-binary '{"label":"migration-export"}' | jq -r .name)
[ "$(curl -fsS "$url/api/backup/list" | jq -r '.backups[0].label')" = migration-export ] || fail "the label of PowerShell's form post was not read"
curl -fsS -X POST http://127.0.0.1:5050/api/backup/create -d '{"label":"moving"}' | jq -e '.label == "moving"' > /dev/null || fail "create with a label"

say "the lines that restore"
in_readme "curl -X POST http://127.0.0.1:5050/api/backup/restore -d '{\"backupName\":\"backup_2026-11-20_120000.tar.gz\"}'"
echo "changed" > storage/notes.txt
curl -fsS -X POST http://127.0.0.1:5050/api/backup/restore -d "{\"backupName\":\"$name\"}" > restored.json || fail "restore"
jq -e '.success and .applied and .message == "Restore complete. Restart application to apply changes."' restored.json > /dev/null || fail "$(cat restored.json)"
[ "$(cat storage/notes.txt)" = hello ] || fail "the restore brought nothing back"
in_readme "Invoke-WebRequest -Method POST -Uri http://127.0.0.1:5050/api/backup/restore -Body '{\"backupName\":\"backup_2026-11-20_120000.tar.gz\"}'"
curl -fsS -X POST http://127.0.0.1:5050/api/backup/restore -H 'Content-Type: application/x-www-form-urlencoded' --data-binary "{\"backupName\":\"$name\"}" | jq -e .applied > /dev/null || fail "restore as PowerShell sends it"
for code in $(curl -s -o /dev/null -w '%{http_code}' "$url/swagger/index.html") $(curl -s -o /dev/null -w '%{http_code}' "$url/openapi/v1.json"); do [ "$code" = 200 ] || fail "swagger or openapi answered $code"; done

say "moving to another machine: copy the archive, start, it is back"
kill -TERM "$(pgrep -f "$work/clone/src/BackupApi/bin/.*/BackupApi" | head -n 1)"
wait $service || true
service=
cp "backups/$name" restore/
rm -rf storage/* backups/*
setsid dotnet run --no-build --project src/BackupApi >> "$service_log" 2>&1 &
service=$!
for _ in $(seq 600); do curl -fs -o /dev/null "$url/api/health/ready" && break; sleep 0.1; done
[ "$(cat storage/notes.txt)" = hello ] && [ -e "restore/done/$name" ] || fail "the dropped archive was not restored"
kill -TERM "$(pgrep -f "$work/clone/src/BackupApi/bin/.*/BackupApi" | head -n 1)"
wait $service || true
service=
