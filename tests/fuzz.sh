#!/bin/sh
# Runs each fuzz target for FUZZ_SECONDS from its seeds; a crash is a failure and leaves its input in build/fuzz-findings.
cd "$(dirname "$0")/.." || exit 1
make -j2 --no-print-directory VARIANT=fuzz fuzzers || exit 1
mkdir -p build/fuzz-findings
passed=0 failed=0
for t in tests/fuzz/fuzz_*.c; do
	name=$(basename "$t" .c)
	corpus=build/fuzz-corpus/$name
	mkdir -p "$corpus" "tests/fuzz/seeds/${name#fuzz_}"
	echo "$name: ${FUZZ_SECONDS:-30} s"
	if "build/fuzz/fuzz/$name" -max_total_time="${FUZZ_SECONDS:-30}" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
		-artifact_prefix=build/fuzz-findings/"$name"- "$corpus" "tests/fuzz/seeds/${name#fuzz_}"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
done
echo "fuzz: $passed passed, $failed failed"
[ $failed = 0 ] && [ $passed != 0 ]
