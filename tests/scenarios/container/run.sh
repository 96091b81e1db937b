#!/usr/bin/env bash
# The image and the compose file as a person uses them, on a Docker Engine of their own: back up from the host, lose the data, drop the archive, restart;
# kills, memory limits, rights. Needs root and Debian's docker.io, docker-compose, iptables, debootstrap; the images' registry is used where it answers.
#   tests/scenarios/container/run.sh              all steps
#   tests/scenarios/container/run.sh STEP...      only these, for instance: image up restarts
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
scenario="$here/tests/scenarios/container"
keep="$here/artifacts/container"
mkdir -p "$keep"
work=$(mktemp -d "$keep/run.XXXXXX")
port=${SCENARIO_PORT:-$((20000 + RANDOM % 20000))}
url="http://127.0.0.1:$port"
uid=4711
restarts=${SCENARIO_RESTARTS:-20}
export DOCKER_HOST="unix://$keep/engine/docker.sock" COMPOSE_PROJECT_NAME=scenario APP_UID=$uid APP_GID=$uid
failed=()

fail() { echo "FAIL: $*" >&2; exit 1; }
say() { echo "   $*"; }

# until_true SECONDS COMMAND...: tries twice a second.
until_true() {
  local left=$(($1 * 2))
  shift
  until "$@"; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    sleep 0.5
  done
}

# step NAME: runs the function of that name by itself; a failure is remembered and the next step runs all the same.
step() {
  [ ${#chosen[@]} -eq 0 ] || [[ " ${chosen[*]} " == *" $1 "* ]] || return 0
  echo "-- $1"
  local began=$SECONDS status
  # Not as part of a condition: there, `set -e` would mean nothing.
  (
    set -e
    source "$scenario/steps.sh"
    "$1"
  )
  status=$?
  if [ "$status" -eq 0 ]; then say "passed in $((SECONDS - began)) s"; else failed+=("$1"); fi
}

tools() {
  local missing=()
  for package in docker.io docker-compose iptables debootstrap curl jq sqlite3 python3 openssl age; do
    dpkg-query -W -f='${Status}' "$package" 2> /dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null || fail "these Debian packages are needed: ${missing[*]}"
}

base_images() {
  for image in mcr.microsoft.com/dotnet/sdk:10.0 mcr.microsoft.com/dotnet/aspnet:10.0 python:3-slim; do
    docker image inspect "$image" > /dev/null 2>&1 || timeout 300 docker pull -q "$image" > /dev/null 2>&1 || { echo "-- stand-ins for the base images"; bash "$scenario/base-images.sh" "$keep/base"; return; }
  done
}

cleanup() {
  local status=$?
  docker ps -aq | xargs -r docker rm -f > /dev/null 2>&1
  docker volume ls -q | xargs -r docker volume rm > /dev/null 2>&1
  $was_up || bash "$scenario/engine.sh" stop "$keep/engine"
  if [ $status -eq 0 ]; then rm -rf "$work"; else echo "   what was left: $work" >&2; fi
}

[ "$(id -u)" = 0 ] || fail "this scenario starts a Docker Engine, which needs root"
chosen=("$@")
tools
was_up=false
docker info > /dev/null 2>&1 && was_up=true
bash "$scenario/engine.sh" start "$keep/engine" || exit 1
trap cleanup EXIT
base_images || fail "no base images"
export here scenario keep work port url uid restarts

for name in image commands up inside backup restarts killed_alone killed_writing stopped out_of_memory rights_as_user rights_as_root encrypted folders_unusable variants; do
  step "$name"
done

[ ${#failed[@]} -eq 0 ] || { echo "FAILED steps: ${failed[*]}" >&2; exit 1; }
