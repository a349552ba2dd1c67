## relin: sweeps of iteratively linearised training
#
# One build folder per MODE; a changed flag rebuilds (flags are compared through
# build/MODE/flags). V=1 shows the commands.
SHELL := /bin/bash
MODE ?= release
PREFIX ?= /usr/local
VERSION := 0.1.0
B := build/$(MODE)
Q := $(if $(V),,@)
CC = gcc

# --- dependencies -----------------------------------------------------------
# pkg-config name, and why. Debian's package names are in deps.sh (make deps).
PKG_REQUIRED := ompi-c       # message passing between ranks
PKG_REQUIRED += hdf5-openmpi # the shared result file
PKG_REQUIRED += openblas     # matrix products and LAPACK's eigenproblems
PKG_REQUIRED += yaml-0.1     # sweep files (and JSON, which YAML contains)
PKG_REQUIRED += zlib         # gzipped data files, CRC of rows
PKG_REQUIRED += libcrypto    # SHA-256, the identity of a job
# Random123 (counter-based random numbers) is headers only, without a .pc file.
PKG_OPTIONAL := gsl          # analysis only: quantiles of Student's t
PKG_TESTS    := check        # tests/unit

ifneq ($(filter-out help deps clean format,$(or $(MAKECMDGOALS),help)),)
PKG_CFLAGS := $(shell pkg-config --cflags $(PKG_REQUIRED) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PKG_REQUIRED) 2>/dev/null)
HAVE_GSL := $(shell pkg-config --exists gsl && echo 1 || echo 0)
GSL_LIBS := $(if $(filter 1,$(HAVE_GSL)),$(shell pkg-config --libs gsl))
CHECK_FLAGS := $(shell pkg-config --cflags --libs check 2>/dev/null)
endif

OPT_release := -O3
OPT_debug := -O0 -g3
OPT_asan := -O1 -g3 -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
WARN := -Wall -Wextra -Werror -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wformat=2 -Wno-format-nonliteral
CFLAGS := -std=gnu17 -g -ffp-contract=off $(OPT_$(MODE)) $(WARN) -Iinclude -Isrc $(PKG_CFLAGS) \
	-DRELIN_VERSION='"$(VERSION)"' -DHAVE_GSL=$(HAVE_GSL) $(EXTRA_CFLAGS)
LDFLAGS := $(filter -fsanitize=%,$(OPT_$(MODE))) $(EXTRA_LDFLAGS)
LIBS := $(PKG_LIBS) -lm

# --- sources ----------------------------------------------------------------
# The numeric core: compiled twice, single and double (math/real.h).
CORE := $(wildcard src/math/core_*.c src/data/core_*.c src/nn/core_*.c src/train/core_*.c src/sweep/core_*.c)
# Always in double, speaks of `real`.
DOUBLE := $(wildcard src/ntk/*.c) src/math/eigen.c $(wildcard src/sweep/experiment.c)
LAYERS := base math data nn train ntk sweep store farm
PLAIN := $(filter-out $(CORE) $(DOUBLE),$(foreach l,$(LAYERS),$(wildcard src/$(l)/*.c)))
CLI := $(wildcard src/cli/*.c)
# The analysis reads result files without MPI and alone links GSL; its tests link all but main.
ANALYSIS_MAIN := analysis/summary.c
ANALYSIS := $(filter-out $(ANALYSIS_MAIN),$(wildcard analysis/*.c))

OBJ = $(patsubst src/%.c,$(B)/obj/%$(1).o,$(2))
LIB_OBJ := $(call OBJ,,$(PLAIN)) $(call OBJ,_single,$(CORE)) $(call OBJ,_double,$(CORE)) $(call OBJ,,$(DOUBLE))
CLI_OBJ := $(call OBJ,,$(CLI))
UNIT_SRC := $(wildcard tests/unit/test_*.c)
# A unit test whose name begins with test_core_ speaks of `real`: built and run in both precisions.
UNIT := $(patsubst tests/unit/%.c,$(B)/tests/%,$(filter-out tests/unit/test_core_%,$(UNIT_SRC))) \
	$(foreach p,single double,$(patsubst tests/unit/%.c,$(B)/tests/%_$(p),$(filter tests/unit/test_core_%,$(UNIT_SRC))))

.PHONY: all help run check check-unit check-cli deps bench lint format install clean
.DEFAULT_GOAL := help
.SECONDARY:
.DELETE_ON_ERROR:

help: ## this list
	@sed -n 's/^## *//p' Makefile
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile
	@echo "  MODE=release|debug|asan   V=1 shows commands   PREFIX=, DESTDIR= for install"

all: $(B)/relin $(B)/relin-summary ## build the programs into build/MODE

# rebuild when a flag or the compiler changes
$(B)/flags: FORCE
	@mkdir -p $(@D); echo '$(CC) $(CFLAGS) $(LIBS) $(LDFLAGS)' | cmp -s - $@ || echo '$(CC) $(CFLAGS) $(LIBS) $(LDFLAGS)' > $@
FORCE:

define COMPILE
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC      $@")
	$(Q)$(CC) $(CFLAGS) $(1) -MMD -MP -c $< -o $@
endef
$(B)/obj/%_single.o: src/%.c $(B)/flags ; $(call COMPILE,-DRELIN_DOUBLE=0)
$(B)/obj/%_double.o: src/%.c $(B)/flags ; $(call COMPILE,-DRELIN_DOUBLE=1)
$(call OBJ,,$(DOUBLE)): $(B)/obj/%.o: src/%.c $(B)/flags ; $(call COMPILE,-DRELIN_DOUBLE=1)
$(B)/obj/%.o: src/%.c $(B)/flags ; $(call COMPILE)
$(B)/obj/analysis/%.o: analysis/%.c $(B)/flags ; $(call COMPILE)

$(B)/librelin.a: $(LIB_OBJ)
	$(if $(Q),@echo "  AR      $@")
	$(Q)rm -f $@; ar rcs $@ $^

define LINK
	@mkdir -p $(@D)
	$(if $(Q),@echo "  LINK    $@")
	$(Q)$(CC) $(CFLAGS) $(1) $(filter %.o %.c %.a,$^) $(LDFLAGS) $(LIBS) $(2) -o $@
endef
$(B)/relin: $(CLI_OBJ) $(B)/librelin.a ; $(call LINK)
$(B)/libanalysis.a: $(patsubst analysis/%.c,$(B)/obj/analysis/%.o,$(ANALYSIS))
	$(if $(Q),@echo "  AR      $@")
	$(Q)rm -f $@; ar rcs $@ $^
$(B)/relin-summary: $(patsubst analysis/%.c,$(B)/obj/analysis/%.o,$(ANALYSIS_MAIN)) $(B)/libanalysis.a $(B)/librelin.a
	$(call LINK,,$(GSL_LIBS))
$(B)/tests/test_core_%_single: tests/unit/test_core_%.c $(B)/librelin.a ; $(call LINK,-DRELIN_DOUBLE=0 -MMD -MP -Itests/unit,$(CHECK_FLAGS))
$(B)/tests/test_core_%_double: tests/unit/test_core_%.c $(B)/librelin.a ; $(call LINK,-DRELIN_DOUBLE=1 -MMD -MP -Itests/unit,$(CHECK_FLAGS))
$(B)/tests/test_stats_%: tests/unit/test_stats_%.c $(B)/libanalysis.a $(B)/librelin.a
	$(call LINK,-MMD -MP -Itests/unit -Ianalysis,$(CHECK_FLAGS) $(GSL_LIBS))
$(B)/tests/%: tests/unit/%.c $(B)/librelin.a ; $(call LINK,-DRELIN_DOUBLE=1 -MMD -MP -Itests/unit,$(CHECK_FLAGS))

-include $(shell find $(B) -name '*.d' 2>/dev/null)

check-unit: $(UNIT)
	@set -e; for t in $(UNIT); do $$t; done

clean: ## remove build/
	rm -rf build
