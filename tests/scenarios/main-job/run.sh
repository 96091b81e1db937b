#!/usr/bin/env bash
# The main job on real input: back up over HTTP, lose everything, restore by dropping the archive and restarting, compare every fact.
# Plain tar and sha256sum must bring the same back without us; every database must open in its own tool. Needs root (three owners).
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

g++ -O1 -o "$work/leveldb_tool" "$here/tests/native/leveldb_tool.cc" -lleveldb -lpthread

say "filling storage"
tar xzf "$here/tests/BackupApi.Tests/TestData/databases.tar.gz" -C "$STORAGE_PATH" --no-same-owner
python3 - "$STORAGE_PATH" <<'PY'
import os, random, sys
root = os.fsencode(sys.argv[1])
random.seed(1)
for owner in (1001, 1002, 1003):
    folder = os.path.join(root, b"small", str(owner).encode())
    os.makedirs(folder)
    for i in range(667):
        path = os.path.join(folder, b"file-%04d.json" % i)
        with open(path, "wb") as f:
            f.write(random.randbytes(random.randrange(4000)))
        os.chmod(path, random.choice([0o600, 0o640, 0o644, 0o755]))
        os.chown(path, owner, owner + 10)
        os.utime(path, ns=(0, random.randrange(10**18, 17 * 10**17)))
with open(os.path.join(root, b"large.bin"), "wb") as f:
    for _ in range(300):
        f.write(random.randbytes(1 << 19) + bytes(1 << 19))
for name in (b"with space", b"\xff\xfe not utf-8", "žluťoučký kůň".encode(), b"-rf", b"back\\slash", b"new\nline", b"'quote'", b".hidden", b"long-" + b"x" * 200):
    with open(os.path.join(root, name), "wb") as f:
        f.write(name)
deep = os.path.join(root, *[b"level-%02d" % i + b"-" * 20 for i in range(12)])
os.makedirs(deep)
with open(os.path.join(deep, b"leaf"), "wb") as f:
    f.write(b"leaf")
os.symlink(b"large.bin", os.path.join(root, b"link-to-file"))
os.symlink(b"/nowhere/at/all", os.path.join(root, b"dangling"))
os.symlink(b"small", os.path.join(root, b"link-to-folder"))
os.link(os.path.join(root, b"large.bin"), os.path.join(root, b"small", b"hard-link"))
os.makedirs(os.path.join(root, b"empty", b"folder"))
os.makedirs(os.path.join(root, b"shared"))
os.chown(os.path.join(root, b"shared"), 1001, 1050)
os.chmod(os.path.join(root, b"shared"), 0o2775)
os.utime(os.path.join(root, b"shared"), ns=(0, 1234567890123456789))
os.mkfifo(os.path.join(root, b"a-pipe"))
PY

"$work/leveldb_tool" hold "$STORAGE_PATH/databases/leveldb/a-clean/db" > "$work/hold.out" &
owner=$!
for _ in $(seq 100); do grep -q holding "$work/hold.out" && break; sleep 0.05; done
kill -KILL "$owner"; wait "$owner" 2>/dev/null || true

start_service
opened=$("$work/leveldb_tool" count "$STORAGE_PATH/databases/leveldb/a-clean/db") || fail "a LevelDB whose owner was killed by -9 does not open after our start"
say "a LevelDB whose owner was killed opens after our start: $opened keys"

# Captured through recovery or cut at a page: the same content, not the same bytes. LOCK is never archived, nor a table that no MANIFEST lists; a pipe is no data.
recovered="databases/leveldb/c-multi-level-small/db/000064.ldb databases/litedb/b-log-empty/data-log.db databases/sqlite/b-wal-committed databases/sqlite/b-wal-stale-beside-other-db databases/sqlite/c-wal-torn-frame databases/sqlite/d-hot-journal databases/litedb/c-log-torn-halfpage"
compared() {
  facts "$1" | grep -av -e "/LOCK' " -e "'a-pipe'" -e "^b'.backup" | while IFS= read -r line; do
    for folder in $recovered; do [[ $line == "b'$folder"* ]] && continue 2; done
    printf '%s\n' "$line"
  done
}
compared "$STORAGE_PATH" > "$work/before.facts"
say "$(wc -l < "$work/before.facts") names"

answer=$(curl -fsS -X POST "$url/api/backup/create" -H 'Content-Type: application/json' -d '{"label":"main job"}') || fail "create: $(curl -s -X POST "$url/api/backup/create")"
name=$(jq -r .name <<< "$answer")
say "backed up: $(jq -c '{name, size, outcome, verification, durationMs}' <<< "$answer")"
[ "$(jq -r .success <<< "$answer")" = true ] || fail "$answer"
[ "$(sha256sum < "$BACKUPS_PATH/$name" | cut -d' ' -f1)" = "$(jq -r .sha256 <<< "$answer")" ] || fail "the SHA-256 of the answer is not the file's"
curl -fsS "$url/api/backup/list" | jq -e --arg n "$name" '.success and .backups[0].name == $n and .backups[0].label == "main job"' > /dev/null || fail "list"
compared "$STORAGE_PATH" | cmp - "$work/before.facts" || fail "the backup changed storage"

say "unpacking with plain tar"
mkdir "$work/plain"
tar xzf "$BACKUPS_PATH/$name" -C "$work/plain" --same-owner --numeric-owner
(cd "$work/plain" && sha256sum --quiet -c .backup/SHA256SUMS) || fail "sha256sum -c"
compared "$work/plain" | diff -a "$work/before.facts" - > "$work/plain.diff" || fail "plain tar brings something else: $(head -n 4 "$work/plain.diff")"

say "losing everything, dropping the archive, restarting"
stop_service
find "$STORAGE_PATH" -mindepth 1 -delete
cp "$BACKUPS_PATH/$name" "$RESTORE_PATH/"
start_service
compared "$STORAGE_PATH" | diff -a "$work/before.facts" - > "$work/restore.diff" || fail "the restore brings something else: $(head -n 4 "$work/restore.diff")"
[ -e "$RESTORE_PATH/done/$name" ] || fail "the archive is not in restore/done"
stop_service
facts "$STORAGE_PATH" > "$work/once.facts"
start_service
facts "$STORAGE_PATH" | cmp - "$work/once.facts" || fail "the archive was restored a second time"

say "opening every database in its own tool"
for db in "$STORAGE_PATH"/databases/sqlite/*/data.db; do
  case $db in */e-*|*/b-wal-stale-*|*/j-not-sqlite/*) continue ;; esac
  [ "$(sqlite3 "$db" 'PRAGMA integrity_check')" = ok ] || fail "sqlite3 does not call $db ok"
done
for db in "$STORAGE_PATH"/databases/leveldb/*/db; do
  case $db in */f-*|*/g-log-corrupt-*|*/h-*) continue ;; esac
  "$work/leveldb_tool" count "$db" > /dev/null || fail "libleveldb does not open $db"
done
[ "$("$work/leveldb_tool" count "$STORAGE_PATH/databases/leveldb/a-clean/db")" = "$opened" ] || fail "the LevelDB holds other keys after the restore"

say "restoring by name over HTTP"
echo changed > "$STORAGE_PATH/large.bin"
curl -fsS -X POST "$url/api/backup/restore" -H 'Content-Type: application/json' -d "{\"backupName\":\"$name\",\"force\":true}" > "$work/restored.json" || fail "restore over HTTP"
jq -e '.success and .applied and .requiresRestart and .safetyBackup != null' "$work/restored.json" > /dev/null || fail "$(cat "$work/restored.json")"
compared "$STORAGE_PATH" | diff -a "$work/before.facts" - > "$work/http.diff" || fail "the restore over HTTP brings something else: $(head -n 4 "$work/http.diff")"

say "refusing a damaged archive"
head -c 100000 "$BACKUPS_PATH/$name" > "$BACKUPS_PATH/backup_2020-01-01_000000.tar.gz"
cp "$BACKUPS_PATH/backup_2020-01-01_000000.tar.gz" "$RESTORE_PATH/damaged.tar.gz"
stop_service
facts "$STORAGE_PATH" > "$work/undamaged.facts"
start_service
facts "$STORAGE_PATH" | cmp - "$work/undamaged.facts" || fail "a damaged archive changed storage"
[ -s "$RESTORE_PATH/failed/damaged.tar.gz.reason.txt" ] || fail "no reason beside the damaged archive"
stop_service
say "$(tail -n 1 "$RESTORE_PATH/failed/damaged.tar.gz.reason.txt")"
