#!/bin/sh
# Everything `make check` runs. Each suite ends its output with "NAME: N passed, N failed"; the last line here is their sum.
cd "$(dirname "$0")/.." || exit 1
# check.sh --one COMMAND...: something that counts nothing itself counts as one.
if [ "${1:-}" = --one ]; then
	shift
	if "$@"; then echo "1 passed, 0 failed"; else echo "0 passed, 1 failed"; exit 1; fi
	exit 0
fi
build=${BUILD:-build}
work=$build/check
export PROGRAM="$PWD/$build/release/availbridge" ASAN_OPTIONS=abort_on_error=0:exitcode=99 UBSAN_OPTIONS=print_stacktrace=1
python=/usr/bin/python3 # the system's, which has the packages

# suite NAME COMMAND...: runs it, shows its counts, and the rest only when it failed. No counts, a time-out or a
# bad exit without a failure counted are failures themselves. What hangs has fifteen minutes: the longest takes one, and three or more on a slow machine.
suite() {
	name=$1 log=$work/$(echo "$1" | tr / -).log began=$(date +%s)
	shift
	timeout -k 10 900 "$@" >"$log" 2>&1
	code=$?
	line=$(grep -E '[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
	passed=$(echo "$line" | grep -oE '[0-9]+ passed' | tail -n 1 | cut -d' ' -f1)
	failed=$(echo "$line" | grep -oE '[0-9]+ failed' | tail -n 1 | cut -d' ' -f1)
	if [ -z "$passed" ] || { [ $code != 0 ] && [ "${failed:-0}" = 0 ]; }; then
		failed=$((${failed:-0} + 1))
		echo "$name: ended with exit code $code" >>"$log"
	fi
	echo "${passed:-0} $failed" >>"$work/counts"
	said=
	[ "$failed" = 0 ] || said=$(printf '\n%s' "$(tail -n 60 "$log" | sed 's/^/    /')")
	printf '%-44s %6d passed %4d failed %5d s%s\n' "$name" "${passed:-0}" "$failed" $(($(date +%s) - began)) "$said" # at once: others print beside it
}
# check.sh --suite NAME COMMAND...: one of those that run side by side.
if [ "${1:-}" = --suite ]; then
	shift
	suite "$@"
	exit 0
fi
mkdir -p "$work"
: >"$work/counts"
: >"$work/suites"
# Notes a suite for together().
beside() { echo "$@" >>"$work/suites"; }
# Runs what was noted, in the order of noting, one more at a time than there are processors: they wait more than they work. If one is killed with its shell,
# xargs begins no other: what is not counted has failed.
together() {
	left=$(cat "$work/counts" "$work/suites" | wc -l)
	xargs -P $(($(nproc) + 1)) -L 1 sh tests/check.sh --suite <"$work/suites"
	left=$((left - $(wc -l <"$work/counts")))
	[ $left = 0 ] || { echo "of the suites above $left did not come to their end or were not run, failed"; echo "0 $left" >>"$work/counts"; }
	: >"$work/suites"
}
# Builds one thing; a build that breaks is one failure.
compile() {
	if make BUILD="$build" -k -j2 --no-print-directory "$@" >"$work/make.log" 2>&1; then
		echo "1 0" >>"$work/counts"
	else
		echo "make $* failed"
		grep -E 'error|Error|undefined|multiple' "$work/make.log" | head -n 40 | sed 's/^/    /'
		echo "0 1" >>"$work/counts"
	fi
}
suite floors tests/check.sh --one scripts/floors.sh
suite seals tests/seals/check.sh
compile program
compile unit
compile VARIANT=asan program unit
e2e() { beside "e2e-$1" $python "tests/e2e/$1.py"; }
# Those that take longest first. failing_calls and the long forms of some: tests/check-long.sh.
longest="one_port rotation lossy_network same_answer"
for t in $longest; do e2e "$t"; done
for variant in release asan; do
	for t in "$build"/$variant/unit/test_*; do
		case $variant/$t in *.d) ;; asan/*/test_ews_random) beside "asan/test_ews_random" "$t" 1 400 ;; *) beside "$variant/$(basename "$t")" "$t" ;; esac
	done
done
for t in tests/e2e/*.py; do
	case " $longest sites raw_link short_soak failing_calls moved " in *" $(basename "$t" .py) "*) ;; *) e2e "$(basename "$t" .py)" ;; esac
done
# Those that feed a running bridge what is odd or hostile, or end it at its busiest, once more with the sanitizers watching.
for t in mailboxes captures as_exchange trace http_strict logins windows_logins hostile_client log_of_attacks slow_crowd same_answer random_rules link_stranger pairing hostile_directory ended_by_force nothing_leaks log_of_peer; do
	beside "asan/e2e-$t" env "'PROGRAM=$PWD/$build/asan/availbridge'" ROUNDS=3 $python tests/e2e/$t.py
done
together
suite calendars $python tests/calendars/compare.py "$PROGRAM" 2000
ews=$build/release/unit/test_ews
suite schema $python tests/schema/answers.py "${ews}_answers" "${ews}_others" "${ews}_zones" "${ews}_suggestions"
suite requests $python tests/schema/requests.py "${ews}_request"
suite pairing-model tests/pairing/model.sh
suite demo tests/check.sh --one env ONCE=1 DEMO="$PWD/$work/demo" scripts/demo.sh
suite e2e-short_soak $python tests/e2e/short_soak.py # alone: it takes the whole machine
suite install tests/install.sh
awk '{ p += $1; f += $2 } END { printf "%d passed, %d failed\n", p, f; exit f != 0 || p == 0 }' "$work/counts"
