#!/usr/bin/env bash
# run.sh BUILD CXX: installs BUILD under a temporary prefix and uses it as a stranger would, once through CMake and once
# through pkg-config; checks that nothing but namespace ocellus is exported. Everything lies outside the source tree.
set -euo pipefail
build=$1 cxx=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

fail() {
  echo "consumer: $*" >&2
  exit 1
}

cmake --install "$build" --prefix "$prefix" >"$work/install.log" || fail "install failed: $(tail -n 5 "$work/install.log")"
cp "$here/CMakeLists.txt" "$here/hello.cpp" "$work/"

cmake -S "$work" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER="$cxx" \
  -DCMAKE_PREFIX_PATH="$prefix" >"$work/cmake.log" 2>&1 || { cat "$work/cmake.log"; fail "find_package(ocellus) failed"; }
cmake --build "$work/build" >"$work/cmake.log" 2>&1 || { cat "$work/cmake.log"; fail "building with CMake failed"; }
[[ $("$work/build/hello") == *caught ]] || fail "the program built with CMake printed something else"

export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name ocellus.pc)")
libdir=$(pkg-config --variable=libdir ocellus)
# shellcheck disable=SC2046  # flags are words
"$cxx" -std=c++20 -O2 "$work/hello.cpp" -o "$work/hello" $(pkg-config --cflags --libs ocellus) -Wl,-rpath,"$libdir"
[[ $("$work/hello") == *caught ]] || fail "the program built with pkg-config printed something else"

if [[ -e $libdir/libocellus.so ]]; then
  # Functions, virtual tables, type information, guard variables and thunks whose own name is in namespace ocellus.
  foreign=$(nm -D --defined-only "$libdir/libocellus.so" | cut -d' ' -f3 |
    grep -vE '^_Z(GV|T[VTIS]|T[hvc][0-9n_hv]*_)?NK?7ocellus' || true)
  [[ -z $foreign ]] || fail "symbols outside namespace ocellus are exported: $(head -n 5 <<<"$foreign" | c++filt)"
fi
if [[ -x $prefix/bin/ocellus ]]; then
  "$prefix/bin/ocellus" --version >/dev/null || fail "the installed program does not start"
fi

# Processor time: other programs that run meanwhile don't count.
TIMEFORMAT=%U
# shellcheck disable=SC2046
seconds=$({ time "$cxx" -std=c++20 -O2 -c "$work/hello.cpp" -o "$work/hello.o" $(pkg-config --cflags ocellus) >&2; } 2>&1)
echo "note: a hello-world with <ocellus/ocellus.h> compiles in $seconds s of processor time"
