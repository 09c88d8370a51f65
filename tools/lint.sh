#!/usr/bin/env bash
# lint.sh BUILD: clang-tidy (checks of .clang-tidy) over src/ and cli/, with the commands of a built folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if ! command -v clang-tidy >/dev/null; then
  echo "lint: clang-tidy is missing: apt-get install clang-tidy" >&2
  exit 1
fi
# clang doesn't look where g++ keeps its omp.h.
omp=$(dirname "$(g++ -fopenmp -print-file-name=include/omp.h)")
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp "$omp/omp.h" "$copy/"
find src cli -name '*.cpp' -print0 | sort -z |
  xargs -0 -r -n 1 -P "$(nproc)" clang-tidy -p "$1" --quiet --extra-arg="-isystem$copy" --extra-arg=-Wno-unknown-warning-option
