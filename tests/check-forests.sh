#!/bin/sh
# The bridge beside real calendar servers and directories. Each tests/forests/NAME.py is a suite: it starts what it needs from
# tests/forests/servers/ (free loopback ports, a folder of its own, ended with it), exits 0 only if all is well, and ends its output with
# "NAME: N passed, N failed". check-forests.sh NAME... runs those alone. The last line is the sum.
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
work=$build/forests
export PROGRAM="$PWD/$build/release/availbridge"
mkdir -p "$work"
passed=0 failed=0
make BUILD="$build" -j2 --no-print-directory program || failed=1
# shellcheck disable=SC2046
[ $# != 0 ] || set -- $(basename -s .py tests/forests/*.py)
for name in "$@"; do
	log=$work/$name.log began=$(date +%s)
	timeout -k 20 600 /usr/bin/python3 "tests/forests/$name.py" >"$log" 2>&1
	code=$?
	counts=$(grep -E '[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
	p=$(echo "$counts" | grep -oE '[0-9]+ passed' | cut -d' ' -f1)
	f=$(echo "$counts" | grep -oE '[0-9]+ failed' | cut -d' ' -f1)
	if [ -z "$p" ] || { [ $code != 0 ] && [ "$f" = 0 ]; }; then
		f=$((${f:-0} + 1))
		echo "$name: ended with exit code $code" >>"$log"
	fi
	printf '%-44s %6d passed %4d failed %5d s\n' "forests/$name" "${p:-0}" "$f" $(($(date +%s) - began))
	[ "$f" = 0 ] || tail -n 60 "$log" | sed 's/^/    /'
	passed=$((passed + ${p:-0})) failed=$((failed + f))
done
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed != 0 ]
