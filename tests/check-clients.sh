#!/bin/sh
# The heavy clients against two real bridges: ews-javascript-api, .NET, DavMail, evolution-ews, and scanners of TLS. The last line is the sum.
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
export PROGRAM="$PWD/$build/release/availbridge" CLIENTS_WORK="$PWD/$build/clients"
passed=0 failed=0
mkdir -p "$CLIENTS_WORK"
make BUILD="$build" -j2 --no-print-directory program || failed=1
cp tests/clients/ews-js/package.json tests/clients/ews-js/package-lock.json "$CLIENTS_WORK/"
(cd "$CLIENTS_WORK" && npm ci --no-audit --no-fund >npm.log 2>&1) || { tail -n 20 "$CLIENTS_WORK/npm.log"; failed=$((failed + 1)); }
for t in ews_js dotnet davmail evolution scanners; do
	log=$CLIENTS_WORK/$t.log
	timeout -k 10 600 /usr/bin/python3 tests/clients/$t.py >"$log" 2>&1
	code=$?
	p=$(grep -oE '[0-9]+ passed' "$log" | tail -n 1 | cut -d' ' -f1)
	f=$(grep -oE '[0-9]+ failed' "$log" | tail -n 1 | cut -d' ' -f1)
	[ $code = 0 ] || [ "${f:-0}" != 0 ] || f=1
	printf '%-44s %6d passed %4d failed\n' "$t" "${p:-0}" "${f:-0}"
	[ "${f:-0}" = 0 ] || tail -n 40 "$log" | sed 's/^/    /'
	passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0}))
done
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed != 0 ]
