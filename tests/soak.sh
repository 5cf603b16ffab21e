#!/bin/sh
# make soak SECONDS=N: ten rotations in a row under steady load, with a reload and a killed worker every minute.
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
export PROGRAM="${PROGRAM:-$PWD/$build/release/availbridge}" SECONDS_TO_RUN="${SECONDS_TO_RUN:-600}"
exec /usr/bin/python3 tests/soak.py
