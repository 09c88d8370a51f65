#!/usr/bin/env bash
# Installs the Debian packages that building and testing need, when any is missing; silent when none is.
#   OCELLUS_SKIP_SETUP=1   trust that everything is there (a system without apt-get)
set -euo pipefail

packages=(
  g++                       # the compiler (C++20: version 11 or newer)
  cmake                     # configures the build (3.25 or newer)
  ninja-build               # runs the build
  ccache                    # makes rebuilding fast
  make                      # the front door: make demo, make test
  pkg-config                # finds Highway; tests the installed ocellus.pc
  libdnnl-dev               # oneDNN: the kernels of the default backend
  libopencv-core-dev        # OpenCV: images
  libopencv-imgproc-dev     # OpenCV: drawing, resizing, warping
  libopencv-imgcodecs-dev   # OpenCV: reading and writing image files
  libopencv-videoio-dev     # OpenCV: reading video
  libfmt-dev                # text formatting
  nlohmann-json3-dev        # JSON: model files, reports, settings
  libcli11-dev              # the command line's parser
  libgtest-dev              # GoogleTest
  libgmock-dev              # GoogleTest's matchers
  libbenchmark-dev          # Google Benchmark
  libhwy-dev                # Highway: vector code that picks its instruction set at run time
  zlib1g-dev                # reading .gz data
  libonnx-dev               # the schema of ONNX files
  libprotobuf-dev           # ONNX files are protocol buffers
  libhdf5-dev               # Keras' .h5 files
  libzip-dev                # Keras' .keras files
  python3                   # the checks in tools/ (standard library only)
)

[[ ${OCELLUS_SKIP_SETUP:-} == 1 ]] && exit 0

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  {
    echo "setup: this system has no apt-get, so nothing can be installed here. Install the equivalents of"
    echo "  ${packages[*]}"
    echo "and run again with OCELLUS_SKIP_SETUP=1."
  } >&2
  exit 1
fi

installed=" $(dpkg-query -W -f='${db:Status-Status}=${Package} ' "${packages[@]}" 2>/dev/null || true)"
missing=()
for package in "${packages[@]}"; do
  [[ $installed == *" installed=$package "* ]] || missing+=("$package")
done
((${#missing[@]} == 0)) && exit 0

echo "setup: ${#missing[@]} of ${#packages[@]} packages that ocellus is built and tested with are missing; installing with apt-get:"
for package in "${missing[@]}"; do
  sed -nE "s/^  (${package//+/\\+}) +# (.*)/  \1: \2/p" "${BASH_SOURCE[0]}"
done

as_root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "setup: not root and no sudo here; as root run: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=120 "$@" </dev/null; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt update >"$log" 2>&1 || { echo "setup: apt-get update failed, trying with the lists at hand:"; tail -n 5 "$log"; } >&2
if ! apt install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "setup: apt-get could not install: ${missing[*]}" >&2
  exit 1
fi
echo "setup: done"
