#!/usr/bin/env bash
# Measures captures of a live LiteDB file, by size, write rate and mode, and the speed of its verification. Prints tables in Markdown.
# The owner is the tests' own writer of the format (tests/BackupApi.Tests/Engines/LiteDb/TinyOwner.cs), in the same process, on the disk the repository lies on.
#   bench/litedb-capture.sh            everything, about an hour
#   bench/litedb-capture.sh quick      one row of each kind
set -euo pipefail
cd "$(dirname "$0")/.."
dotnet build -c Release -v q --nologo tests/BackupApi.Tests >/dev/null

run() {
  env "$@" dotnet test -c Release --no-build --nologo tests/BackupApi.Tests --filter "Category=Bench" --logger "console;verbosity=detailed" |
    sed -n 's/^ *\(| .*\)/\1/p'
}

echo "| mode | lease | MB | asked for, transactions/s | reached | accepted | attempts | median s | longest s | owner held ms | owner's longest operation ms |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
if [ "${1:-}" = quick ]; then
  sizes=(200) rates=(200) captures=5
else
  sizes=(4 50 200 1000) rates=(20 100 200 0) captures=20
fi
for size in "${sizes[@]}"; do
  for rate in "${rates[@]}"; do
    run LITEDB_BENCH_MODE=Direct LITEDB_BENCH_MB="$size" LITEDB_BENCH_RATE="$rate" LITEDB_BENCH_CAPTURES="$captures"
    run LITEDB_BENCH_MODE=Shared LITEDB_BENCH_MB="$size" LITEDB_BENCH_RATE="$rate" LITEDB_BENCH_CAPTURES="$captures"
    run LITEDB_BENCH_MODE=Shared LITEDB_BENCH_MB="$size" LITEDB_BENCH_RATE="$rate" LITEDB_BENCH_CAPTURES="$captures" LITEDB_BENCH_LEASE=no
  done
done

echo
run LITEDB_BENCH_VERIFY_DOCUMENTS="${VERIFY_DOCUMENTS:-400000}"
