#!/bin/sh
# Two sites on this machine, made with the verbs an admin would use; asks through bridge A about people at B, checks every answer, and
# runs until Ctrl-C. ONCE=1 ends after the grid. With FORESTS=1 each site has a directory (Samba), whose groups the rules name, and site A's
# calendars are in Cyrus. Exit 0 only if every answer was the expected one.
set -eu
cd "$(dirname "$0")/.."
program=${PROGRAM:-$PWD/build/release/availbridge}
demo=${DEMO:-$PWD/build/demo}
from=2026-03-27T08:00:00 to=2026-03-30T18:00:00 zone=Europe/Berlin
# In a bare chroot neither a file nor a server says where localhost is.
if getent hosts localhost >/dev/null; then host=localhost; else host=127.0.0.1; fi
umask 077

say() { printf '%s\n' "$*"; }
fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }
ab() { site=$1; shift; "$program" -c "$demo/$site/availbridge.conf" "$@"; }

# Ends a bridge of an earlier or of this demo: only a process that runs our program on our configuration.
stop() {
	[ -f "$demo/$1.pid" ] || return 0
	pid=$(cat "$demo/$1.pid")
	rm -f "$demo/$1.pid"
	tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- "-c $demo/$1/availbridge.conf serve" || return 0
	kill "$pid" 2>/dev/null || return 0
	for _ in $(seq 100); do
		[ -d "/proc/$pid" ] && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null || return 0
		sleep 0.1
	done
	kill -9 "$pid" 2>/dev/null || :
}

# A port that nobody listens on now. Should somebody be faster, the bridge says so and the demo ends.
taken=
free_port() {
	for _ in $(seq 100); do
		port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 12000))
		hex=$(printf ':%04X ' "$port")
		case " $taken " in *" $port "*) continue ;; esac
		cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '{print $2 " "}' | grep -q "$hex" && continue
		taken="$taken $port"
		return
	done
	fail "no free port found"
}

make_site() {
	site=$1 domain=$2 site_zone=$3
	shift 3
	free_port; front=$port
	free_port; link=$port
	eval "${site}_front=$front ${site}_link=$link"
	"$program" init --site "site-$site" --domain "$domain" --dir "$demo/$site" --front "127.0.0.1:$front" --link "127.0.0.1:$link" \
		--public-url "https://$host:$front" --user '' >/dev/null # a user availbridge could not enter where root made the demo
	# Whoever tries a demo out with calendars of their own soon asks about more people than one person of a site does in a day.
	sed -i -e "s|^[# ]*working_zone *=.*|working_zone = \"$site_zone\";|" -e "s|^budget_person_targets_per_day *=.*|budget_person_targets_per_day = 4000;|" \
		"$demo/$site/availbridge.conf"
	scripts/demo/calendars.sh "$demo/$site/calendars" "$domain" "$site_zone" "$@"
	od -An -N12 -tx1 /dev/urandom | tr -d ' \n' >"$demo/$site.password"
	ab "$site" account add "$1" --stands-for "user:$1@$domain" --password-file "$demo/$site.password" >/dev/null
}

# Directories for both sites, and a calendar server in the place of A's folder (scripts/demo/forests.py).
start_forests() {
	say "Starting two directories and Cyrus; their log is $demo/forests.log."
	/usr/bin/python3 scripts/demo/forests.py "$demo" >"$demo/forests.log" 2>&1 &
	forests=$!
	until [ -f "$demo/forests.ready" ]; do
		[ -d "/proc/$forests" ] || { tail -n 20 "$demo/forests.log" >&2; fail "the directories or Cyrus did not start"; }
		sleep 0.2
	done
}
stop_all() {
	stop a
	stop b
	[ -z "$forests" ] || { kill "$forests" 2>/dev/null && wait "$forests" || :; }
}

# Whom rules of site ${1} mean: the person ${3}, or with FORESTS=1 the group ${2} of its directory.
whom() { if [ -n "${FORESTS:-}" ]; then echo "group:CN=$2,OU=Groups,DC=$1,DC=example"; else echo "$3"; fi; }

# What site ${2} may see of site ${1}: nothing of ${3}, whom their own do not see either, only the times of ${4}.
grant() {
	site=$1 other=$2
	{
		ab "$site" peer set "site-$other" --free-busy-access-enabled yes --free-busy-access-level LimitedDetails
		ab "$site" rule add --peer "site-$other" --direction out --requester '*' --target '*' --level LimitedDetails
		ab "$site" rule add --peer "site-$other" --direction in --requester '*' --target "$3" --level None
		ab "$site" rule add --peer local --direction in --requester '*' --target "$3" --level None --position 1
		ab "$site" rule add --peer "site-$other" --direction in --requester '*' --target "$4" --level AvailabilityOnly
		ab "$site" rule add --peer "site-$other" --direction in --requester '*' --target '*' --level LimitedDetails
		ab "$site" check
	} >"$demo/$site.verbs" 2>&1 || { cat "$demo/$site.verbs" >&2; fail "the verbs of site $site"; }
}

# What two admins on the phone do: A invites, B accepts, both read the six words to each other.
invite_and_accept() {
	ab a peer invite --name site-b >"$demo/invite" 2>&1 &
	inviting=$!
	for _ in $(seq 600); do
		grep -q '^avb1:' "$demo/invite" && break
		sleep 0.1
	done
	ab b peer accept "$(grep '^avb1:' "$demo/invite")" >"$demo/accept" 2>&1 || { cat "$demo/invite" "$demo/accept" >&2; fail "site B could not accept"; }
	wait $inviting || { cat "$demo/invite" >&2; fail "site A did not write site B"; }
	words=$(six_words "$demo/invite")
	[ -n "$words" ] && [ "$words" = "$(six_words "$demo/accept")" ] || fail "the six words differ"
	sed -i 's/^avb1:.*/avb1:.../' "$demo/invite"
}
six_words() { sed -n 's/^    \([a-z]* [a-z]* [a-z]* [a-z]* [a-z]* [a-z]*\)$/\1/p' "$1"; }
confirm() { ab "$1" peer confirm "$2" --yes >>"$demo/$1.verbs" 2>&1 || { cat "$demo/$1.verbs" >&2; fail "site $1 could not confirm"; }; }

start() {
	"$program" -c "$demo/$1/availbridge.conf" serve >"$demo/$1.log" 2>&1 &
	echo $! >"$demo/$1.pid"
}

# Until the status of site ${1} has ${2}, or a minute has passed.
wait_for() {
	for _ in $(seq 600); do
		ab "$1" status --json 2>/dev/null | grep -q "$2" && return
		[ -d "/proc/$(cat "$demo/$1.pid")" ] || break
		sleep 0.1
	done
	tail -n 5 "$demo/$1.log" >&2
	fail "site $1 did not come up; its log is $demo/$1.log"
}

people() { for name in "$@"; do printf '%s,' "$name"; done | sed 's/,$//'; }
in_domain() { domain=$1; shift; for name in "$@"; do printf '%s@%s ' "$name" "$domain"; done; }

# Last of all, and as a whole: whoever waits for it finds two sites that answer.
write_env() {
	for S in A B; do
		if [ $S = A ]; then site=a domain=a.example names=$A_NAMES hidden=john; else site=b domain=b.example names=$B_NAMES hidden=karl; fi
		eval "front=\$${site}_front link=\$${site}_link"
		# shellcheck disable=SC2086,SC2046
		set -- $names
		cat <<-END
			${S}_EWS_URL=https://$host:$front/EWS/Exchange.asmx
			${S}_AUTODISCOVER_URL=https://$host:$front/autodiscover/autodiscover.xml
			${S}_CA_FILE=$(sed -n 's/^ *front_ca *= *"\(.*\)".*/\1/p' "$demo/$site/availbridge.conf" | sed "s|^[^/]|$demo/$site/&|" | grep . || echo "$demo/$site/front-ca.pem")
			${S}_USER=$1
			${S}_PASSWORD=$(cat "$demo/$site.password")
			${S}_CONFIG=$demo/$site/availbridge.conf
			${S}_CALENDARS=$demo/$site/calendars
			${S}_DOMAIN=$domain
			${S}_LINK=127.0.0.1:$link
			${S}_PEOPLE=$(people $(in_domain "$domain" $names))
			${S}_HIDDEN=$hidden@$domain
			${S}_UNKNOWN=nobody@$domain
		END
	done >"$demo/demo.env.new"
	mv "$demo/demo.env.new" "$demo/demo.env"
}

ask() {
	# shellcheck disable=SC2046
	ab a query --user alice --password-file "$demo/a.password" --start $from --end $to --zone $zone --interval 30 --view detailed-merged "$@" \
		$(awk '!/^#/ { print $1 }' scripts/demo/expected)
}

# The lines "ADDRESS RESULT VIEW DIGITS" that scripts/demo/expected stands for.
expected() {
	awk '
	function slot(t) { return ((substr(t, 1, 2) - 27) * 1440 + substr(t, 4, 2) * 60 + substr(t, 7, 2) - 7 * 60) / 30 }
	function mark(digit, a, b,  i) { for (i = a; i < b; i++) if (digits[i] < digit) digits[i] = digit }
	/^#/ { next }
	$2 != "ok" { print $1, $2; next }
	{
		for (i = 0; i < 162; i++) digits[i] = 0
		for (f = 4; f <= NF; f++)
			if ($f == "hourly") {
				for (h = $(f + 2); h <= $(f + 3); h++) mark(2, ($(f + 1) - 27) * 48 + (h - 7) * 2, ($(f + 1) - 27) * 48 + (h - 7) * 2 + 1)
				f += 3
			} else {
				mark($f, slot($(f + 1)), slot($(f + 2)))
				f += 2
			}
		s = ""
		for (i = 0; i < 162; i++) s = s digits[i]
		print $1, $2, $3, s
	}' scripts/demo/expected
}

# The same lines out of the answer.
answered() {
	{ tr -d '\n' <"$1"; echo; } | sed 's/{"address":/\n&/g' | sed -n 's/^{"address":"\([^"]*\)","result":"\([^"]*\)".*/&/p' | while IFS= read -r line; do
		field() { printf '%s' "$line" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
		echo "$(field address) $(field result) $(field view) $(field merged)" | sed 's/ *$//'
	done
}

verify() {
	ask --json >"$demo/answer.json" 2>"$demo/answer.errors" || :
	expected >"$demo/expected"
	answered "$demo/answer.json" >"$demo/answered"
	cmp -s "$demo/expected" "$demo/answered" || { cat "$demo/answer.errors" >&2; diff "$demo/expected" "$demo/answered" >&2 || :; return 1; }
	# What a private or a times-only calendar is about stays at its site; what else is shared came over.
	grep -q '"subject":"Stand-up"' "$demo/answer.json" && grep -q '"busy":"WorkingElsewhere"' "$demo/answer.json" &&
		! grep -qE 'Doctor|Clinic|On the road|Secret' "$demo/answer.json"
}

A_NAMES="alice adam beth colin dora edith frank grace harry isaac"
B_NAMES="bella bruno carla dieter emma frieda gustav hanna ines jonas"
rm -f "$demo/demo.env"
stop a
stop b
rm -rf "$demo"
mkdir -p "$demo"
forests=
trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# shellcheck disable=SC2086
{
	make_site a a.example Europe/London $A_NAMES john
	make_site b b.example Europe/Berlin $B_NAMES karl
}
[ -z "${FORESTS:-}" ] || start_forests
start a
start b
wait_for a '"state":"running"'
wait_for b '"state":"running"'
invite_and_accept
grant a b "$(whom a 'Not shared' john@a.example)" "$(whom a 'Times only' nobody-special@a.example)"
grant b a "$(whom b 'Not shared' karl@b.example)" "$(whom b 'Times only' dieter@b.example)"
confirm a site-b
confirm b site-a
wait_for a '"state":"up"'
wait_for b '"state":"up"'

say "The two sites have paired: A invited, B accepted, both read the words \"$words\" and confirmed."
[ -z "${FORESTS:-}" ] || say "Each asks a directory of its own about people and groups; A's calendars are in Cyrus, B's in files."
say "alice@a.example asks bridge A by EWS; those at b.example are answered by bridge B ($zone):"
say
ask || :
say
if verify; then code=0; else code=1; fi
write_env
of_a() { sed -n "s/^A_$1=//p" "$demo/demo.env"; }
say "EWS           $(of_a EWS_URL)"
say "Autodiscover  $(of_a AUTODISCOVER_URL)"
say "trust         $(of_a CA_FILE)"
say "login         $(of_a USER)  $(of_a PASSWORD)"
say "and of site B: see build/demo/demo.env; the logs are build/demo/a.log and b.log"
[ $code = 0 ] || fail "an answer was not the expected one; the differences are above (< expected, > answered)"
[ "${ONCE:-}" = 1 ] && exit 0
say "Both bridges run until Ctrl-C."
wait
fail "both bridges were ended by somebody else; their logs say why"
