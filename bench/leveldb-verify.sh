#!/usr/bin/env bash
# How fast a LevelDB copy is verified, and how much memory that takes. Databases are made by the real engine.
#   bench/leveldb-verify.sh [MB] [value bytes] [snappy|none]     default: 500 MB of 100-byte values, snappy
# Pinned to one core, the garbage collector's helper threads included. Target: 150 MB/s of stored bytes or more; under 200 MB resident for 2 GB.
set -euo pipefail
cd "$(dirname "$0")/.."

megabytes=${1:-500} value=${2:-100} compression=${3:-snappy}
work=$(mktemp -d "$PWD/bench/.leveldb-XXXXXX")
trap 'rm -rf "$work"' EXIT

g++ -O2 -std=c++17 -o "$work/writer" tests/native/leveldb_writer.cc -lleveldb -lpthread
"$work/writer" fill "$work/db" "$megabytes" "$value" "$compression"
LEVELDB_BENCH="$work/db" taskset -c 0 dotnet test tests/BackupApi.Tests -c Release --nologo \
  --filter FullyQualifiedName~LevelDbVerifySpeed --logger "console;verbosity=detailed" | grep -E 'round|error|Failed' || true
