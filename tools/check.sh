#!/usr/bin/env bash
# All tests: style, every test under AddressSanitizer and UndefinedBehaviorSanitizer, the CAF-free ones under
# ThreadSanitizer, the guests, 2,000 simulated histories (WEIR_HISTORIES), and each fuzzer for some thousand inputs
# (WEIR_FUZZ_BOUND), from seeds that are always the same: whether a commit passes must not depend on luck. Less than
# half an hour on two cores with a cold cache.
set -euo pipefail
cd "$(dirname "$0")/.."

tools/install.sh

echo "== style"
python3 tools/tidy.py --self-test
python3 tools/tidy.py
git ls-files '*.hpp' '*.cpp' | xargs clang-format --dry-run -Werror

echo "== dev: AddressSanitizer and UndefinedBehaviorSanitizer"
cmake --preset dev
cmake --build --preset dev -j 2

echo "== tsan: what knows no actor"
cmake --preset tsan
cmake --build --preset tsan -j 2
ctest --preset tsan -R '^(transport|transport_loopback|storage)$'

echo "== tests"
ctest --preset dev

echo "== simulated histories"
build/dev/bin/weir-bench simulate --runs "${WEIR_HISTORIES:-2000}" --jobs 2
build/dev/bin/weir-bench simulate --storm

echo "== fuzzers"
python3 tests/fuzz/make_corpus.py --check
WEIR_FUZZ_SEED=${WEIR_FUZZ_SEED:-1} tools/fuzz.sh "${WEIR_FUZZ_BOUND:-RUNS=5000}"
