#!/usr/bin/env bash
# A Docker Engine of our own, apart from any that runs already: data, socket and containers below FOLDER. Needs root, but no systemd.
# usage: engine.sh start|stop FOLDER     then: export DOCKER_HOST=unix://FOLDER/docker.sock
set -euo pipefail

verb=${1:-}
folder=${2:-}
[ -n "$folder" ] || { echo "usage: $0 start|stop FOLDER" >&2; exit 2; }
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
socket="unix://$folder/docker.sock"

is_up() { docker -H "$socket" info > /dev/null 2>&1; }

case $verb in
  start)
    is_up && exit 0
    rm -f "$folder/dockerd.pid"
    # No forwarding of IP packets by the host's settings is needed: ports are published on 127.0.0.1 by Docker's own proxy.
    setsid dockerd --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/dockerd.pid" -H "$socket" \
      --ip6tables=false --ip-forward=false --default-ulimit nofile=20000:20000 > "$folder/dockerd.log" 2>&1 < /dev/null &
    for _ in $(seq 120); do
      is_up && exit 0
      sleep 0.5
    done
    echo "The Docker Engine did not start:" >&2
    tail -n 5 "$folder/dockerd.log" >&2
    exit 1
    ;;
  stop)
    [ -e "$folder/dockerd.pid" ] || exit 0
    kill "$(cat "$folder/dockerd.pid")"
    for _ in $(seq 60); do
      [ -e "$folder/dockerd.pid" ] || exit 0
      sleep 0.5
    done
    echo "The Docker Engine did not stop within half a minute." >&2
    exit 1
    ;;
  *)
    echo "usage: $0 start|stop FOLDER" >&2
    exit 2
    ;;
esac
