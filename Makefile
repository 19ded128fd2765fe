# epi: joules per unit of intelligence.  GNU make.
# A program per src/epi-*.c, an archive from src/lib/*.c: a new filter edits
# nothing here.

CC ?= cc
CFLAGS ?= -O2 -g
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wwrite-strings -Wpointer-arith -Wvla
BUILD ?= build
VERSION = 0.1.0

programs = $(patsubst src/%.c,bin/%,$(wildcard src/epi-*.c))
modules = $(patsubst src/lib/%.c,$(BUILD)/lib/%.o,$(wildcard src/lib/*.c))
flags = -std=c11 -D_POSIX_C_SOURCE=200809L -Isrc/lib $(WARNINGS) \
	-DEPI_VERSION='"$(VERSION)"' $(CPPFLAGS) $(CFLAGS) -MMD -MP

all: $(programs)

bin/%: $(BUILD)/%.o $(BUILD)/libepi.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lm

$(BUILD)/libepi.a: $(modules)
	rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(flags) -c -o $@ $<

clean:
	rm -rf bin $(BUILD)

-include $(wildcard $(BUILD)/*.d $(BUILD)/lib/*.d)
.PHONY: all clean
.SECONDARY:
