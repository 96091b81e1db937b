# The steps of run.sh, each a function that fails by itself. Sourced, not run.
# The example stack lives in $project as a person would have it: the compose file, and storage/ backups/ restore/ beside it.
project="$work/project"
compose() { docker-compose -f "$project/docker-compose.yml" "$@"; }
container() { docker ps -aq -f label=com.docker.compose.project=scenario -f "label=com.docker.compose.service=$1"; }
orders() { sqlite3 -readonly "$project/storage/shop.db" 'SELECT count(*) FROM orders'; }
has_orders() { [ "$(orders)" -gt "$1" ]; }
ready() { curl -fs -o /dev/null "$url/api/health/ready"; }
archives() { find "$project/backups" -maxdepth 1 -name '*.tar.gz' | sort; }
no_partial() { [ -z "$(find "$1" -maxdepth 1 -name '*.partial')" ]; }
newest() { curl -fsS "$url/api/backup/list" | jq -r '.backups[0].name'; }

# verify FILE...: by the image, with no service, no network, no rights.
verify() {
  for file in "$@"; do
    docker run --rm --network none --read-only --cap-drop ALL --user $uid:$uid -v "$(dirname "$file"):/backups:ro" backupapi verify "/backups/$(basename "$file")" 2> /dev/null || fail "$file is not whole"
  done
}

# opened_since INSTANT: the first line the application wrote after it opened its database.
opened_since() { docker logs --since "$1" "$(container app)" 2>&1 | grep -m 1 '^opened:'; }
now() { date -u +%FT%T.%NZ; }

make_project() {
  mkdir -p "$project"/{storage,backups,restore,examples}
  chown "$uid:$uid" "$project"/{storage,backups,restore}
  chmod 755 "$work"
  # The file as it is in the repository, but for the port, which others may be using on this machine.
  sed "s/127.0.0.1:5050:8080/127.0.0.1:$port:8080/" "$here/docker-compose.yml" > "$project/docker-compose.yml"
}

running() {
  [ -e "$project" ] || make_project
  compose up -d --no-build > "$work/up.log" 2>&1 || fail "docker-compose up: $(tail -n 3 "$work/up.log")"
  until_true 60 ready || fail "the service is not ready"
}

# service NAME ARGUMENTS... runs the image alone over the folders of $work/NAME, and waits until it is ready.
service() {
  local name=$1
  shift
  docker rm -f oom user root rights sealed > /dev/null 2>&1 || true
  docker run -d --name "$name" --read-only --cap-drop ALL --security-opt no-new-privileges:true -p "127.0.0.1:$((port + 1)):8080" \
    -e BACKUP_ON_START=never -e BACKUP_ON_STOP=never -e ALLOW_ANONYMOUS=true \
    -v "$work/$name/storage:/storage" -v "$work/$name/backups:/backups" -v "$work/$name/restore:/restore" "$@" backupapi > /dev/null 2>&1 || fail "docker run $name"
}
alone="http://127.0.0.1:$((port + 1))"
alone_ready() { curl -fs -o /dev/null "$alone/api/health/ready"; }

image() {
  DOCKER_BUILDKIT=0 docker build --network host -t backupapi "$here" > "$work/build.log" 2>&1 || fail "docker build: $(tail -n 5 "$work/build.log")"
  DOCKER_BUILDKIT=0 docker build --network host -t backupapi-example "$here/examples" >> "$work/build.log" 2>&1 || fail "docker build examples: $(tail -n 5 "$work/build.log")"
  local base ours
  base=$(docker image inspect -f '{{.Size}}' mcr.microsoft.com/dotnet/aspnet:10.0)
  ours=$(docker image inspect -f '{{.Size}}' backupapi)
  say "$((ours / 1000000)) MB, $(((ours - base) / 1000000)) MB over the base image"
  [ $((ours - base)) -lt 60000000 ] || fail "the image adds more than 60 MB to its base"
  [ "$(docker image inspect -f '{{.Config.User}} {{.Config.StopSignal}}' backupapi)" = "1654 SIGTERM" ] || fail "user or stop signal"
  [ "$(docker image inspect -f '{{json .Config.Healthcheck.Test}}' backupapi)" = '["CMD","/app/BackupApi","--healthcheck"]' ] || fail "health check"
  ! docker run --rm --entrypoint sh backupapi -c 'command -v curl' > /dev/null 2>&1 || fail "the stand-in for the base image has a curl: the probe proves nothing"
  DOCKER_BUILDKIT=0 docker build --network host -t backupapi "$here" > "$work/again.log" 2>&1
  [ "$(grep -c 'Using cache' "$work/again.log")" -ge 10 ] || fail "a second build starts from nothing"
}

commands() {
  local status=0 said
  [ "$(docker run --rm backupapi --version 2> /dev/null)" = "BackupApi $(sed -n 's:.*<VersionPrefix>\(.*\)</VersionPrefix>.*:\1:p' "$here/Directory.Build.props")" ] || fail "--version"
  docker run --rm backupapi nonsense > /dev/null 2>&1 || status=$?
  [ "$status" -eq 64 ] || fail "an unknown command exits $status"
  status=0
  said=$(docker run --rm backupapi --healthcheck 2> /dev/null) || status=$?
  [ "$status" -eq 1 ] || fail "--healthcheck without a service exits $status"
  [[ $said == *"http://127.0.0.1:8080/"* ]] || fail "the probe asks elsewhere: $said"
  mkdir -p "$work/damaged"
  head -c 1000 /dev/urandom > "$work/damaged/x.tar.gz"
  chmod 755 "$work" "$work/damaged"
  status=0
  docker run --rm -v "$work/damaged:/backups:ro" backupapi verify /backups/x.tar.gz > /dev/null 2>&1 || status=$?
  [ "$status" -eq 1 ] || fail "verify of a damaged file exits $status"
}

up() {
  running
  local healthy_at started_at
  [ "$(docker inspect -f '{{.State.Health.Status}}' "$(container backupapi)")" = healthy ] || fail "the service is not healthy after up"
  healthy_at=$(docker inspect "$(container backupapi)" | jq -r '[.[0].State.Health.Log[] | select(.ExitCode == 0)][0].End')
  for name in app worker; do
    started_at=$(docker inspect -f '{{.State.StartedAt}}' "$(container $name)")
    [ "$(date -d "$started_at" +%s%N)" -gt "$(date -d "$healthy_at" +%s%N)" ] || fail "$name started at $started_at, before the service was healthy at $healthy_at"
  done
  until_true 30 opened_since 2000-01-01T00:00:00Z > /dev/null || fail "the application did not open its database"
}

inside() {
  running
  local id state
  id=$(container backupapi)
  state=$(docker exec "$id" cat /proc/1/status)
  grep -qE "^Uid:\s+$uid\s+$uid\s+$uid\s+$uid" <<< "$state" || fail "another user: $(grep Uid <<< "$state")"
  for set in CapInh CapPrm CapEff CapBnd CapAmb; do
    grep -qE "^$set:\s+0000000000000000$" <<< "$state" || fail "capabilities are left: $(grep $set <<< "$state")"
  done
  grep -qE '^NoNewPrivs:\s+1' <<< "$state" || fail "new privileges can be gained"
  for path in / /app /tmp /etc /usr/local/bin; do
    ! docker exec "$id" touch "$path/x" 2> /dev/null || fail "$path can be written"
  done
  docker exec "$id" sh -c 'command -v curl wget sqlite3' > /dev/null && fail "a tool is in the image that the service does without"
  for path in /backups /backups/.backupapi; do
    [ "$(docker exec "$id" stat -f -c %T "$path")" != tmpfs ] || fail "$path lies on a tmpfs"
    [ "$(docker exec "$id" stat -c %d "$path")" = "$(docker exec "$id" stat -c %d /backups)" ] || fail "$path lies on another disk than the archives"
  done
  # Where the service writes while it works: nothing but the three folders may be open for writing.
  docker exec "$id" sh -c 'for fd in /proc/1/fd/*; do readlink "$fd"; done' | grep '^/' | grep -vE '^/(backups|storage|restore|app|usr|dev|proc|sys|memfd:)' && fail "files elsewhere are open"
  until_true 30 opened_since 2000-01-01T00:00:00Z > /dev/null
  curl -fsS -o /dev/null -X POST "$url/api/backup/create" || fail "create"
  docker exec "$id" grep -m 1 -o 'libsqlite3.so[.0-9]*' /proc/1/maps > /dev/null || fail "the distribution's SQLite is not the one in use"
  say "$(docker stats --no-stream --format '{{.MemUsage}}' "$id") of memory"
}

backup() {
  running
  until_true 30 opened_since 2000-01-01T00:00:00Z > /dev/null
  until_true 30 has_orders 5 || fail "the application writes nothing"
  local answer name counted said
  answer=$(curl -fsS -X POST "$url/api/backup/create" -H 'Content-Type: application/json' -d '{"label":"from the host"}') || fail "create: $(curl -s -X POST "$url/api/backup/create")"
  [ "$(jq -r '"\(.success) \(.outcome) \(.verification)"' <<< "$answer")" = "true ok engine" ] || fail "$answer"
  name=$(jq -r .name <<< "$answer")
  counted=$(curl -fsS "$url/api/backup/$name" | jq '.manifest.sources[] | select(.name == "shop.db") | .counts.orders')
  echo "$name" > "$work/name"
  echo "$counted" > "$work/orders"
  say "$name holds $counted orders"
  said=$(docker exec "$(container backupapi)" backupapi create "from inside") || fail "create from inside: $said"
  [[ $said == *"outcome ok"* ]] || fail "$said"
  said=$(verify "$project/backups/$name")
  [[ $said == *"orders $counted"* ]] || fail "verify does not tell the counts: $said"
  mkdir -p "$work/unpacked" && chown "$uid" "$work/unpacked"
  docker run --rm --network none --read-only --cap-drop ALL --user $uid:$uid -v "$project/backups:/backups:ro" -v "$work/unpacked:/to" backupapi restore "/backups/$name" /to > "$work/unpack.log" 2>&1 || fail "restore FILE TO: $(tail -n 3 "$work/unpack.log")"
  [ "$(sqlite3 "$work/unpacked/shop.db" 'PRAGMA integrity_check; SELECT count(*) FROM orders')" = "ok
$counted" ] || fail "the unpacked database is another one"
}

# drop ARCHIVE AS: as the person would whose files these are. (Archives are readable by their owner only: a copy made by root is root's.)
drop() { install -o "$uid" -g "$uid" -m 600 "$1" "$2"; }

# lose_and_drop: what the application has is gone, the archive lies in restore/.
lose_and_drop() {
  find "$project/storage" -mindepth 1 -delete
  drop "$project/backups/$(cat "$work/name")" "$project/restore/$(cat "$work/name")"
}

restarts() {
  [ -e "$work/name" ] || backup
  local good=0 since line slowest=0 began name
  name=$(cat "$work/name")
  cp -p "$project/backups/$name" "$work/kept.tar.gz"
  for i in $(seq "$restarts"); do
    [ -e "$project/backups/$name" ] || cp -p "$work/kept.tar.gz" "$project/backups/$name"
    lose_and_drop
    since=$(now)
    began=$SECONDS
    compose restart > "$work/restart.log" 2>&1 || fail "docker-compose restart: $(tail -n 3 "$work/restart.log")"
    until_true 120 opened_since "$since" > "$work/opened" || fail "restart $i: the application did not open its database within two minutes"
    line=$(head -n 1 "$work/opened")
    [ "$line" = "opened: $(cat "$work/orders") orders" ] || fail "restart $i: the application found '$line', and the archive holds $(cat "$work/orders") orders"
    [ ! -e "$project/restore/$name" ] || fail "restart $i: the archive still lies in restore/"
    good=$((good + 1))
    [ $((SECONDS - began)) -le "$slowest" ] || slowest=$((SECONDS - began))
  done
  say "$good of $restarts: the data was back before the application opened it; the slowest took $slowest s"
}

killed_alone() {
  [ -e "$work/name" ] || backup
  local id inode before since
  id=$(container backupapi)
  inode=$(stat -c %i "$project/storage/shop.db")
  before=$(docker inspect -f '{{.RestartCount}}' "$id")
  drop "$project/backups/$(newest)" "$project/restore/waiting.tar.gz"
  kill -KILL "$(docker inspect -f '{{.State.Pid}}' "$id")"
  until_true 60 test_restarted "$id" "$before" || fail "the service was not started again"
  until_true 60 ready || fail "the service is not ready after kill -9"
  before=$(orders)
  sleep 10
  [ "$(stat -c %i "$project/storage/shop.db")" = "$inode" ] || fail "the database was exchanged under the running application"
  [ "$(orders)" -gt "$before" ] || fail "the application does not write any more"
  [ -e "$project/restore/waiting.tar.gz" ] || fail "the waiting archive is gone"
  curl -s "$url/api/health" | jq -e '.waiting | length > 0' > /dev/null || fail "health does not say that an archive waits"
  since=$(now)
  compose restart > /dev/null 2>&1
  until_true 120 opened_since "$since" > /dev/null || fail "the application did not open its database"
  [ ! -e "$project/restore/waiting.tar.gz" ] || fail "the archive is not restored at the restart of all"
}
test_restarted() { [ "$(docker inspect -f '{{.RestartCount}}' "$1")" -gt "$2" ]; }

killed_writing() {
  [ -e "$work/name" ] || backup
  local id before had counted
  id=$(container backupapi)
  head -c 400000000 /dev/urandom > "$project/storage/large.bin"
  chown "$uid:$uid" "$project/storage/large.bin"
  had=$(archives)
  before=$(docker inspect -f '{{.RestartCount}}' "$id")
  counted=$(orders)
  curl -fsS -o /dev/null -X POST "$url/api/backup/create?wait=false" || fail "create"
  until_true 30 partial_in "$project/backups" || fail "no half archive was seen"
  kill -KILL "$(docker inspect -f '{{.State.Pid}}' "$id")" "$(docker inspect -f '{{.State.Pid}}' "$(container app)")"
  until_true 60 test_restarted "$id" "$before" || fail "the service was not started again"
  until_true 60 ready || fail "the service is not ready after kill -9"
  until_true 30 no_partial "$project/backups" || fail "a half archive is left"
  while IFS= read -r file; do [ -e "$file" ] || fail "$file is lost"; done <<< "$had"
  verify $(archives) > /dev/null
  [ "$(orders)" -ge "$counted" ] || fail "orders are lost"
  [ "$(sqlite3 -readonly "$project/storage/shop.db" 'PRAGMA integrity_check')" = ok ] || fail "the database is damaged"
  rm "$project/storage/large.bin"
}
partial_in() { ! no_partial "$1"; }

stopped() {
  running
  local before last id
  id=$(container backupapi)
  until_true 60 idle || fail "an operation does not end"
  sleep 2
  before=$(archives | wc -l)
  compose stop > /dev/null 2>&1 || fail "docker-compose stop"
  [ "$(docker inspect -f '{{.State.ExitCode}}' "$id")" = 0 ] || fail "the service exited $(docker inspect -f '{{.State.ExitCode}}' "$id"): $(docker logs --tail 5 "$id" 2>&1)"
  last=$(archives | tail -n 1)
  [ "$(tar xzOf "$last" .backup/manifest.json | jq -r .trigger)" = stop ] || fail "the newest of $(archives | wc -l) archives ($before before) was not taken at the stop: $(docker logs --tail 5 "$id" 2>&1)"
  verify "$last" > /dev/null
  no_partial "$project/backups" || fail "a half archive is left"
  compose start > /dev/null 2>&1
}
idle() { curl -fsS "$url/api/health" | jq -e '.running == null' > /dev/null; }

out_of_memory() {
  local since id
  mkdir -p "$work"/oom/{storage,backups,restore}
  head -c 300000000 /dev/urandom > "$work/oom/storage/large.bin"
  chown -R "$uid:$uid" "$work/oom"
  since=$(now)
  # Slow enough that the kill meets the writing; the shared memory of the container is what fills its 96 MB.
  service oom --user "$uid:$uid" --memory 96m --memory-swap 96m --shm-size 120m --restart on-failure -e Backup__MaxMBPerSecond=5
  until_true 60 alone_ready || fail "the service does not start with 96 MB: $(docker logs --tail 5 oom 2>&1)"
  say "$(docker stats --no-stream --format '{{.MemUsage}}' oom) when idle"
  curl -fsS -o /dev/null -X POST "$alone/api/backup/create?wait=false" || fail "create"
  until_true 30 partial_in "$work/oom/backups" || fail "no half archive was seen"
  docker exec oom dd if=/dev/zero of=/dev/shm/fill bs=1M count=110 > /dev/null 2>&1 || true
  until_true 60 test_restarted oom 0 || fail "the kernel did not end the service: $(docker stats --no-stream --format '{{.MemUsage}}' oom)"
  docker events --since "$since" --until "$(now)" --filter event=oom --format '{{.Actor.Attributes.name}}' | grep -q oom || fail "the end was not by want of memory"
  until_true 60 alone_ready || fail "the service does not come back"
  until_true 30 no_partial "$work/oom/backups" || fail "a half archive is left"
  [ -z "$(find "$work/oom/backups" -maxdepth 1 -name '*.tar.gz')" ] || fail "something that looks like a backup is left"
  docker logs oom 2>&1 | grep -q 'was killed while it was written' || fail "the log does not tell of the half archive"
  docker rm -f oom > /dev/null
  rm -r "$work/oom"
}

# owners FOLDER: files of three owners, modes, a setgid folder, links.
owners() {
  mkdir -p "$1"/{storage,backups,restore}
  python3 - "$1/storage" "$uid" << 'PY'
import os, random, sys
root, me = sys.argv[1], int(sys.argv[2])
random.seed(2)
for owner, modes in ((me, (0o600, 0o640, 0o755)), (1001, (0o644, 0o664)), (1002, (0o600, 0o640))):
    folder = os.path.join(root, str(owner))
    os.makedirs(folder)
    for i in range(60):
        path = os.path.join(folder, "file-%03d" % i)
        with open(path, "wb") as f:
            f.write(random.randbytes(random.randrange(3000)))
        os.chmod(path, random.choice(modes))
        os.chown(path, owner, owner + 10 if owner != me else me)
        os.utime(path, ns=(0, random.randrange(10**18, 17 * 10**17)))
    os.chown(folder, owner, owner + 10 if owner != me else me)
shared = os.path.join(root, "shared")
os.makedirs(shared)
os.chown(shared, 1001, 1050)
os.chmod(shared, 0o2775)
os.symlink("shared", os.path.join(root, "link"))
os.link(os.path.join(root, str(me), "file-000"), os.path.join(root, "hard-link"))
os.chown(root, me, me)
PY
  chown "$uid:$uid" "$1/backups" "$1/restore"
}

# back_up_lose_restore NAME: leaves the answer of the backup in $work/NAME.json, the facts before and after in $work/NAME.before and .after.
back_up_lose_restore() {
  local name=$1 archive
  until_true 60 alone_ready || fail "the service is not ready: $(docker logs --tail 5 "$name" 2>&1)"
  python3 "$here/tests/scenarios/facts.py" "$work/$name/storage" > "$work/$name.before"
  curl -sS -X POST "$alone/api/backup/create" > "$work/$name.json"
  archive=$(jq -r .name "$work/$name.json")
  [ "$archive" != null ] || fail "create: $(cat "$work/$name.json")"
  docker stop "$name" > /dev/null
  find "$work/$name/storage" -mindepth 1 -delete
  drop "$work/$name/backups/$archive" "$work/$name/restore/$archive"
  docker start "$name" > /dev/null
  until_true 60 alone_ready || fail "the service is not ready after the restore"
  [ ! -e "$work/$name/restore/$archive" ] || fail "nothing was restored: $(docker logs --tail 5 "$name" 2>&1)"
  python3 "$here/tests/scenarios/facts.py" "$work/$name/storage" > "$work/$name.after"
}

rights_as_root() {
  local four="--cap-add CHOWN --cap-add DAC_OVERRIDE --cap-add FOWNER --cap-add LEASE"
  owners "$work/root"
  service root --user 0:0 $four --cap-add FSETID
  back_up_lose_restore root
  [ "$(jq -r .outcome "$work/root.json")" = ok ] || fail "$(cat "$work/root.json")"
  diff "$work/root.before" "$work/root.after" > "$work/root.diff" || fail "the restore brings something else: $(head -n 4 "$work/root.diff")"
  say "$(wc -l < "$work/root.before") names of three owners came back with owner, mode and time"
  # Without FSETID a setgid folder of a foreign group loses that bit: nothing else does, and it is told.
  service root --user 0:0 $four
  back_up_lose_restore root
  diff <(sed "s/^b'shared' drwxrwsr-x/b'shared' drwxrwxr-x/" "$work/root.before") "$work/root.after" > "$work/root.diff" || fail "with four capabilities the restore brings something else: $(head -n 4 "$work/root.diff")"
  docker logs root 2>&1 | grep -q 'shared: The setgid bit could not be given back' || fail "nobody is told of the setgid bit"
  docker rm -f root > /dev/null
}

rights_as_user() {
  owners "$work/user"
  service user --user "$uid:$uid"
  back_up_lose_restore user
  [ "$(jq -r .outcome "$work/user.json")" = partial ] || fail "files that could not be read are not told: $(jq -c '{outcome, errors, warnings}' "$work/user.json")"
  jq -e '[.errors[], .warnings[]] | map(.where) | any(startswith("1002/"))' "$work/user.json" > /dev/null || fail "the unreadable files are not named: $(jq -c '{errors, warnings}' "$work/user.json")"
  # Content and mode of all that could be read; owners become ours.
  content() { grep -v "^b'1002" "$1" | sed -E 's/^(.*) [0-9]+:[0-9]+ ([0-9]+)/\1 \2/'; }
  diff <(content "$work/user.before" | grep -v "^b'shared'") <(content "$work/user.after" | grep -v "^b'shared'") > "$work/user.diff" || fail "the restore brings something else: $(head -n 4 "$work/user.diff")"
  curl -fsS "$alone/api/operations" | jq -e '[.. | strings] | any(test("could not be given back"))' > /dev/null || docker logs user 2>&1 | grep -q 'given back' || fail "owners that could not be given back are not told"
  docker rm -f user > /dev/null
}

# age FILE TO: opens an archive with the age program, which takes passphrases from a terminal only.
open_with_age() {
  python3 - "$work/passphrase" age -d -o "$2" "$1" << 'PY'
import os, pty, sys
with open(sys.argv[1]) as f:
    passphrase = f.readline().strip()
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
said = b""
while True:
    try:
        part = os.read(terminal, 4096)
    except OSError:
        break
    if not part:
        break
    said += part
    if said.rstrip(b" ").endswith(b":"):
        said = b""
        os.write(terminal, passphrase.encode() + b"\n")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
}

# in_the_clear FOLDER: names the files in it that hold what must be secret.
in_the_clear() { grep -rlaE 'secret of the shop' "$1"; }

staged() { [ -n "$(find "$1/.staging" -type f -size +1M 2> /dev/null)" ]; }

encrypted() {
  local folder="$work/sealed" archive name said status=0
  mkdir -p "$folder"/{storage,backups,restore}
  openssl rand -base64 32 > "$work/passphrase"
  chmod 644 "$work/passphrase"
  echo 'the secret of the shop' > "$folder/storage/note.txt"
  sqlite3 "$folder/storage/shop.db" "CREATE TABLE orders(x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) INSERT INTO orders SELECT 'the secret of the shop ' || i || hex(randomblob(100)) FROM n;"
  chown -R "$uid:$uid" "$folder"
  docker rm -f sealed > /dev/null 2>&1 || true
  service sealed --user "$uid:$uid" --restart on-failure -v "$work/passphrase:/run/secrets/p:ro" -e BACKUP_PASSPHRASE_FILE=/run/secrets/p
  until_true 60 alone_ready || fail "the service is not ready: $(docker logs --tail 5 sealed 2>&1)"
  name=$(curl -fsS -X POST "$alone/api/backup/create" | jq -r .name) || fail "create"
  [[ $name == backup_*.tar.gz.age ]] || fail "the archive is called $name"
  archive="$folder/backups/$name"
  [ -z "$(in_the_clear "$folder/backups")" ] || fail "in the clear: $(in_the_clear "$folder/backups")"

  said=$(docker run --rm --network none --read-only --cap-drop ALL --user $uid:$uid -v "$folder/backups:/backups:ro" -v "$work/passphrase:/p:ro" -e BACKUP_PASSPHRASE_FILE=/p backupapi verify "/backups/$name" 2>&1) || fail "verify: $said"
  [[ $said == *"orders 300000"* ]] || fail "verify does not tell the counts: $said"
  said=$(docker run --rm --network none --user $uid:$uid -v "$folder/backups:/backups:ro" backupapi verify "/backups/$name" 2>&1) || status=$?
  [ "$status" -eq 1 ] && [[ $said == *BACKUP_PASSPHRASE_FILE* ]] || fail "verify without the passphrase exits $status: $said"
  open_with_age "$archive" "$work/opened.tar.gz" || fail "age does not open it"
  mkdir -p "$work/by_age"
  tar xzf "$work/opened.tar.gz" -C "$work/by_age" || fail "tar does not unpack what age opened"
  (cd "$work/by_age" && sha256sum --quiet -c .backup/SHA256SUMS) || fail "what age opened has other sums"
  [ "$(sqlite3 "$work/by_age/shop.db" 'PRAGMA integrity_check; SELECT count(*) FROM orders')" = "ok
300000" ] || fail "the database that age opened is another one"

  # Killed while a quiet copy of the database lies in staging.
  sqlite3 "$folder/storage/shop.db" 'UPDATE orders SET x = x || 1'
  curl -fsS -o /dev/null -X POST "$alone/api/backup/create?wait=false" || fail "create"
  until_true 30 staged "$folder/backups" || fail "no quiet copy was seen"
  docker kill -s KILL sealed > /dev/null
  docker start sealed > /dev/null
  until_true 60 alone_ready || fail "the service is not ready after kill -9"
  [ -z "$(in_the_clear "$folder/backups")" ] || fail "left in the clear after a kill: $(in_the_clear "$folder/backups")"

  docker stop sealed > /dev/null
  find "$folder/storage" -mindepth 1 -delete
  drop "$archive" "$folder/restore/$name"
  docker start sealed > /dev/null
  until_true 60 alone_ready || fail "the service is not ready after the restore"
  [ "$(cat "$folder/storage/note.txt")" = 'the secret of the shop' ] || fail "the encrypted archive was not restored: $(docker logs --tail 5 sealed 2>&1)"
  docker rm -f sealed > /dev/null
}

folders_unusable() {
  local status command
  mkdir -p "$work"/rights/{storage,backups,restore}
  chown "$uid:$uid" "$work"/rights/{storage,restore}
  service rights --user "$uid:$uid"
  status=$(timeout 60 docker wait rights)
  [ "$status" = 73 ] || fail "a backups folder of root's: exit $status"
  command=$(docker logs rights 2>&1 | grep -o 'docker run .*')
  [ -n "$command" ] || fail "no command is told: $(docker logs rights 2>&1)"
  say "$command"
  bash -c "$command" 2> /dev/null || fail "the command does not run"
  docker start rights > /dev/null
  until_true 60 alone_ready || fail "the command did not mend it: $(docker logs --tail 3 rights 2>&1)"

  chown 1001:1002 "$work/rights/storage"
  chmod 700 "$work/rights/storage"
  docker restart rights > /dev/null
  until_true 60 alone_ready || fail "a storage folder that cannot be read keeps the service from starting"
  docker logs rights 2>&1 | grep -q 'APP_UID=1001 APP_GID=1002' || fail "nobody is told how to read storage: $(docker logs --tail 3 rights 2>&1)"
  docker rm -f rights > /dev/null
}

variants() {
  for file in "$here"/docker-compose.yml "$here"/deploy/*/docker-compose.yml; do
    docker-compose -f "$file" config -q || fail "$file"
  done
  for file in "$here"/deploy/kubernetes/*.yaml; do
    python3 -c 'import sys, yaml; assert all("kind" in d for d in yaml.safe_load_all(open(sys.argv[1])))' "$file" || fail "$file"
  done
  compose down > /dev/null 2>&1 || true
  mkdir -p "$work/named"
  sed "s/127.0.0.1:5050:8080/127.0.0.1:$port:8080/" "$here/deploy/named-volumes/docker-compose.yml" > "$work/named/docker-compose.yml"
  docker-compose -f "$work/named/docker-compose.yml" up -d --no-build > "$work/named.log" 2>&1 || fail "named volumes: $(tail -n 3 "$work/named.log")"
  until_true 60 ready || fail "named volumes: the service is not ready"
  sleep 2
  [ "$(curl -fsS -X POST "$url/api/backup/create" | jq -r .outcome)" = ok ] || fail "named volumes: no backup"
  docker-compose -f "$work/named/docker-compose.yml" down -v > /dev/null 2>&1
}
