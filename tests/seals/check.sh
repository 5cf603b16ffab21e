#!/bin/sh
# Each file here compiles as it stands and must not compile with BREAK_SEAL: the compiler keeps the three seals.
cd "$(dirname "$0")/../.." || exit 1
passed=0 failed=0
for f in tests/seals/*.c; do
	try() { ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -I. -Wall -Wextra -Wno-unused-parameter -Werror -fsyntax-only "$@" "$f"; }
	if ! try; then
		echo "$f: does not compile even unbroken, so it proves nothing" >&2
		failed=$((failed + 1))
	elif try -DBREAK_SEAL 2>/dev/null; then
		echo "$f: compiles with the seal broken" >&2
		failed=$((failed + 1))
	else
		passed=$((passed + 1))
	fi
done
echo "seals: $passed passed, $failed failed"
[ $failed = 0 ] && [ $passed != 0 ]
