#!/usr/bin/env bash
# What a person and CI run alike: tools, format, build with warnings as errors, tests, scenarios.
#   ./check.sh          everything that fits into a quarter of an hour on two cores
#   ./check.sh --all    also the long tests: large databases, every kill point, containers
# Leaves artifacts/check-result: two numbers, passed and failed.
set -uo pipefail
cd "$(dirname "$0")" || exit 1

all=false
case "${1:-}" in
  --all) all=true ;;
  "") ;;
  *) echo "usage: ./check.sh [--all]" >&2; exit 2 ;;
esac

result=artifacts/check-result
rm -rf artifacts/tests
mkdir -p artifacts/tests
passed=0
failed=0

finish() {
  echo "$passed $failed" > "$result"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ] && exit 0
  exit 1
}

# step NAME COMMAND...: what must hold before the tests mean anything; a failure counts as one and ends the check.
step() {
  echo "== $1"
  shift
  "$@" || { failed=$((failed + 1)); finish; }
}

step "tools the tests run against" bash tests/install-tools.sh
step "restore" dotnet restore
step "format" dotnet format --verify-no-changes --no-restore
step "build" dotnet build --no-restore

echo "== tests"
filter="Category!=Long"
if $all; then filter="Category!=None"; fi
dotnet test --no-build --filter "$filter" --logger "trx;LogFileName=unit.trx" --results-directory artifacts/tests
tests_status=$?
counters=$(grep -o '<Counters [^>]*' artifacts/tests/unit.trx 2>/dev/null)
count() { sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p" <<< " $counters"; }
passed=$((passed + $(count passed || true) + 0))
failed=$((failed + $(count failed || true) + 0))
if [ -z "$counters" ] || { [ $tests_status -ne 0 ] && [ "$failed" -eq 0 ]; }; then
  echo "The test run itself broke down." >&2
  failed=$((failed + 1))
fi

for scenario in tests/scenarios/*/run.sh; do
  name=$(basename "$(dirname "$scenario")")
  if [ -e "$(dirname "$scenario")/LONG" ] && ! $all; then
    echo "== scenario $name: left out, runs under --all"
    continue
  fi
  echo "== scenario $name"
  if bash "$scenario"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "scenario $name FAILED" >&2; fi
done

finish
