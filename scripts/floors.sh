#!/bin/sh
# Fails when an include goes upstairs or sideways, when a third-party library is used outside its room, when acl_decide()
# has more than one caller in bridge/, or when a prototype in a header has no comment above it.
set -eu
cd "$(dirname "$0")/.."
exec python3 scripts/floors.py
