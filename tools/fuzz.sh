#!/usr/bin/env bash
# Builds the fuzzers and runs them, two at a time, each over its corpus; prints a table of what they did.
#
#     tools/fuzz.sh [SECONDS|RUNS=N] [FUZZER…]     60 seconds and all of them, if nothing is said
#
# RUNS=N runs each until it has executed N inputs. Exit 1 if one found something: its input then lies in
# build/fuzz/tests/fuzz/crashes. WEIR_FUZZ_JOBS says how many run at a time; WEIR_FUZZ_SEED makes a run one that can be
# repeated.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
  exit 2
}

bound=-max_total_time=60
case "${1:-}" in
  RUNS=*[!0-9]* | RUNS=) usage ;;
  RUNS=*) bound=-runs=${1#RUNS=}; shift ;;
  [0-9]*[!0-9]*) usage ;;
  [0-9]*) bound=-max_total_time=$1; shift ;;
  -*) usage ;;
esac

all=()
for source in tests/fuzz/fuzz_*.cpp; do
  all+=("$(basename "$source" .cpp)")
done
fuzzers=("$@")
[ ${#fuzzers[@]} -gt 0 ] || fuzzers=("${all[@]}")
for fuzzer in "${fuzzers[@]}"; do
  [ -f "tests/fuzz/$fuzzer.cpp" ] || { echo "no fuzzer '$fuzzer'; there are: ${all[*]}" >&2; exit 2; }
done

tools/install.sh --fuzzers
[ -f build/fuzz/build.ninja ] || cmake --preset fuzz >&2
cmake --build build/fuzz --target "${fuzzers[@]}" -j "${WEIR_FUZZ_JOBS:-2}" >&2

work=build/fuzz/tests/fuzz
mkdir -p "$work/logs" "$work/crashes"

# One fuzzer to its end. What it says goes into its log; its exit status into a file beside that.
run_one() {
  local fuzzer=$1 status=0
  mkdir -p "$work/corpus/$fuzzer"
  "build/fuzz/bin/$fuzzer" "$bound" -max_len=8192 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -seed="${WEIR_FUZZ_SEED:-0}" \
    -dict=tests/fuzz/wire.dict -artifact_prefix="$work/crashes/$fuzzer-" \
    "$work/corpus/$fuzzer" "tests/fuzz/corpus/$fuzzer" >"$work/logs/$fuzzer.log" 2>&1 || status=$?
  echo "$status" >"$work/logs/$fuzzer.status"
}

for fuzzer in "${fuzzers[@]}"; do
  while [ "$(jobs -rp | wc -l)" -ge "${WEIR_FUZZ_JOBS:-2}" ]; do
    wait -n
  done
  run_one "$fuzzer" &
done
wait

stat_of() { # the last figure of that name in a log; `-` if the run ended before it was told
  local figure
  figure=$(sed -n "s/^stat::$2: *//p" "$1" | tail -n 1)
  echo "${figure:--}"
}

worst=0
printf '%-24s %14s %8s %8s  %s\n' FUZZER EXECUTIONS EXEC/S CORPUS RESULT
for fuzzer in "${fuzzers[@]}"; do
  log=$work/logs/$fuzzer.log
  outcome=ok
  if [ "$(cat "$work/logs/$fuzzer.status")" -ne 0 ]; then
    worst=1
    outcome=$(grep -m 1 -o -E 'BROKEN PROPERTY: .*|ERROR: (AddressSanitizer|libFuzzer): [^(]*|runtime error: .*' "$log" || echo "see $log")
  fi
  corpus=$(find "$work/corpus/$fuzzer" "tests/fuzz/corpus/$fuzzer" -type f | wc -l)
  printf '%-24s %14s %8s %8s  %s\n' "$fuzzer" "$(stat_of "$log" number_of_executed_units)" \
    "$(stat_of "$log" average_exec_per_sec)" "$corpus" "$outcome"
done
exit "$worst"
