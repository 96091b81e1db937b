#!/usr/bin/env bash
# How long the owner of a SQLite database waits for our capture: WAL mode at 500 writes a second, rollback mode busy and at rest.
# usage: bench/sqlite-capture.sh [MiB]   (default 1024; needs about three times that on disk)
set -euo pipefail
cd "$(dirname "$0")/.."
BENCH_MIB="${1:-1024}" dotnet test tests/BackupApi.Tests -c Release --filter FullyQualifiedName~SqliteBench --logger 'console;verbosity=detailed' | grep -E '^ +(wal|delete|capture)|Passed|Failed|error'
