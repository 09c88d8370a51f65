#!/usr/bin/env bash
# test.sh PRESET: runs every test of a built preset and prints the counts as the last line.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=$1
results=$PWD/build/$preset/results

rm -rf "$results"
mkdir -p "$results"
export GTEST_OUTPUT=json:$results/
export OCELLUS_SHARED=${OCELLUS_SHARED:-$(realpath -m ../shared)}
# Test programs run side by side, so threads that wait must not spin on a core that another program needs.
export OMP_WAIT_POLICY=passive

status=0
ctest --preset "$preset" --parallel "$(nproc)" --output-junit "$results/ctest.xml" </dev/null || status=$?
python3 tools/count_tests.py "$results" || status=1
exit "$status"
