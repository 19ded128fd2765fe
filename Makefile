# epi: joules per unit of intelligence.  GNU make.
#
# A program is a src/epi-*.c (with its parts in a folder of that name, if it has
# some) or a scripts/epi-*, a module a src/lib/*.c, a test
# a tests/*.bats or a tests/unit/*.c, a page a man/*.[157], an example for its
# users a src/P/*.ndjson: a new one edits nothing here.  A program that needs a library says so in its source, in a
# line "/* link: -lname */".

VERSION = 0.1.0
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g
BUILD ?= build
BIN ?= bin
FUZZ_SECONDS ?= 60

# Debian's names.
DEPS = gcc libc6-dev make git libserialport-dev libsqlite3-dev libjansson-dev nettle-dev \
	libcurl4-openssl-dev|libcurl4-gnutls-dev libmicrohttpd-dev libmodbus-dev libncurses-dev \
	jq bc parallel rsync bats mandoc time socat gnuplot-nox fonts-dejavu-core zstd
DEPS_DEV = clang libclang-rt-14-dev|libclang-rt-dev clang-tidy cppcheck \
	shellcheck groff valgrind miller mawk sqlite3 \
	gcc-arm-none-eabi qemu-system-arm nodejs npm chromium libxml2-utils \
	tidy poppler-utils \
	tmux openssh-client openssh-server python3-jsonschema \
	$(if $(filter aarch64,$(shell uname -m)),,gcc-aarch64-linux-gnu libc6-dev-arm64-cross \
	qemu-user-static|qemu-user)

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wwrite-strings -Wpointer-arith -Wvla
SANITIZE = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all

flags = -std=c11 -fno-tree-slp-vectorize -D_POSIX_C_SOURCE=200809L -Isrc/lib -Isrc $(WARNINGS) \
	-DEPI_VERSION='"$(VERSION)"' $(CPPFLAGS) $(CFLAGS) -MMD -MP
# For the firmware, that epi-sim runs.
flags += -Ifirmware/core -Ifirmware/sim
linked = $$(sed -n 's,^/\* link: \(.*\) \*/$$,\1,p' $(1))

# A word of the shell, whatever is in it: folders have any name.
quoted = '$(subst ','\'',$(1))'

# One word for each file that is made; make V=1 shows the commands.
quiet = $(if $(V),,@$(if $(findstring s,$(firstword -$(MAKEFLAGS))),,echo '  $@';))

modules := $(patsubst src/lib/%.c,$(BUILD)/lib/%.o,$(wildcard src/lib/*.c))
programs := $(patsubst src/%.c,$(BIN)/%,$(wildcard src/epi-*.c)) \
	$(patsubst scripts/%,$(BIN)/%,$(wildcard scripts/epi-*))
units := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/*.c))
# What tests talk to: a tests/NAME/NAME.c with its parts.
helpers := $(BUILD)/helper/stand-in $(BUILD)/helper/slave

all: $(programs)

# A part of program P is a src/P/*.c, or a *.c of a folder that its source
# names in a line "/* parts: FOLDER... */".
.SECONDEXPANSION:
named = $(shell sed -n 's,^/\* parts: \(.*\) \*/$$,\1,p' src/$(1).c 2>&-)
parts = $(subst .c,.o,$(subst src/,$(BUILD)/,$(wildcard src/$(1)/*.c)) \
	$(addprefix $(BUILD)/,$(wildcard $(addsuffix /*.c,$(call named,$(1))))))
$(BIN)/%: $(BUILD)/%.o $$(call parts,$$*) $(BUILD)/libepi.a
	@mkdir -p $(@D)
	$(quiet)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(call linked,src/$*.c) -lm $(LDLIBS)

$(BIN)/%: scripts/%
	@mkdir -p $(@D)
	$(quiet)ln -sf $(call quoted,$(abspath $<)) $@

$(BUILD)/libepi.a: $(modules)
	@rm -f $@
	$(quiet)$(AR) rcs $@ $^

$(BUILD)/%.o: src/%.c | $(BUILD)/64-bit
	@mkdir -p $(@D)
	$(quiet)$(CC) $(flags) -c -o $@ $<

$(BUILD)/firmware/%.o: firmware/%.c | $(BUILD)/64-bit
	@mkdir -p $(@D)
	$(CC) $(flags) -c -o $@ $<

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libepi.a | $(BUILD)/64-bit
	@mkdir -p $(@D)
	$(quiet)$(CC) $(flags) -o $@ $< $(BUILD)/libepi.a $(LDFLAGS) -lm $(LDLIBS)

$(BUILD)/helper/%: $$(wildcard tests/$$*/*.[ch]) | $(BUILD)/64-bit
	@mkdir -p $(@D)
	$(quiet)$(CC) $(filter-out -MMD -MP,$(flags)) -D_DEFAULT_SOURCE -o $@ tests/$*/*.c \
		$(LDFLAGS) $(call linked,tests/$*/$*.c) $(LDLIBS)

# Energy is exact in 128-bit integers, which only 64-bit machines have.
$(BUILD)/64-bit:
	@mkdir -p $(@D)
	@command -v $(firstword $(CC)) >/dev/null || \
		{ echo "epi: no compiler $(CC): try make deps" >&2; exit 1; }
	@echo '__int128 a; char b[sizeof(void *) == 8 ? 1 : -1];' | \
		$(CC) $(CFLAGS) -fsyntax-only -x c - 2>$@.log || \
		{ cat $@.log >&2; echo "epi: needs a 64-bit machine:" \
		"$(CC) $(CFLAGS) has no 128-bit integers" >&2; exit 1; }
	@touch $@

units: $(units) $(helpers)

check: all $(units) $(helpers)
	@EPI_BIN=$(call quoted,$(abspath $(BIN))) scripts/check $(units)

# The same under the sanitizers, which keep a processor busy each, but for the tests
# of scripts: what these call has tests of its own, and a campaign calls it all.
of_scripts = $(filter-out tests/campaign.bats,$(patsubst scripts/%,tests/%.bats,\
	$(wildcard scripts/*))) tests/campaign-sweep.bats
sancheck:
	@JOBS="$${JOBS:-$$(getconf _NPROCESSORS_ONLN)}" \
		TESTS="$${TESTS:-$(filter-out $(of_scripts),$(wildcard tests/*.bats))}" \
		$(MAKE) check BUILD=build/san BIN=build/san/bin CFLAGS='$(SANITIZE)'

# The unit tests, on the processor of a Raspberry Pi.
check-arm:
	@SANITIZE='$(SANITIZE)' scripts/check-arm

# The folder of the demo is one that was asked for, none of the environment.
lint fuzz bench demo pictures schema: all
	@$(if $(filter command,$(origin DIR)),,DIR= )EPI_BIN=$(call quoted,$(abspath $(BIN))) FUZZ_SECONDS=$(FUZZ_SECONDS) SANITIZE='$(SANITIZE)' \
		PATH=$(call quoted,$(abspath $(BIN))):"$$PATH" scripts/$@

# What is installed has to be there before what needs it.
ifneq ($(filter deps deps-dev,$(MAKECMDGOALS)),)
.NOTPARALLEL:
endif

# The meter: its images, and everything that runs them.
firmware:
	@$(MAKE) -C firmware images
check-firmware:
	@$(MAKE) -C firmware check

deps:
	@scripts/deps $@ '$(DEPS)'
deps-dev:
	@scripts/deps $@ '$(DEPS) $(DEPS_DEV)'
	@$(MAKE) -s -C firmware deps

at = $(call quoted,$(DESTDIR)$(PREFIX))
pages = $(wildcard man/*.$(1))
examples = $(wildcard src/epi-*/*.ndjson) $(wildcard man/*.schema.json) \
	$(wildcard scripts/system/*)
# What campaigns include, and its parts: read, and run.
campaign = $(wildcard scripts/campaign/*)
read_parts = $(filter %.sh %.mk,$(campaign))

install: all
	install -d $(at)/bin $(at)/share/epi $(at)/share/epi/campaign \
		$(foreach s,1 5 7,$(at)/share/man/man$(s))
	install -m 755 $(programs) $(at)/bin
	install -m 644 $(examples) scripts/epi.mk $(at)/share/epi
	install -m 644 $(read_parts) $(at)/share/epi/campaign
	install -m 755 $(filter-out $(read_parts),$(campaign)) $(at)/share/epi/campaign
	set -e; $(foreach s,1 5 7,$(if $(call pages,$(s)),\
		install -m 644 $(call pages,$(s)) $(at)/share/man/man$(s);))

uninstall:
	set -e; for file in $(patsubst $(BIN)/%,bin/%,$(programs)) share/epi/epi.mk \
		$(patsubst scripts/%,share/epi/%,$(campaign)) \
		$(addprefix share/epi/,$(notdir $(examples))) $(foreach s,1 5 7,\
		$(patsubst man/%,share/man/man$(s)/%,$(call pages,$(s)))); do \
		rm -f $(at)/"$$file"; \
	done

# The same commit gives the same bytes.
dist:
	@mkdir -p dist
	git archive --prefix=epi-$(VERSION)/ -o dist/epi-$(VERSION).tar HEAD
	gzip -9nf dist/epi-$(VERSION).tar

clean:
	rm -rf bin build dist firmware/build

-include $(wildcard $(BUILD)/*.d $(BUILD)/*/*.d \
	$(BUILD)/*/*/*.d)
.PHONY: firmware check-firmware all units check sancheck check-arm lint fuzz bench demo pictures schema deps deps-dev install \
	uninstall dist clean
.SECONDARY:
