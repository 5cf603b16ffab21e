#!/bin/sh
# install.sh PROGRAM: puts the program, its unit, its user, its folders and its pages where DESTDIR, PREFIX and SYSCONF say.
# install.sh --remove: takes them away again. Settings, keys, the audit and the user stay.
set -eu
cd "$(dirname "$0")/.."
program=$1
: "${PREFIX:=/usr}" "${SYSCONF:=/etc}" "${DESTDIR:=}"
etc=$SYSCONF/availbridge
doc=$PREFIX/share/doc/availbridge

put() {
	if [ "$program" = --remove ]; then rm -f "$DESTDIR$3"; else install -D -m "$1" "$2" "$DESTDIR$3"; fi
}
# The same with the paths of this installation in it.
fill() {
	put 644 "$1" "$2"
	[ "$program" = --remove ] || sed "s|@SBIN@|$PREFIX/sbin|g; s|@ETC@|$etc|g" "$1" >"$DESTDIR$2"
}

put 755 "$program" "$PREFIX/sbin/availbridge"
fill scripts/systemd/availbridge.service "$PREFIX/lib/systemd/system/availbridge.service"
fill scripts/systemd/availbridge.tmpfiles "$PREFIX/lib/tmpfiles.d/availbridge.conf"
put 644 scripts/systemd/availbridge.sysusers "$PREFIX/lib/sysusers.d/availbridge.conf"
for page in docs/*.[58]; do
	put 644 "$page" "$PREFIX/share/man/man${page##*.}/$(basename "$page")"
done
put 644 LICENSE "$doc/LICENSE"
put 644 README.md "$doc/README.md"
for page in docs/*.md docs/*.svg; do
	put 644 "$page" "$doc/$(basename "$page")"
done
if [ "$program" = --remove ]; then
	rmdir "$DESTDIR$doc" 2>/dev/null || :
	echo "$etc and /var/lib/availbridge stay; what is in them is yours."
elif [ ! -d "$DESTDIR$etc" ]; then
	install -d -m 750 "$DESTDIR$etc"
fi
