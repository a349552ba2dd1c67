## relin: sweeps of iteratively linearised training
##
##   make run      everything from nothing: packages, build, a first sweep
##   make check    the same for the tests
#
# One build folder per MODE; a changed flag or compiler rebuilds (build/MODE/flags).
# What `make run` and `make check` install must be seen by the build that follows in
# the same invocation, so they build through a second make: pkg-config is asked there.
SHELL := /bin/bash
MODE ?= release
PREFIX ?= /usr/local
VERSION := 0.1.0
DATE := 2026-11-24
B := build/$(MODE)
Q := $(if $(V),,@)
CC = gcc

ifeq ($(filter $(MODE),release debug asan tsan coverage fuzz),)
$(error MODE=$(MODE): expected release, debug, asan, tsan, coverage or fuzz)
endif
# libFuzzer is clang's.
ifeq ($(MODE),fuzz)
CC = clang
endif

# --- dependencies -----------------------------------------------------------
# Debian's package names, and what is optional, are in .ci/deps.sh. Elsewhere the
# names of some .pc files differ: the first that exists is taken, or say MPI=, HDF5=.
first_pc = $(firstword $(foreach p,$(1),$(shell pkg-config --exists $(p) 2>/dev/null && echo $(p))))

# These targets compile nothing themselves.
ifneq ($(filter-out help deps run check check-faults check-hosts check-slurm check-tools check-tsan check-valgrind coverage lint format clean uninstall,$(or $(MAKECMDGOALS),help)),)
MPI ?= $(call first_pc,ompi-c ompi mpich)                # message passing between ranks
HDF5 ?= $(call first_pc,hdf5-openmpi hdf5-mpich hdf5)    # the shared result file (parallel HDF5)
# openblas: matrix products, eigenproblems; yaml-0.1: sweep files, and JSON, which YAML
# contains; zlib: gzipped data files, CRC of rows; libcrypto: SHA-256, the identity of a job;
# libzip: data sets of numpy (.npz), with their directories and check sums looked after.
# Random123 (counter-based random numbers) is headers only, without a .pc file.
PKG := $(MPI) $(HDF5) openblas yaml-0.1 zlib libcrypto libzip
PKG_CFLAGS := $(shell pkg-config --cflags $(PKG))
PKG_LIBS := $(shell pkg-config --libs $(PKG))
# GSL is GPL-3: only the programs of analysis/ link it, for quantiles. Without it they
# build, and leave intervals out.
HAVE_GSL := $(shell pkg-config --exists gsl 2>/dev/null && echo 1 || echo 0)
GSL_LIBS := $(if $(filter 1,$(HAVE_GSL)),$(shell pkg-config --libs gsl))
CHECK_FLAGS := $(shell pkg-config --cflags --libs check 2>/dev/null)
COMPILER := $(shell $(CC) --version | head -n 1)
GIT := $(shell git describe --always --tags --dirty 2>/dev/null || echo unknown)
endif

# --- flags ------------------------------------------------------------------
OPT_release := -O3 -DRELIN_WIDE
OPT_debug := -O0 -g3
OPT_asan := -O1 -g1 -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
OPT_tsan := -O1 -g1 -fsanitize=thread -fno-omit-frame-pointer
OPT_coverage := -O1 -g --coverage -fprofile-update=prefer-atomic
OPT_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
WARN := $(if $(filter fuzz,$(MODE)),-w,-Wall -Wextra -Werror -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wformat=2 -Wno-format-nonliteral)
# What decides numbers: recorded in every result file. No -ffast-math, no -march=native.
NUMERIC := -std=gnu17 -g -ffp-contract=off $(OPT_$(MODE)) $(EXTRA_CFLAGS)
CFLAGS := $(NUMERIC) $(WARN) -Iinclude -Isrc $(PKG_CFLAGS) -DHAVE_GSL=$(HAVE_GSL) \
	-DRELIN_VERSION='"$(VERSION)"' -DRELIN_CFLAGS='"$(NUMERIC)"' -DRELIN_COMPILER='"$(COMPILER)"'
LDFLAGS := $(filter -fsanitize=% --coverage,$(OPT_$(MODE))) $(EXTRA_LDFLAGS)
# Spawners and children end by _exit, which would lose their counters: exit.o writes them first.
ifeq ($(MODE),coverage)
LDFLAGS += -Wl,--wrap=_exit
endif
LIBS := -lhdf5_hl $(PKG_LIBS) -lm

# --- sources ----------------------------------------------------------------
# The numeric core: compiled twice, single and double (math/real.h).
CORE := $(wildcard src/*/core_*.c)
# Always in double, speaks of `real`.
DOUBLE := $(wildcard src/ntk/*.c) src/math/eigen.c src/math/lanczos.c src/sweep/experiment.c src/sweep/from_kernel.c
LAYERS := base math data nn train ntk sweep store plan farm
PLAIN := $(filter-out $(CORE) $(DOUBLE),$(foreach l,$(LAYERS),$(wildcard src/$(l)/*.c)))
CLI := $(wildcard src/cli/*.c)
# The analysis reads result files without MPI and alone links GSL; its tests link all but main.
ANALYSIS_MAIN := $(wildcard analysis/summary.c analysis/report.c)
ANALYSIS := $(filter-out $(ANALYSIS_MAIN),$(wildcard analysis/*.c))
UNIT_SRC := $(wildcard tests/unit/test_*.c)

# $(call OBJ,suffix,sources)
OBJ = $(patsubst %.c,$(B)/obj/%$(1).o,$(patsubst src/%,%,$(2)))
LIB_OBJ := $(call OBJ,,$(PLAIN) $(DOUBLE)) $(call OBJ,_single,$(CORE)) $(call OBJ,_double,$(CORE))
# relin-spawner makes the children of a run: its own program, since it needs neither MPI nor HDF5 (src/farm/lean.h).
PROGRAMS := $(B)/relin $(B)/relin-spawner $(patsubst analysis/%.c,$(B)/relin-%,$(ANALYSIS_MAIN))
# A unit test whose name begins with test_core_ speaks of `real`: built and run in both precisions.
UNIT_CORE := $(patsubst tests/unit/%.c,$(B)/tests/%,$(filter tests/unit/test_core_%,$(UNIT_SRC)))
UNIT := $(patsubst tests/unit/%.c,$(B)/tests/%,$(filter-out tests/unit/test_core_%,$(UNIT_SRC))) \
	$(UNIT_CORE:%=%_single) $(UNIT_CORE:%=%_double)

# A fuzz target: with libFuzzer in MODE=fuzz, else with a driver of our own. FUZZ is the user's: which to run.
FUZZ_BUILT := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_DRIVER := $(if $(filter fuzz,$(MODE)),,tests/fuzz/replay.c tests/fuzz/mutate.c)
# Runs the programs themselves, on mutated files.
FUZZ_PROGRAMS := $(if $(filter fuzz,$(MODE)),,$(B)/fuzz/programs)
FUZZ_RUNS ?= 1000000
FUZZ_SEED ?= 1

.PHONY: all help intervals run check check-unit check-faults check-hosts check-slurm check-tools check-tsan check-valgrind bench-farm coverage fuzz fuzz-targets programs-and-tests deps bench lint format man install uninstall clean
.DEFAULT_GOAL := help
# Not for all targets: then a missing FORCE would be no reason to look at the flags again.
.SECONDARY: $(call OBJ,,$(ANALYSIS_MAIN))
.DELETE_ON_ERROR:

# --- for people -------------------------------------------------------------
# The build that comes after packages were installed; -j unless the caller gave one.
BUILD = $(MAKE) --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc)) MODE=$(MODE)

help: ## this list
	@sed -n 's/^## \?//p' Makefile; echo
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile
	@echo; echo "  MODE=release|debug|asan|tsan|coverage|fuzz   V=1 shows commands   PREFIX=, DESTDIR= for install"

run: ## install what is missing, build, run sweeps/quick.yaml on all cores, show what it found
	@.ci/deps.sh run
	@$(BUILD) all
	@.ci/quick.sh $(B)

check: ## install what is missing, build, run every test
	@.ci/deps.sh check
	@$(BUILD) programs-and-tests
	@tests/check.sh $(B)

check-tools: ## install R and others' tools where they are missing, build, see that they read what relin writes
	@.ci/deps.sh tools
	@$(BUILD) all
	@tests/check.sh $(B) cli/tools
	@tests/check.sh $(B) cli/export

check-slurm: ## install Slurm where it is missing, build, run sweeps in a cluster of it on this machine (root)
	@.ci/deps.sh slurm
	@$(BUILD) all
	@tests/suite.sh $(B) slurm cluster.sh

check-hosts: ## runs over two hosts, which are namespaces of this machine (root); losses, the lock from another node
	@.ci/deps.sh check
	@$(BUILD) all
	@tests/suite.sh $(B) hosts hosts.sh

FAULTS_N ?= 200
check-faults: ## strike runs with faults, FAULTS_N= times (200), and see that nothing is lost; FAULTS_SEED=, _SELECT=, _ONLY=
	@.ci/deps.sh check
	@$(BUILD) all
	@tests/faults/faults.sh $(B) --rounds $(FAULTS_N) $(if $(FAULTS_SEED),--seed $(FAULTS_SEED)) \
		$(if $(FAULTS_SELECT),--select $(FAULTS_SELECT)) $(if $(FAULTS_ONLY),--only $(FAULTS_ONLY))

check-tsan: ## the tests of what has threads (the lock's heartbeat), and a small sweep, under the thread sanitizer
	@.ci/deps.sh check
	@$(BUILD) MODE=tsan programs-and-tests
	@tests/tsan.sh build/tsan

check-valgrind: ## a whole small sweep, every engine, under valgrind (minutes)
	@.ci/deps.sh all
	@$(BUILD) all
	@tests/valgrind.sh $(B)

coverage: ## what the tests run: a summary by folder, build/coverage/html (TESTS=unit|cli: a part of them)
	@.ci/deps.sh all
	@$(BUILD) MODE=coverage programs-and-tests
	@tests/coverage/coverage.sh build/coverage $(TESTS)

all: $(PROGRAMS) ## build the programs into build/MODE
	@:

deps: ## install what run, check, lint and the figures need (or say what to install)
	@.ci/deps.sh all

BENCH := $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/*.c))
bench: all $(BENCH) ## measure the numeric core beside PyTorch, and how costs grow (half an hour; BENCH_OPTIONS=--quick; JSON in build/MODE/bench.json)
	$(Q)env -u OPENBLAS_CORETYPE $(B)/relin bench
	$(Q)tests/bench/core.py $(B) --json $(B)/bench.json $(BENCH_OPTIONS)
	$(Q)tests/bench/farm.py $(B) --quick

bench-farm: all $(BENCH) ## measure what handing jobs out costs, beside others that do (minutes; JSON in build/MODE/bench-farm.json)
	$(Q)tests/bench/farm.py $(B) --json $(B)/bench-farm.json

lint: ## layers, sizes, cppcheck, shellcheck, format, man pages
	@.ci/lint.sh

format: ## clang-format over every C file
	clang-format -i $$(git ls-files 'src/*.c' 'analysis/*.c' 'tests/*.c')

clean: ## remove build/
	rm -rf build

# --- compile ----------------------------------------------------------------
# Rewritten only when it changes, so that objects depend on the flags themselves.
keep_if_same = mkdir -p $(@D) && { cmp -s $@.new $@ && rm -f $@.new || mv $@.new $@; }
$(B)/flags: FORCE | $(B)/.
	$(file >$@.new,$(CC) $(CFLAGS) $(LDFLAGS) $(LIBS))
	@$(keep_if_same)
$(B)/git: FORCE | $(B)/.
	$(file >$@.new,$(GIT))
	@$(keep_if_same)
$(B)/.: ; @mkdir -p $@
FORCE:

define COMPILE
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC      $(@:$(B)/%=%)")
	$(Q)$(CC) $(CFLAGS) $(1) -MMD -MP -c $< -o $@
endef
$(call OBJ,_single,$(CORE)): $(B)/obj/%_single.o: src/%.c $(B)/flags ; $(call COMPILE,-DRELIN_DOUBLE=0)
$(call OBJ,_double,$(CORE)): $(B)/obj/%_double.o: src/%.c $(B)/flags ; $(call COMPILE,-DRELIN_DOUBLE=1)
$(call OBJ,,$(DOUBLE)): $(B)/obj/%.o: src/%.c $(B)/flags ; $(call COMPILE,-DRELIN_DOUBLE=1)
$(call OBJ,,$(PLAIN) $(CLI)): $(B)/obj/%.o: src/%.c $(B)/flags ; $(call COMPILE,$(GIT_FLAG))
$(B)/obj/analysis/%.o: analysis/%.c $(B)/flags ; $(call COMPILE,$(GIT_FLAG))
# The commit goes only into files that speak of it, so that a commit does not rebuild the rest.
USE_GIT := $(call OBJ,,$(shell grep -l RELIN_GIT $(PLAIN) $(CLI)))
$(USE_GIT): GIT_FLAG := -DRELIN_GIT='"$(GIT)"'
$(USE_GIT): $(B)/git

# The scripts of the figures as texts, for relin report.
$(B)/made/figures.h: $(wildcard analysis/figures/*.gp) Makefile
	@mkdir -p $(@D)
	@{ echo 'static const struct { const char *name, *text; } figure_scripts[] = {'; for script in $(filter %.gp,$^); do \
		echo "{\"$${script##*/}\","; sed 's/[\\"]/\\&/g; s/^/    "/; s/$$/\\n"/' $$script; echo '},'; done; echo '};'; } > $@
$(B)/obj/analysis/report_draw.o: $(B)/made/figures.h
$(B)/obj/analysis/report_draw.o: GIT_FLAG := -I$(B)/made

# The batch scripts of slurm/ as texts, for relin submit.
$(B)/made/submit_templates.h: slurm/relin.sbatch slurm/merge.sbatch Makefile
	@mkdir -p $(@D)
	@for name in relin merge; do echo "static const char $${name}_sbatch[] ="; \
		sed 's/[\\"]/\\&/g; s/^/    "/; s/$$/\\n"/' slurm/$$name.sbatch; echo '    ;'; done > $@
$(B)/obj/cli/submit_script.o: $(B)/made/submit_templates.h
$(B)/obj/cli/submit_script.o: GIT_FLAG := -I$(B)/made

comma := ,
define ARCHIVE
	$(if $(Q),@echo "  AR      $(@:$(B)/%=%)")
	$(Q)rm -f $@; ar rcs $@ $^
endef
$(B)/librelin.a: $(LIB_OBJ) ; $(ARCHIVE)
$(B)/libanalysis.a: $(call OBJ,,$(ANALYSIS)) ; $(ARCHIVE)

define LINK
	@mkdir -p $(@D)
	$(if $(Q),@echo "  LINK    $(@:$(B)/%=%)")
	$(Q)$(CC) $(CFLAGS) $(1) $(filter %.o %.c %.a,$^) $(LDFLAGS) $(LIBS) $(2) -o $@
endef
$(B)/relin: $(call OBJ,,$(CLI)) $(B)/obj/build_id.o $(B)/librelin.a | $(B)/relin-spawner ; $(call LINK)
# A child has to map every library again that it was forked with, so all that is needed goes into the program, where there
# are static libraries, of the same BLAS as relin's.
STATIC_BLAS := $(wildcard $(shell pkg-config --variable=libdir openblas)/libopenblas.a)
STATIC := -static -lyaml -lz -lcrypto $(STATIC_BLAS) -lgfortran -lquadmath -lm
$(B)/relin-spawner: $(B)/obj/spawner/main.o $(B)/obj/build_id.o $(B)/librelin.a
	$(if $(Q),@echo "  LINK    $(@:$(B)/%=%)")
	$(Q)$(if $(STATIC_BLAS),$(if $(filter release,$(MODE)),$(CC) $(CFLAGS) $^ $(LDFLAGS) $(STATIC) -o $@ 2>/dev/null ||)) \
		$(CC) $(CFLAGS) $^ $(LDFLAGS) -Wl$(comma)--as-needed $(LIBS) -o $@
$(B)/obj/spawner/main.o: src/spawner/main.c $(B)/flags ; $(call COMPILE)
# Both are to be of one librelin.a.
$(B)/made/build_id.c: $(B)/librelin.a
	@mkdir -p $(@D)
	@echo "extern const char build_id[]; const char build_id[] = \"$$(sha256sum < $< | cut -c 1-32)\";" > $@
$(B)/obj/build_id.o: $(B)/made/build_id.c ; $(call COMPILE)
$(B)/relin-%: $(B)/obj/analysis/%.o $(B)/libanalysis.a $(B)/librelin.a ; $(call LINK,,$(GSL_LIBS))

TEST_FLAGS := -MMD -MP -Itests/unit
$(UNIT_CORE:%=%_single): $(B)/tests/%_single: tests/unit/%.c $(B)/librelin.a
	$(call LINK,$(TEST_FLAGS) -DRELIN_DOUBLE=0,$(CHECK_FLAGS))
$(UNIT_CORE:%=%_double): $(B)/tests/%_double: tests/unit/%.c $(B)/librelin.a
	$(call LINK,$(TEST_FLAGS) -DRELIN_DOUBLE=1,$(CHECK_FLAGS))
$(B)/tests/test_stats_%: tests/unit/test_stats_%.c $(B)/libanalysis.a $(B)/librelin.a
	$(call LINK,$(TEST_FLAGS) -Ianalysis,$(CHECK_FLAGS) $(GSL_LIBS))
$(B)/tests/intervals: tests/unit/intervals.c $(B)/libanalysis.a $(B)/librelin.a
	$(call LINK,$(TEST_FLAGS) -Ianalysis,$(GSL_LIBS))
$(B)/tests/%: tests/unit/%.c $(B)/librelin.a
	$(call LINK,$(TEST_FLAGS) -DRELIN_DOUBLE=1,$(CHECK_FLAGS))

$(B)/bench/%: tests/bench/%.c $(B)/librelin.a
	$(call LINK,-MMD -MP -D_GNU_SOURCE)

$(B)/fuzz/programs: tests/fuzz/programs.c tests/fuzz/mutate.c
	$(call LINK,-MMD -MP -D_GNU_SOURCE)
$(B)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c tests/fuzz/folder.c $(FUZZ_DRIVER) $(B)/librelin.a
	$(call LINK,-MMD -MP -D_GNU_SOURCE $(if $(FUZZ_DRIVER),,-fsanitize=fuzzer))

ifeq ($(MODE),coverage)
$(PROGRAMS) $(UNIT) $(FUZZ) $(FUZZ_PROGRAMS): $(B)/obj/exit.o
$(B)/obj/exit.o: tests/coverage/exit.c $(B)/flags ; $(call COMPILE)
endif

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# --- manual -----------------------------------------------------------------
# One page a subcommand, made from its --help; the keys of a sweep file from its schema.
SUBCOMMANDS := $(shell sed -n 's/^ *X[^a-z]\([a-z]*\),.*/\1/p' src/cli/commands.h) $(ANALYSIS_MAIN:analysis/%.c=%)
MAN := $(B)/man/relin.1 $(SUBCOMMANDS:%=$(B)/man/relin-%.1) $(if $(filter plan,$(SUBCOMMANDS)),$(B)/man/relin-sweep.5)
PAGE = awk -f src/man/page.awk -v version=$(VERSION) -v date=$(DATE) -v page=$(basename $(@F)) -v section=$(patsubst .%,%,$(suffix $@))

man: $(MAN) ## write the manual pages into build/MODE/man

$(B)/man/relin.1: src/man/relin.1 Makefile
	@mkdir -p $(@D)
	@pages=$$(for c in $(SUBCOMMANDS); do printf '\\n.BR relin\\\\-%s (1),' $$c; done); \
		sed "s/@VERSION@/$(VERSION)/; s/@DATE@/$(DATE)/; s/@PAGES@/commands$$pages/" $< > $@
$(B)/man/relin-sweep.5: src/man/sweep.txt $(B)/relin src/man/page.awk
	@mkdir -p $(@D)
	@{ cat $< && $(B)/relin plan --keys; } | $(PAGE) -v keys=1 -v about='what a sweep file says' > $@
$(B)/man/relin-%.1: $(PROGRAMS) src/man/page.awk
	@mkdir -p $(@D)
	@OPENBLAS_NUM_THREADS=1 ARGP_HELP_FMT=rmargin=10000 $(B)/relin $* --help | \
		$(PAGE) -v about="$$($(B)/relin --help | sed -n 's/^  $* *//p' | head -n 1)" > $@

# --- install ----------------------------------------------------------------
# Quoted for the shell: a folder's name may have spaces.
BIN := '$(DESTDIR)$(PREFIX)/bin'
SHARE := '$(DESTDIR)$(PREFIX)/share'

install: all man ## into PREFIX (/usr/local; $HOME/.local needs no root), below DESTDIR
	$(Q)install -d $(BIN) $(SHARE)/man/man1 $(SHARE)/man/man5 $(SHARE)/relin/sweeps/cluster $(SHARE)/relin/analysis $(SHARE)/relin/slurm $(SHARE)/doc/relin
	$(Q)install $(PROGRAMS) $(BIN)
	$(Q)install -m 644 $(filter %.1,$(MAN)) $(SHARE)/man/man1
	$(Q)install -m 644 $(filter %.5,$(MAN)) $(SHARE)/man/man5
	$(Q)install -m 644 sweeps/*.yaml $(SHARE)/relin/sweeps
	$(Q)install -m 644 sweeps/cluster/*.yaml $(SHARE)/relin/sweeps/cluster
	$(Q)cp -r $(filter-out %.c %.h,$(wildcard analysis/*)) $(SHARE)/relin/analysis
	$(Q)install -m 644 slurm/*.sbatch $(SHARE)/relin/slurm
	$(Q)install -m 644 README.md TUTORIAL.md FORMAT.md CHANGELOG.md $(SHARE)/doc/relin
	@echo "installed into $(DESTDIR)$(PREFIX): $(PROGRAMS:$(B)/%=%), manual pages, share/relin"
	@case ":$$PATH:" in *":$(PREFIX)/bin:"*) ;; *) echo "add it to PATH: export PATH=$(PREFIX)/bin:\$$PATH";; esac

uninstall: ## remove what install put there
	rm -rf $(SHARE)/relin $(SHARE)/doc/relin
	rm -f $(BIN)/relin $(BIN)/relin-spawner $(BIN)/relin-summary $(BIN)/relin-report $(SHARE)/man/man1/relin.1 $(SHARE)/man/man1/relin-*.1 $(SHARE)/man/man5/relin-sweep.5

# --- test -------------------------------------------------------------------
programs-and-tests: all $(FUZZ_BUILT) $(FUZZ_PROGRAMS) $(if $(CHECK_FLAGS),$(UNIT))
	@:

fuzz-targets: $(FUZZ_BUILT) $(FUZZ_PROGRAMS) $(if $(FUZZ_PROGRAMS),$(PROGRAMS))
	@:

fuzz: ## fuzz every target FUZZ_RUNS times (1000000) from FUZZ_SEED (1), under sanitizers; FUZZ=NAME for one
	@tests/fuzz/run.sh long $(FUZZ_RUNS) $(FUZZ_SEED)

SAMPLES ?= 10000
intervals: $(B)/tests/intervals ## coverage of the intervals by simulation: the tables of analysis/STATISTICS.md; SAMPLES=
	@$< $(SAMPLES)

check-unit: $(UNIT) ## only the unit tests
	@tests/check.sh $(B) unit
