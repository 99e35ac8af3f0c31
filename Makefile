# Dray's everyday commands. The build itself is Meson's (meson.build); it works without this file.
#
#   make            build build/dray                    make check    every test; TESTS=... selects
#   make demo       the main job on a bundled log       make bench    the benchmark
#   make install    PREFIX=/usr/local DESTDIR=          make fuzz     fuzz, FUZZ_SECONDS=60 a target
#   make soak       ten minutes of load and faults on each kind of live source, then verify;
#                   SOAK_SECONDS=600 SOAK_SOURCES="postgres mysql pgq"
#   make format     clang-format all C files            make lint     clang-tidy and our own checks
#   make clean      remove every build directory
#
# Packages that are missing are installed first (packages.txt, through sudo when not root).
# TESTS takes names of either runner, blank between them: unit, fault, golden, fuzz or block/manifest
# (Meson), tests/integration or tests/integration/test_main_job.py::test_x (pytest).

PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
SOAK_SECONDS ?= 600
SOAK_SOURCES ?= postgres mysql pgq
TESTS ?=
comma = ,
# "meson setup" refuses a directory that is set up already, "--reconfigure" one that is not
setup = test -f $(1)/build.ninja || meson setup $(1) $(2) >/dev/null || { meson setup $(1) $(2); exit 1; }

.PHONY: all build demo check bench soak install fuzz format lint clean packages-build

all: build

packages-build:
	@tools/install-packages build

build: packages-build
	@$(call setup,build,--prefix=$(PREFIX) -Dtests=false)
	@ninja -C build -j $(JOBS)

demo: build
	@tools/install-packages demo
	@demo/run.sh build/dray

check:
	@tools/install-packages build test
	@$(call setup,build-check,-Dfaults=true)
	@ninja -C build-check -j $(JOBS)
	@tests/check.sh build-check $(TESTS)

bench:
	@tools/install-packages build test peers
	@$(call setup,build-bench,-Dtests=false --buildtype=release)
	@ninja -C build-bench -j $(JOBS)
	@tests/bench/run.sh build-bench/dray

soak:
	@tools/install-packages build test
	@$(call setup,build-check,-Dfaults=true)
	@ninja -C build-check -j $(JOBS)
	@for source in $(SOAK_SOURCES); do /usr/bin/python3 tests/soak/soak.py build-check/dray \
		--source $$source --seconds $(SOAK_SECONDS) || exit 1; done

install: build
	@meson configure build --prefix=$(PREFIX)
	@ninja -C build -j $(JOBS)
	@DESTDIR=$(DESTDIR) meson install -C build --no-rebuild

fuzz:
	@tools/install-packages build test lint
	@CC=clang; export CC; $(call setup,build-fuzz,-Dfuzzers=true -Dc_args=-fsanitize=fuzzer-no-link \
		-Db_sanitize=address$(comma)undefined -Db_lundef=false)
	@ninja -C build-fuzz -j $(JOBS)
	@tests/fuzz/run.sh build-fuzz $(FUZZ_SECONDS)

format:
	@tools/install-packages lint
	@git ls-files 'applier/*.[ch]' 'tests/*.[ch]' | xargs clang-format -i

lint:
	@tools/install-packages build test lint
	@tests/lint.sh

clean:
	rm -rf build build-check build-bench build-fuzz build-ci-* demo-output
