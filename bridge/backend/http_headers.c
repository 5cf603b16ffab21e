#include <stdlib.h>
#include <string.h>
#include "bridge/backend/http_own.h"

/* To whatever a request says of itself; each list ends with them. */
static const char *const every_request[] = {
	"Accept-Encoding: identity", "Expect:", /* the answer is awaited, not the permission to ask */
};

static void add(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (!longer)
		abort();
	*list = longer;
}

static bool has(const struct curl_slist *at, const char *const *lines)
{
	for (; lines && *lines && at && strcmp(at->data, *lines) == 0; lines++)
		at = at->next;
	return at && (!lines || !*lines) && strcmp(at->data, every_request[0]) == 0;
}

bool http_headers_set(struct curl_slist **list, CURL *easy, const char *const *lines)
{
	if (has(*list, lines))
		return true;
	curl_slist_free_all(*list);
	*list = NULL;
	for (; lines && *lines; lines++)
		add(list, *lines);
	for (size_t i = 0; i < sizeof every_request / sizeof *every_request; i++)
		add(list, every_request[i]);
	return curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *list) == CURLE_OK;
}
