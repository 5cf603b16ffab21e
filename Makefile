# make demo | check | check-clients | check-forests | check-long | install | uninstall | fuzz | soak SECONDS=600 | bench | clean      V=1 shows the commands
PREFIX  ?= /usr
SYSCONF ?= /etc
FUZZ_SECONDS ?= 30
SECONDS ?= 600
BUILD   ?= build
VARIANT ?= release
O       := $(BUILD)/$(VARIANT)
Q       := $(if $(V),,@)
# Whoever sits there may have another [a-z] than the scripts: a Turkish one has no i.
export LC_ALL := C.UTF-8
# The servers that tests start are in /usr/sbin, which not everybody looks into.
export PATH := $(PATH):/usr/sbin

# Floors, lowest first: a room may include only itself and what stands before its own floor (scripts/floors.sh).
ROOMS := bridge/base bridge/availability bridge/conf bridge/dns pki bridge/address_space bridge/acl bridge/audit bridge/budget bridge/ews bridge/login bridge/trace \
         bridge/front bridge/link bridge/pairing bridge/backend bridge/directory bridge/proxy bridge/process bridge/ctl
PKGS  := openssl libxml-2.0 libconfig libnghttp2 libprotobuf-c icu-uc icu-i18n libevent_core libseccomp libcares libcurl ldap lber libsasl2 krb5-gssapi krb5

VERSION := 0.1.0
# STRICT=1 (.ci/run): a warning ends the build. A newer compiler warns of more, and must not stand between a user and the program.
WARN  := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wpointer-arith -Wno-unused-parameter $(if $(STRICT),-Werror)
CPPFLAGS += -I. -I$(BUILD)/gen -D_GNU_SOURCE -DVERSION='"$(VERSION)"' $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LDLIBS += $(shell pkg-config --libs $(PKGS) 2>/dev/null)
CFLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
LDFLAGS_release := -pie -Wl,-z,relro,-z,now
CFLAGS_asan  := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS_asan := -fsanitize=address,undefined
CFLAGS_fuzz  := -O1 -g -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all
LDFLAGS_fuzz := -fsanitize=address,undefined,fuzzer
CC_fuzz      := clang
CC_V    := $(or $(CC_$(VARIANT)),$(CC))
CFLAGS_ALL = -std=gnu11 $(WARN) $(CFLAGS_$(VARIANT)) $(CFLAGS)

SRC   := $(foreach r,$(ROOMS),$(sort $(wildcard $(r)/*.c)))
OBJ   := $(SRC:%.c=$(O)/%.o) $(O)/gen/link.pb-c.o
UNIT  := $(patsubst tests/unit/%.c,$(O)/unit/%,$(sort $(wildcard tests/unit/test_*.c)))
FUZZ  := $(patsubst tests/fuzz/%.c,$(O)/fuzz/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))

# The libraries' flags are asked of pkg-config when make starts: so the program is built by a second make, after the packages are there.
all: deps
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) program
deps:
	$(Q)scripts/install-deps build
program: $(O)/availbridge

$(O)/availbridge: $(O)/bridge/main.o $(OBJ)
	$(Q)$(CC_V) $(LDFLAGS_$(VARIANT)) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/gen/link.pb-c.c: bridge/link/link.proto
	$(Q)mkdir -p $(@D) && protoc-c --c_out=$(@D) -Ibridge/link $<
$(BUILD)/gen/link.pb-c.h: $(BUILD)/gen/link.pb-c.c ;
$(O)/gen/link.pb-c.o: $(BUILD)/gen/link.pb-c.c
	$(Q)mkdir -p $(@D) && $(CC_V) $(CPPFLAGS) $(CFLAGS_ALL) -c -o $@ $<
$(filter $(O)/bridge/link/%,$(OBJ)): | $(BUILD)/gen/link.pb-c.h
$(O)/%.o: %.c
	$(Q)mkdir -p $(@D) && $(CC_V) $(CPPFLAGS) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# tests/unit/test_ROOM_thing.c may name the rooms it links in its first line: /* links: base availability */ (default: all)
links = $(foreach r,$(or $(shell sed -n '1s|/\* links: \(.*\) \*/|\1|p' $(1)),all),$(if $(filter all,$(r)),$(OBJ),$(filter $(O)/bridge/$(r)/% $(O)/$(r)/%,$(OBJ))))
.SECONDEXPANSION:
$(O)/unit/%: tests/unit/%.c $$(call links,tests/unit/%.c)
	$(Q)mkdir -p $(@D) && $(CC_V) $(CPPFLAGS) $(CFLAGS_ALL) -MMD -MP $(LDFLAGS_$(VARIANT)) -o $@ $< $(filter %.o,$^) $(LDLIBS)
$(O)/fuzz/%: tests/fuzz/%.c $$(call links,tests/fuzz/%.c)
	$(Q)mkdir -p $(@D) && $(CC_V) $(CPPFLAGS) $(CFLAGS_ALL) $(LDFLAGS_$(VARIANT)) -o $@ $< $(filter %.o,$^) $(LDLIBS)

unit: $(UNIT)
fuzzers: $(FUZZ)
floors:
	$(Q)scripts/floors.sh
demo: all
	$(Q)$(if $(FORESTS),scripts/install-deps forests &&) scripts/demo.sh
check:
	$(Q)scripts/install-deps build check && tests/check.sh
check-clients:
	$(Q)scripts/install-deps build check clients && tests/check-clients.sh
check-forests:
	$(Q)scripts/install-deps build check forests && tests/check-forests.sh
check-long:
	$(Q)scripts/install-deps build check && tests/check-long.sh
soak: all
	$(Q)scripts/install-deps build check && BUILD=$(BUILD) SECONDS_TO_RUN=$(SECONDS) tests/soak.sh
# Everything interleaved on this machine; BENCH=quick takes under two minutes. docs/benchmarks.md explains the table.
bench: all
	$(Q)scripts/install-deps build bench && BUILD=$(BUILD) BENCH='$(BENCH)' ROWS='$(ROWS)' tests/bench.sh
fuzz:
	$(Q)scripts/install-deps build check && FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz.sh
clean:
	$(Q)rm -rf build
install: all
	$(Q)DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' SYSCONF='$(SYSCONF)' scripts/install.sh $(O)/availbridge
uninstall:
	$(Q)DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' SYSCONF='$(SYSCONF)' scripts/install.sh --remove

-include $(OBJ:.o=.d) $(O)/bridge/main.d $(UNIT:%=%.d)
.PHONY: all deps program unit fuzzers floors demo check check-clients check-forests check-long soak bench fuzz clean install uninstall
.DELETE_ON_ERROR:
