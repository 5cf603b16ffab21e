#!/bin/sh
# Holds pairing.pml against its property by SPIN: the protocol must have it under each attacker, each mutant must lose it.
set -u
cd "$(dirname "$0")" || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# verify WANTED CLAIM FLAGS...: errors (1) or none (0) of CLAIM, over the whole state space.
verify() {
	wanted=$1 claim=$2
	shift 2
	out=$(cd "$work" && cp "$OLDPWD/pairing.pml" . && spin -a "$@" pairing.pml 2>&1 && cc -O1 -w -DVECTORSZ=2048 -DNOREDUCE -o pan pan.c 2>&1 &&
		timeout 100 ./pan -a -m200000 -N "$claim" 2>&1)
	errors=$(echo "$out" | sed -n 's/.*errors: \([0-9]*\).*/\1/p' | head -n 1)
	if [ "${errors:-none}" = "$wanted" ] && { [ "$wanted" = 1 ] || ! echo "$out" | grep -qE 'depth too small|not completed'; }; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "not so: $claim with $*: ${errors:-no} errors, $wanted wanted"
		echo "$out" | tail -n 20
	fi
}

verify 0 only_each_other
verify 0 only_each_other -DCLONED
verify 0 only_each_other -DSTOLEN
verify 1 both_write -DREACHED
verify 1 both_write -DREACHED -DSTOLEN
verify 1 only_each_other -DCLONED -DNO_EXPORTER
verify 1 only_each_other -DSTOLEN -DNO_CLAIM
echo "pairing-model: $passed passed, $failed failed"
[ $failed = 0 ]
