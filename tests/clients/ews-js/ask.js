// Asks with ews-javascript-api and prints what it understood: node ask.js URL USER PASSWORD ZONE START END ADDRESS... (EWS_SCHEME=ntlm: by NTLM, not by Basic)
const ews = require(process.env.EWS_MODULES + "/ews-javascript-api");
const { XhrApi } = require(process.env.EWS_MODULES + "/@ewsjs/xhr");
const [url, user, password, zone, start, end, ...people] = process.argv.slice(2);

function text(t) {
	return t.ToISOString ? t.ToISOString() : t.toString();
}

async function main() {
	ews.EwsLogging.DebugLogEnabled = false;
	const service = new ews.ExchangeService(ews.ExchangeVersion.Exchange2013, ews.TimeZoneInfo.FindSystemTimeZoneById(zone));
	service.Credentials = new ews.WebCredentials(user, password);
	if (process.env.EWS_SCHEME === "ntlm")
		service.XHRApi = new XhrApi().useNtlmAuthentication(user, password);
	service.Url = new ews.Uri(url);
	const options = new ews.AvailabilityOptions();
	options.RequestedFreeBusyView = ews.FreeBusyViewType.DetailedMerged;
	options.MergedFreeBusyInterval = 30;
	const window = new ews.TimeWindow(new ews.DateTime(start), new ews.DateTime(end));
	const attendees = people.map((p) => new ews.AttendeeInfo(p));
	const answer = await service.GetUserAvailability(attendees, window, ews.AvailabilityData.FreeBusyAndSuggestions, options);
	const all = answer.AttendeesAvailability.Responses.map((r) => ({
		result: ews.ServiceResult[r.Result],
		code: ews.ServiceError[r.ErrorCode],
		view: r.ViewType === undefined ? null : ews.FreeBusyViewType[r.ViewType],
		merged: r.MergedFreeBusyStatus.map((s) => ews.LegacyFreeBusyStatus[s]),
		events: r.CalendarEvents.map((e) => ({
			start: text(e.StartTime),
			end: text(e.EndTime),
			busy: ews.LegacyFreeBusyStatus[e.FreeBusyStatus],
			subject: e.Details ? e.Details.Subject : null,
			isPrivate: e.Details ? e.Details.IsPrivate : null,
		})),
	}));
	console.log(JSON.stringify(all));
}

main().catch((e) => {
	console.log(JSON.stringify({ error: String((e && e.message) || e) }));
	process.exit(1);
});
