#!/usr/bin/env bash
# Measures captures of a live LiteDB file, by size, write rate and mode, and the speed of its verification. Prints tables in Markdown.
# The owner is the tests' own writer of the format (tests/BackupApi.Tests/Engines/LiteDb/TinyOwner.cs), in the same process, on the disk the repository lies on.
#   bench/litedb-capture.sh                   every size, about half an hour
#   bench/litedb-capture.sh 50 200            these sizes only, in MB
#   bench/litedb-capture.sh limit             a hundred captures of 200 MB at 200 transactions a second, direct, and shared with a lease
#   bench/litedb-capture.sh verify            verification only, pinned to one core
# A row ends after two captures in vain. PATIENCE: seconds that a capture is tried, default 60 (NO_LEASE_PATIENCE: without a lease). CAPTURES: for each row, default 20. RATES: default "20 100 200 0", 0 for full speed.
# SKIP_BUILD=1 measures what is built already.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -n "${SKIP_BUILD:-}" ] || dotnet build -c Release -v q --nologo tests/BackupApi.Tests >/dev/null

run() {
  env "$@" ${PIN:-} dotnet test -c Release --no-build --nologo tests/BackupApi.Tests --filter "Category=Bench&FullyQualifiedName~LiteDb" --logger "console;verbosity=detailed" |
    sed -n 's/^ *\(| .*\)/\1/p'
}

row() {
  run LITEDB_BENCH_MODE="$1" LITEDB_BENCH_MB="$2" LITEDB_BENCH_RATE="$3" LITEDB_BENCH_CAPTURES="$4" LITEDB_BENCH_LEASE="$5" LITEDB_BENCH_PATIENCE="$6"
}

heading() {
  echo "| mode | lease | MB | asked for, transactions/s | reached | accepted | attempts | median s | longest s | owner held ms | owner's longest operation ms |"
  echo "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
}

verify() {
  PIN="taskset -c 0" run LITEDB_BENCH_VERIFY_DOCUMENTS="${VERIFY_DOCUMENTS:-400000}"
  PIN="taskset -c 0" run LITEDB_BENCH_VERIFY_DOCUMENTS="${VERIFY_DOCUMENTS:-400000}" LITEDB_BENCH_SHUFFLED=yes
}

patience=${PATIENCE:-60}
case "${1:-}" in
  verify) verify; exit ;;
  limit)
    heading
    row Direct 200 200 100 yes "$patience"
    row Shared 200 200 100 yes "$patience"
    exit ;;
  "") sizes=(4 50 200 1000) ;;
  *) sizes=("$@") ;;
esac

heading
for size in "${sizes[@]}"; do
  for rate in ${RATES:-20 100 200 0}; do
    row Direct "$size" "$rate" "${CAPTURES:-20}" yes "$patience"
    row Shared "$size" "$rate" "${CAPTURES:-20}" yes "$patience"
    row Shared "$size" "$rate" "${CAPTURES:-20}" no "${NO_LEASE_PATIENCE:-$patience}"
  done
done
[ $# -gt 0 ] || { echo; verify; }
