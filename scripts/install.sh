#!/bin/sh
# install.sh PROGRAM: puts the program, its unit, its user, its folders and its pages where DESTDIR, PREFIX and SYSCONF say.
set -eu
cd "$(dirname "$0")/.."
program=$1
: "${PREFIX:=/usr}" "${SYSCONF:=/etc}" "${DESTDIR:=}"
etc=$SYSCONF/availbridge

put() { install -D -m "$1" "$2" "$DESTDIR$3"; }
# The same with the paths of this installation in it.
fill() {
	mkdir -p "$(dirname "$DESTDIR$2")"
	sed "s|@SBIN@|$PREFIX/sbin|g; s|@ETC@|$etc|g" "$1" >"$DESTDIR$2"
	chmod 644 "$DESTDIR$2"
}

put 755 "$program" "$PREFIX/sbin/availbridge"
fill scripts/systemd/availbridge.service "$PREFIX/lib/systemd/system/availbridge.service"
fill scripts/systemd/availbridge.tmpfiles "$PREFIX/lib/tmpfiles.d/availbridge.conf"
put 644 scripts/systemd/availbridge.sysusers "$PREFIX/lib/sysusers.d/availbridge.conf"
for page in docs/*.[58]; do
	put 644 "$page" "$PREFIX/share/man/man${page##*.}/$(basename "$page")"
done
put 644 LICENSE "$PREFIX/share/doc/availbridge/LICENSE"
for page in README.md docs/*.md; do
	put 644 "$page" "$PREFIX/share/doc/availbridge/$(basename "$page")"
done
install -d -m 750 "$DESTDIR$etc"
