#include <string.h>
#include "bridge/backend/http_own.h"
#include "bridge/base/text.h"

/* The value of ${line} if it is the header ${name} (with its colon), without blanks around it; false if it is another. */
static bool value_of(const char *line, size_t len, const char *name, char *out, size_t size)
{
	size_t n = strlen(name);

	if (len < n || strncasecmp(line, name, n) != 0)
		return false;
	for (line += n, len -= n; len && strchr(" \t", *line); line++)
		len--;
	while (len && strchr(" \t\r\n", line[len - 1]))
		len--;
	if (len >= size)
		len = size - 1;
	memcpy(out, line, len);
	out[len] = 0;
	return true;
}

bool http_line_allowed(const char *line, size_t len, const char **why)
{
	char value[64];

	if (value_of(line, len, "content-encoding:", value, sizeof value) && !text_ieq(value, "identity"))
		*why = "it sent a compressed answer, which was not asked for";
	else if (value_of(line, len, "transfer-encoding:", value, sizeof value) && !text_ieq(value, "chunked"))
		*why = "it sent its answer in a transfer encoding that was not asked for";
	else
		return true;
	return false;
}

static bool same_part(CURLU *a, CURLU *b, CURLUPart part)
{
	char *x = NULL, *y = NULL;
	bool same = curl_url_get(a, part, &x, CURLU_DEFAULT_PORT) == CURLUE_OK && curl_url_get(b, part, &y, CURLU_DEFAULT_PORT) == CURLUE_OK &&
	            text_ieq(x, y);

	curl_free(x);
	curl_free(y);
	return same;
}

bool http_redirect(const char *from, const char *location, struct buf *to)
{
	CURLU *here = curl_url(), *there = curl_url();
	char *url = NULL;
	bool ok = here && there && curl_url_set(here, CURLUPART_URL, from, 0) == CURLUE_OK &&
	          curl_url_set(there, CURLUPART_URL, from, 0) == CURLUE_OK &&
	          curl_url_set(there, CURLUPART_URL, location, CURLU_DISALLOW_USER) == CURLUE_OK && same_part(here, there, CURLUPART_SCHEME) &&
	          same_part(here, there, CURLUPART_HOST) && same_part(here, there, CURLUPART_PORT) &&
	          curl_url_get(there, CURLUPART_URL, &url, 0) == CURLUE_OK && buf_puts(to, url) == 0;

	curl_free(url);
	curl_url_cleanup(here);
	curl_url_cleanup(there);
	return ok;
}

enum http_outcome http_outcome_of(CURLcode code)
{
	switch (code) {
	case CURLE_OK: return HTTP_ANSWERED;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT: return HTTP_UNREACHABLE;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER: return HTTP_UNTRUSTED;
	case CURLE_OPERATION_TIMEDOUT: return HTTP_TIMED_OUT;
	default: return HTTP_FAILED;
	}
}

const char *http_beginning(enum http_outcome outcome)
{
	return outcome == HTTP_UNREACHABLE ? "it cannot be reached: " :
	       outcome == HTTP_UNTRUSTED   ? "it cannot be trusted (ca-file, pin, the host in url): " :
	                                     "its answer did not come whole: ";
}

bool http_says_of_login(long status)
{
	return status && status < 500 && status != 429;
}
