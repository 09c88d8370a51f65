# Thin over CMakePresets.json. Every target does its own set-up; build folders are build/<preset>.
PRESET ?= release
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
SOURCES = $(shell git ls-files '*.h' '*.cpp')

.PHONY: build demo test asan tsan fuzz bench install docs format lint clean help setup

build: setup  ## build everything (PRESET=release, debug, asan, tsan)
	@cmake --preset $(PRESET) --log-level=WARNING
	@cmake --build --preset $(PRESET) --parallel $(JOBS)

demo:  ## train LeNet-5 on digits drawn here, then read a page of them
	@$(MAKE) --no-print-directory build
	@bash tools/demo.sh build/$(PRESET)/cli/ocellus

test: build  ## build, run every test and check, print the counts
	@bash tools/test.sh $(PRESET)

asan:  ## the tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory test PRESET=asan

tsan:  ## the tests under ThreadSanitizer
	@$(MAKE) --no-print-directory test PRESET=tsan

FUZZ_SECONDS ?= 600
fuzz: build  ## random graphs against the reference interpreter for FUZZ_SECONDS (600), from a fresh seed
	@GOMP_SPINCOUNT=20000 build/$(PRESET)/tests/test_fuzz --seconds=$(FUZZ_SECONDS)

bench: build  ## compare with PyTorch and ONNX Runtime (bench/setup_peers.sh installs them)
	@python3 bench/compare.py --build build/$(PRESET)

install: build  ## install to PREFIX (default /usr/local)
	@cmake --install build/$(PRESET) --prefix $(PREFIX)

docs:  ## the public interface as HTML in build/docs, made by doxygen
	@command -v doxygen >/dev/null || { echo "docs: doxygen is missing: apt-get install doxygen" >&2; exit 1; }
	@mkdir -p build/docs
	@doxygen Doxyfile
	@echo "build/docs/html/index.html"

format:  ## rewrite the sources in the house's format
	@clang-format -i $(SOURCES)

lint: build  ## clang-tidy over the library and the program
	@bash tools/lint.sh build/$(PRESET)

clean:  ## remove all build folders
	@rm -rf build

help:  ## this list
	@sed -nE 's/^([a-z]+):.*  ## (.*)/  make \1\t\2/p' Makefile | expand -t 18

setup:
	@bash tools/setup.sh
