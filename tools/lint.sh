#!/usr/bin/env bash
# lint.sh BUILD: clang-tidy (checks of .clang-tidy) over src/ and cli/, with the commands of a built folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if ! command -v clang-tidy >/dev/null; then
  echo "lint: clang-tidy is missing: apt-get install clang-tidy" >&2
  exit 1
fi

# The commands are g++'s: clang finds neither its omp.h, nor can it read two of its attributes, and on plain x86-64 it
# calls the half-precision type otherwise.
headers=$(mktemp -d)
trap 'rm -rf "$headers"' EXIT
sed -E 's/__malloc__ \([a-z_]+\)/__malloc__/g' "$(g++ -print-file-name=include/omp.h)" >"$headers/omp.h"

find src cli -name '*.cpp' -print0 | sort -z |
  xargs -0 -r -n 1 -P "$(nproc)" clang-tidy -p "$1" --quiet \
    --extra-arg="-isystem$headers" --extra-arg=-D_Float16=__fp16 2> >(grep -v ' warnings\? generated' >&2)
