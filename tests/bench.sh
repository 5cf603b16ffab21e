#!/bin/sh
# make bench: measures everything on this machine. BENCH=quick: the most telling rows, in under two minutes. ROWS="hit ...": those alone.
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
export PROGRAM="${PROGRAM:-$PWD/$build/release/availbridge}" BENCH="${BENCH:-}"
mkdir -p "$build/bench" && cc -O2 -D_GNU_SOURCE -o "$build/bench/bare" tests/bench/bare.c -lssl -lcrypto || exit 1
# shellcheck disable=SC2086
/usr/bin/python3 tests/bench/bench.py ${ROWS:-} && exec /usr/bin/python3 tests/bench/plot.py build/bench/ratios.tsv build/bench/ratios.svg
