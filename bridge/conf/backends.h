#ifndef BRIDGE_CONF_BACKENDS_H
#define BRIDGE_CONF_BACKENDS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bridge/conf/secret.h"

/* backends.d/NAME.conf as it was read. Part of conf.h. */

enum conf_backend_type { CONF_BACKEND_EWS = 0, CONF_BACKEND_CALDAV };
enum conf_auth { CONF_AUTH_NONE = 0, CONF_AUTH_BASIC, CONF_AUTH_NTLM, CONF_AUTH_NEGOTIATE, CONF_AUTH_CERTIFICATE };
enum conf_caldav_method { CONF_CALDAV_AUTO = 0, CONF_CALDAV_OUTBOX, CONF_CALDAV_REPORT, CONF_CALDAV_URL, CONF_CALDAV_EVENTS };
/* A calendar server. Texts that are not given are NULL. */
struct conf_backend {
	char *name, *file;
	enum conf_backend_type type;
	char *url;           /* ews: the whole URL; caldav: the base, which may hold {address}, {user} and {domain} behind the host */
	char **serves;       /* as a rule's words */
	int *serves_lines;   /* where they stand in the file */
	size_t n_serves;
	enum conf_auth auth;
	char *user;          /* to log in as; with negotiate the Kerberos principal */
	struct conf_secret password;
	char *keytab, *client_certificate, *client_key, *ca_file; /* paths */
	uint8_t pin[32];     /* SHA-256 of the server's SubjectPublicKeyInfo */
	bool has_pin;
	int version;         /* ews: 2007, 2010, 2013 or 2016 */
	int window_days;     /* the longest window of one call, 1..62 */
	int concurrency;     /* calls at once, of all bridges together */
	int batch;           /* ews: mailboxes of one call, 1..100 */
	int timeout_ms;
	int cache_ms;        /* how long an answer may be given again; 0 = never */
	enum conf_caldav_method method;
	char *principal, *freebusy_url, *calendar; /* templates as url: a path from the root of the host, or a whole URL */
	char *discover;      /* caldav: a domain whose DNS names the server (RFC 6764), instead of url */
};
#endif
