#!/bin/sh
# `make install` into an empty folder: everything an admin needs is there, with the right paths and rights, and the installed program runs.
cd "$(dirname "$0")/.." || exit 1
root=$PWD/${BUILD:-build}/check/install
passed=0 failed=0
check() { if eval "$2"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "not so: $1" >&2; fi; }
rm -rf "$root"
make BUILD="${BUILD:-build}" --no-print-directory install DESTDIR="$root" PREFIX=/opt/ab SYSCONF=/opt/etc || exit 1
check "the program is there and runs" '"$root/opt/ab/sbin/availbridge" version | grep -q "^availbridge "'
check "the unit starts what was installed" 'grep -q "^ExecStart=/opt/ab/sbin/availbridge -c /opt/etc/availbridge/availbridge.conf serve" "$root/opt/ab/lib/systemd/system/availbridge.service"'
check "no placeholder is left" '! grep -rq "@SBIN@\|@ETC@" "$root"'
check "the unit takes rights away" 'grep -q "^NoNewPrivileges=yes" "$root/opt/ab/lib/systemd/system/availbridge.service"'
longest() {
	sed -n 's/.*"hard_stop", .*, \([0-9]*\), "20 s".*/\1/p' bridge/conf/schema.c
	sed -n 's/.*{ LAST_WORDS_MS = \([0-9]*\) }.*/\1/p' bridge/process/generation.c
}
check "the unit waits for the longest answer, and for what is written behind it" \
	'longest | awk -v unit="$(sed -n "s/^TimeoutStopSec=//p" scripts/systemd/availbridge.service)" "{ms += \$1} END {exit NR != 2 || unit * 1000 <= ms}"'
check "there is a user" 'grep -q "^u availbridge" "$root/opt/ab/lib/sysusers.d/availbridge.conf"'
check "there are folders" 'grep -q "^d /opt/etc/availbridge 0750 availbridge " "$root/opt/ab/lib/tmpfiles.d/availbridge.conf"'
check "the manual is there" 'test -s "$root/opt/ab/share/man/man8/availbridge.8" && test -s "$root/opt/ab/share/man/man5/availbridge.conf.5"'
check "the licence is there" 'cmp -s LICENSE "$root/opt/ab/share/doc/availbridge/LICENSE"'
check "the pages lead nowhere that is not there" '! for f in $(grep -ohE "[a-z-]+\.(md|svg)" README.md docs/*.md | sort -u); do ls "$root/opt/ab/share/doc/availbridge/$f" || echo "$f"; done 2>/dev/null | grep -v /'
chmod 700 "$root/opt/etc/availbridge" && echo mine >"$root/opt/etc/availbridge/mine"
make BUILD="${BUILD:-build}" --no-print-directory install DESTDIR="$root" PREFIX=/opt/ab SYSCONF=/opt/etc || exit 1
check "an upgrade leaves the settings and the rights of their folder" '[ "$(stat -c %a "$root/opt/etc/availbridge")" = 700 ] && [ "$(cat "$root/opt/etc/availbridge/mine")" = mine ]'
if command -v systemd-analyze >/dev/null; then
	check "systemd understands the unit" '! systemd-analyze verify "$root/opt/ab/lib/systemd/system/availbridge.service" 2>&1 | grep -i "unknown\|invalid\|failed to parse"'
fi
make BUILD="${BUILD:-build}" --no-print-directory uninstall DESTDIR="$root" PREFIX=/opt/ab SYSCONF=/opt/etc >/dev/null || exit 1
check "what was installed can be taken away" '[ -z "$(find "$root/opt/ab" -type f)" ] && [ ! -e "$root/opt/ab/share/doc/availbridge" ]'
check "and the settings stay" '[ -e "$root/opt/etc/availbridge/mine" ]'
echo "install: $passed passed, $failed failed"
[ $failed = 0 ]
