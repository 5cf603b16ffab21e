#!/bin/sh
# Tests that `make check` has no time for, and those of its own that find more the longer they run, in their long form; two at a time. The last line is the sum.
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
work=$build/long
export PROGRAM="$PWD/$build/release/availbridge"
mkdir -p "$work"
: >"$work/counts"
make BUILD="$build" -j2 --no-print-directory program || echo "0 1" >>"$work/counts"

# long NAME WORD...: tests/e2e/NAME.py with these words in its environment.
long() {
	name=$1 log=$work/$1.log began=$(date +%s)
	shift
	timeout -k 20 900 env "$@" /usr/bin/python3 "tests/e2e/$name.py" >"$log" 2>&1
	code=$?
	counts=$(grep -E '[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
	p=$(echo "$counts" | grep -oE '[0-9]+ passed' | cut -d' ' -f1)
	f=$(echo "$counts" | grep -oE '[0-9]+ failed' | cut -d' ' -f1)
	if [ -z "$p" ] || { [ $code != 0 ] && [ "$f" = 0 ]; }; then
		f=$((${f:-0} + 1))
		echo "$name: ended with exit code $code" >>"$log"
	fi
	printf '%-44s %6d passed %4d failed %5d s\n' "long/$name" "${p:-0}" "$f" $(($(date +%s) - began))
	[ "$f" = 0 ] || tail -n 60 "$log" | sed 's/^/    /'
	echo "${p:-0} $f" >>"$work/counts"
}
long lossy_network ROUNDS=40 BLACKOUT=60 &
{ long cut_short EVERY=1; long failing_calls; } &
wait
long three_peers ROUNDS=1400 &
long same_answer SCRYPTS=1000 &
wait
long moved & # it waits, for the most part
long deaths KILLS=25 &
long power_cut KILLS=100 &
wait
awk '{ p += $1; f += $2 } END { printf "%d passed, %d failed\n", p, f; exit f != 0 || p == 0 }' "$work/counts"
