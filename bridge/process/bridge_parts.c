#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bridge/availability/zone.h"
#include "bridge/base/log.h"
#include "bridge/process/bridge.h"
#include "bridge/process/snapshot.h"
#include "pki/key.h"

/* Making the rooms of a bridge, and ending them; what the supervisor says to all of them at once. */

static int load_settings(struct bridge *b, const char *conf_path, struct buf *error)
{
	b->conf = snapshot_of_role(conf_path, error);
	if (!b->conf)
		return -1;
	conf_forget_passwords(b->conf);
	log_setup(2, strcmp(b->conf->log_format, "json") == 0, (enum log_level)log_level_named(b->conf->log_level), "bridge");
	return 0;
}

static int load_keys(struct bridge *b, struct buf *error)
{
	const struct conf *c = b->conf;
	const struct pki_identity_files identity = {c->identity_certificate, c->identity_key};
	char key[4096];
	size_t i, k;

	b->pins = pki_pinset_new();
	for (i = 0; b->pins && i < c->n_peers; i++)
		for (k = 0; c->peers[i].enabled && k < c->peers[i].n_pins; k++)
			if (pki_pinset_add(b->pins, c->peers[i].name, c->peers[i].pins[k]) != 0) {
				buf_printf(error, "%s: this pin belongs to another peer as well; one key names one peer", c->peers[i].file);
				return -1;
			}
	if (conf_key_passphrase(c, error) != 0)
		return -1;
	b->tls_front = pki_tls_front(c->front_certificate, c->front_key, error);
	if (pki_rotation_key(&identity, key, sizeof key) != 0)
		return -1;
	b->tls_link = b->tls_front && b->pins ? pki_tls_link(c->identity_certificate, key, b->pins, error) : NULL;
	return b->tls_link ? 0 : -1;
}

/* All that lives on memory alone. */
static int make_rooms(struct bridge *b)
{
	const struct conf *c = b->conf;

	doors_fill(b);
	budget_limits_of(c, b->budget_limits);
	b->table = address_space_new(c);
	b->directory = directory_new(c, c->directory ? pool_submit : NULL, b->pools[WORKER_DIRECTORY]);
	b->calendars = calendars_new(c, b->calendars_fd, doors_calendars_submit, b);
	b->backends = backends_new(c, b->calendars, pool_submit, (void *const *)b->backend_pools);
	if (!b->table || !b->directory || !b->calendars)
		return -1;
	b->audit = audit_writer_new(b->loop, strcmp(c->audit_sync, "fsync") == 0, strcmp(c->audit_full, "refuse") == 0);
	if (!b->audit)
		return -1;
	b->proxy = proxy_new(b->loop, c, b->table, &b->proxy_doors);
	b->front = front_new(b->loop, c, b->table, b->tls_front, &b->front_doors);
	b->clients = link_clients_new(b->loop, c, b->tls_link);
	b->server = link_server_new(b->loop, c, b->tls_link, &doors_link_events, b);
	if (b->server) {
		bridge_pairing_open(b);
		bridge_probe_open(b);
		bridge_audit_open(b);
		link_server_clients(b->server, b->clients);
		link_clients_serve(b->clients, b->server);
	}
	return b->proxy && b->front && b->clients && b->server ? bridge_rotation_open(b) : -1;
}

int bridge_open(struct bridge *b, const char *conf_path, pool_changed_cb *changed, struct buf *error)
{
	b->calendars_fd = b->reserve = b->trace_fd = -1;
	if (load_settings(b, conf_path, error) != 0 || load_keys(b, error) != 0)
		return -1;
	b->calendars_fd = open(b->conf->calendars, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (b->calendars_fd < 0) {
		buf_printf(error,
		           "calendars = \"%s\": %s. Make the folder, readable for the user that availbridge runs as, or name another.",
		           b->conf->calendars, strerror(errno));
		return -1;
	}
	fb_zone_preload(true); /* what EWS clients may name, those of other systems than Windows, too; no file is opened later */
	bridge_pools_open(b, changed);
	if (make_rooms(b) != 0) {
		buf_puts(error, "out of memory");
		return -1;
	}
	pki_key_passphrase(NULL, 0); /* no key is read any more */
	calendars_watch(b->calendars, b->loop);
	b->reserve = fcntl(b->calendars_fd, F_DUPFD_CLOEXEC, 3);
	return 0;
}

void bridge_close(struct bridge *b)
{
	bridge_control_close(b);
	front_free(b->front);
	trace_free(b->trace);
	pairing_free(b->pairing);
	link_server_free(b->server);
	b->server = NULL; /* what the clients end now answers nobody */
	doors_close(b);
	bridge_pools_close(b);
	backends_free(b->backends);
	calendars_free(b->calendars);
	directory_free(b->directory);
	link_clients_free(b->clients); /* ends what is open with the proxy, which must still be there */
	proxy_free(b->proxy); /* it writes down what was still open */
	audit_writer_free(b->audit);
	loop_timer_free(b->audit_told);
	budget_free(b->budgets);
	bridge_rotation_close(b);
	pki_tls_free(b->tls_front);
	pki_tls_free(b->tls_link);
	pki_pinset_free(b->pins);
	address_space_free(b->table);
	conf_free(b->conf);
	if (b->calendars_fd >= 0)
		close(b->calendars_fd);
	if (b->reserve >= 0)
		close(b->reserve);
	if (b->trace_fd >= 0)
		close(b->trace_fd);
}

void bridge_budgets(struct bridge *b, int fd)
{
	budget_free(b->budgets);
	b->budgets = budget_open(fd);
	close(fd);
	if (!b->budgets)
		abort();
}

void bridge_trace(struct bridge *b, const uint8_t *key, size_t len, int fd)
{
	if (len != TRACE_KEY || b->trace) {
		close(fd);
		return;
	}
	b->trace_fd = fd;
	b->trace = trace_new(fd, key, TRACE_FILE_MAX);
	front_trace(b->front, b->trace);
	for (size_t i = 0; i < b->conf->n_backends; i++)
		pool_greet(b->backend_pools[i], MSG_TRACE, key, len, fd);
}

void bridge_shut_peer(struct bridge *b, const char *peer)
{
	log_event(LOG_LEVEL_WARN, "peer-shut", LS("peer", peer));
	link_clients_shut(b->clients, peer);
	link_server_shut(b->server, peer);
	pki_pinset_shut(b->pins, peer);
}

void bridge_shut_pins(struct bridge *b, const char *pins)
{
	uint8_t pin[PKI_PIN_LEN];
	char text[PKI_PIN_TEXT];
	size_t n;

	for (; *pins; pins += n + (pins[n] == ' ')) {
		n = strcspn(pins, " ");
		snprintf(text, sizeof text, "%.*s", (int)n, pins);
		if (!pki_pin_parse(text, pin))
			continue;
		log_event(LOG_LEVEL_WARN, "pin-shut", LS("pin", text));
		if (pki_pinset_revoke(b->pins, pin) != 0) /* first: what is cut may try again at once */
			abort(); /* and be started anew, with the list of what is cut off */
		link_clients_cut(b->clients, pin);
		link_server_cut(b->server, pin);
	}
}
