#!/bin/sh
# Writes the demo's calendars: calendars.sh FOLDER DOMAIN ZONE NAME...
# The eleven NAMEs get, in this order: recurring over the change to summer time, one occurrence moved and one deleted, tentative, out of
# office, working elsewhere, private, all-day, overlapping, empty, 960 events, and one whom a rule hides.
set -eu
folder=$1 domain=$2 zone=$3
shift 3
mkdir -p "$folder"

start() {
	file=$folder/$1@$domain.ics number=0
	printf 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//availbridge//demo//EN\r\nX-WR-TIMEZONE:%s\r\n' "$zone" >"$file"
}

# event SUMMARY FROM TO [LINE...]: a VEVENT in the zone; a time without T is a whole day.
event() {
	summary=$1 from=$2 to=$3
	shift 3
	number=$((number + 1))
	case $from in
	*T*) kind=";TZID=$zone:" ;;
	*) kind=";VALUE=DATE:" ;;
	esac
	{
		printf 'BEGIN:VEVENT\r\nUID:%s\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:%s\r\n' "${uid:-$number@$domain}" "$summary"
		printf 'DTSTART%s%s\r\nDTEND%s%s\r\n' "$kind" "$from" "$kind" "$to"
		[ $# = 0 ] || printf '%s\r\n' "$@"
		printf 'END:VEVENT\r\n'
	} >>"$file"
}

end() {
	printf 'END:VCALENDAR\r\n' >>"$file"
}

start "$1"
event "Stand-up" 20260302T090000 20260302T093000 "RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR" "LOCATION:Room 1"
end

start "$2"
uid=moved@$domain
event "Review" 20260302T100000 20260302T110000 "RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR" "EXDATE;TZID=$zone:20260330T100000"
event "Review" 20260327T140000 20260327T150000 "RECURRENCE-ID;TZID=$zone:20260327T100000"
uid=
end

start "$3"
event "Perhaps a lunch" 20260327T110000 20260327T123000 "X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE"
end

start "$4"
event "On the road" 20260327T120000 20260330T120000 "X-MICROSOFT-CDO-BUSYSTATUS:OOF"
end

start "$5"
event "At the other office" 20260327T080000 20260327T170000 "X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE"
event "Interview" 20260327T150000 20260327T160000
end

start "$6"
event "Doctor" 20260330T130000 20260330T140000 "CLASS:PRIVATE" "LOCATION:Clinic"
end

start "$7"
event "Moving house" 20260330 20260331 "TRANSP:OPAQUE"
end

start "$8"
event "First plan" 20260327T100000 20260327T120000 "STATUS:TENTATIVE"
event "Second plan" 20260327T110000 20260327T130000
event "Train" 20260327T123000 20260327T140000 "X-MICROSOFT-CDO-BUSYSTATUS:OOF"
end

start "$9"
end
shift 9

# Ten calls a day on 96 days from the first of January: 960 events, at each full hour from 8 to 17.
start "$1"
awk -v zone="$zone" -v domain="$domain" 'BEGIN {
	split("31 28 31 30", days, " ")
	for (month = 1; month <= 4; month++)
		for (day = 1; day <= days[month] && count < 960; day++)
			for (hour = 8; hour <= 17; hour++) {
				at = sprintf("%s:2026%02d%02dT%02d", zone, month, day, hour)
				printf "BEGIN:VEVENT\r\nUID:call-%d@%s\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:Call %d\r\n", ++count, domain, count
				printf "DTSTART;TZID=%s0000\r\nDTEND;TZID=%s1500\r\nEND:VEVENT\r\n", at, at
			}
}' >>"$file"
end

start "$2"
event "Secret project" 20260327T090000 20260327T170000
end
