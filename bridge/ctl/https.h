#ifndef BRIDGE_CTL_HTTPS_H
#define BRIDGE_CTL_HTTPS_H
#include "bridge/base/buf.h"

/* One POST of text/xml to a front, as a client on this machine would send it: for `query --user` and `doctor`. */
struct https_post {
	const char *url;     /* https://HOST or https://HOST:PORT */
	const char *path;    /* "/EWS/Exchange.asmx" */
	const char *ca_path; /* whom to trust, PEM */
	const char *user, *password; /* user NULL = without a login */
	const void *body;
	size_t n;
	int timeout_ms;
	struct buf *head; /* gets the answer's status line and headers; may be NULL */
};
/* Host and port out of a URL whose shape conf_url_valid() has checked. -1 if it has another. */
int https_split_url(const char *url, char host[256], char port[8]);
/* Sends it and waits. Returns the HTTP status with the body in ${reply} (its ceiling is the limit); -1 with a sentence in ${error}. */
int https_post(const struct https_post *p, struct buf *reply, struct buf *error);
#endif
