#!/bin/sh
# make soak SECONDS=N: half of the highest rate with a reload, a rotation and a killed worker every minute, ten rotations in a row, three times the highest.
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
export PROGRAM="${PROGRAM:-$PWD/$build/release/availbridge}" SECONDS_TO_RUN="${SECONDS_TO_RUN:-600}"
exec /usr/bin/python3 tests/soak.py
