#!/bin/sh
# Everything `make check` runs. Each suite ends its output with "NAME: N passed, N failed"; the last line here is their sum.
cd "$(dirname "$0")/.." || exit 1
work=build/check
mkdir -p $work
: >$work/counts
python=/usr/bin/python3 # the system's, which has the packages

# suite NAME SECONDS COMMAND...: runs it, shows its counts, and the rest only when it failed. No counts, a time-out or a
# bad exit without a failure counted are failures themselves.
suite() {
	name=$1 seconds=$2 log=$work/$1.log began=$(date +%s)
	shift 2
	timeout -k 10 "$seconds" "$@" >"$log" 2>&1
	code=$?
	line=$(grep -E '[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
	passed=$(echo "$line" | sed -n 's/.*[^0-9]\{0,1\}\([0-9][0-9]*\) passed, .*/\1/p')
	failed=$(echo "$line" | sed -n 's/.* passed, \([0-9][0-9]*\) failed.*/\1/p')
	if [ -z "$passed" ] || { [ $code != 0 ] && [ "${failed:-0}" = 0 ]; }; then
		failed=$((${failed:-0} + 1))
		echo "$name: ended with exit code $code" >>"$log"
	fi
	printf '%-44s %6d passed %4d failed %5d s\n' "$name" "${passed:-0}" "$failed" $(($(date +%s) - began))
	[ "$failed" = 0 ] || tail -n 60 "$log" | sed 's/^/    /'
	echo "${passed:-0} $failed" >>$work/counts
}
# Builds one thing; a build that breaks is one failure.
build() {
	if make -j2 --no-print-directory "$@" >$work/make.log 2>&1; then
		echo "1 0" >>$work/counts
	else
		echo "make $* failed"
		grep -E 'error|Error|undefined|multiple' $work/make.log | head -n 40 | sed 's/^/    /'
		echo "0 1" >>$work/counts
	fi
}
one() { "$@" && echo "1 passed, 0 failed" || { echo "0 passed, 1 failed"; return 1; }; }
if [ "$1" = --one ]; then
	shift
	one "$@"
	exit
fi

suite floors 60 tests/check.sh --one scripts/floors.sh
suite seals 120 tests/seals/check.sh
build program
build unit
build VARIANT=asan program unit
export ASAN_OPTIONS=abort_on_error=0:exitcode=99 UBSAN_OPTIONS=print_stacktrace=1
for variant in release asan; do
	for t in build/$variant/unit/test_*; do
		case $t in *.d) continue ;; esac
		suite "$variant/$(basename "$t")" 240 "$t"
	done
done
for t in tests/calendars/compare.py tests/schema/*.py tests/link/*.py; do
	[ -f "$t" ] && suite "$(echo "$t" | sed 's|^tests/||; s|/|-|g; s|\.py$||')" 300 $python "$t"
done
suite demo 120 tests/check.sh --one env ONCE=1 DEMO="$PWD/$work/demo" scripts/demo.sh
for t in tests/e2e/*.py; do
	case $t in */sites.py) continue ;; esac
	suite "e2e-$(basename "$t" .py)" 300 $python "$t"
done
suite install 60 tests/install.sh
awk '{ p += $1; f += $2 } END { printf "%d passed, %d failed\n", p, f; exit f != 0 || p == 0 }' $work/counts
