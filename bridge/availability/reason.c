#include "bridge/availability/reason.h"
#include <stddef.h>
#include <string.h>

/*
 * The exception's name is written only where a real server's is known, its number only where seen.
 * The sentences are read by people who asked for a colleague's times: no names of our parts, and what to do next.
 */
static const struct fb_reason_row rows[FB_REASONS] = {
	[FB_NOT_COMPUTED] = {"not-computed", "ErrorInternalServerError", NULL, 0, true,
		"The free/busy times could not be worked out because of a fault in the availability service. "
		"Try again in a few minutes; if it goes on, tell your administrator."},
	[FB_OK] = {"ok", "NoError", NULL, 0, false, "The free/busy times were found."},
	[FB_NO_ACCESS] = {"no-access", "ErrorNoFreeBusyAccess", "NoFreeBusyAccessException", 5037, false,
		"You have no access to the free/busy times of this address. Check the spelling of the address; "
		"if it is right, ask its owner's organisation to share the times with you."},
	[FB_NO_ADDRESS_SPACE] = {"no-address-space", "ErrorAddressSpaceNotFound", NULL, 0, false,
		"Free/busy times are not shared with the domain of this address. Check the spelling of the part behind the @; "
		"if it is right, ask your administrator to connect that organisation."},
	[FB_NOT_ALLOWED] = {"not-allowed", "ErrorProxyRequestNotAllowed", NULL, 0, false,
		"The account that was used to sign in may not ask that organisation for free/busy times. "
		"Ask your administrator to allow it."},
	[FB_PEER_FAILED] = {"peer-failed", "ErrorProxyRequestProcessingFailed", "ProxyWebRequestProcessingException", 0, true,
		"The other organisation could not be reached, so its free/busy times are not known. "
		"Try again in a few minutes; if it goes on, tell your administrator."},
	[FB_TIMEOUT] = {"timeout", "ErrorTimeoutExpired", "TimeoutExpiredException", 0, true,
		"The free/busy times did not arrive in time. Try again in a few minutes."},
	[FB_CALENDAR_FAILED] = {"calendar-failed", "ErrorFreeBusyGenerationFailed", NULL, 0, true,
		"The calendar could not be read, so its free/busy times are not known. "
		"If it goes on, the administrator of that calendar has to mend it."},
	[FB_TOO_BIG] = {"too-big", "ErrorResultSetTooBig", NULL, 0, false,
		"The calendar has more than 1,000 entries in the time that was asked for. Ask for a shorter time."},
	[FB_DIRECTORY_FAILED] = {"directory-failed", "ErrorADUnavailable", NULL, 0, true,
		"The address could not be looked up just now, so its free/busy times are not known. Try again in a few minutes."},
	[FB_BUSY] = {"busy", "ErrorServerBusy", NULL, 0, true,
		"The availability service has too much to do at the moment. Try again in a few minutes."},
	[FB_BAD_ADDRESS] = {"bad-address", "ErrorAddressSpaceNotFound", NULL, 0, false,
		"This is not an e-mail address that free/busy times can be asked for. Write it as name@domain."},
};

const struct fb_reason_row *fb_reason_row(enum fb_reason r)
{
	unsigned i = (unsigned)r;

	return &rows[i < FB_REASONS ? i : FB_NOT_COMPUTED];
}

enum fb_reason fb_reason_named(const char *word)
{
	for (unsigned i = 0; word && i < FB_REASONS; i++)
		if (strcmp(rows[i].word, word) == 0)
			return (enum fb_reason)i;
	return FB_NOT_COMPUTED;
}

enum fb_reason fb_reason_of_code(const char *code)
{
	for (unsigned i = 0; code && i < FB_REASONS; i++)
		if (strcmp(rows[i].response_code, code) == 0)
			return (enum fb_reason)i;
	return FB_CALENDAR_FAILED;
}
