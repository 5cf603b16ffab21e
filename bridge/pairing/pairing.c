#include "bridge/pairing/pairing.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bridge/base/log.h"
#include "bridge/base/quota.h"
#include "bridge/base/text.h"

enum { EXCHANGE_MS = 15000, FAREWELL_MS = 2000, MAX_GUESTS = 8, SENTENCE = 900 };

struct invited {
	struct pairing_invitation i;
	struct invited *next;
};

enum state { HEARS_NOTHING, WANTS_AGREED, WRITES, ENDS };

/* One exchange. */
struct guest {
	struct pairing *all;
	struct pki_stream *stream;
	struct loop_timer *timer;
	enum state state;
	struct pki_pairing proof;
	uint64_t handle;
	uint8_t id[PKI_INVITATION_ID_LEN], pin[PKI_PIN_LEN], own[PKI_PIN_LEN], exporter[PKI_EXPORTER_LEN];
	struct pki_offer offer;
	char from[80];
	struct guest *next, **at;
};

struct pairing {
	struct loop *loop;
	struct pki_tls *tls;
	const struct pairing_events *ev;
	void *arg;
	struct invited *open;
	struct guest *guests;
	size_t n;
	struct log_quota *strangers, *invited; /* of lines about those who were refused: by address, and by the invitation that they knew of */
};

static void guest_free(struct guest *g)
{
	pki_stream_free(g->stream);
	loop_timer_free(g->timer);
	pki_pairing_end(&g->proof);
	*g->at = g->next;
	if (g->next)
		g->next->at = g->at;
	g->all->n--;
	free(g);
}

/* ---- invitations ---- */

static uint64_t now(void)
{
	time_t t = time(NULL);

	return t < 0 ? 0 : (uint64_t)t;
}

static struct pairing_invitation *find(const struct pairing *p, const uint8_t id[PKI_INVITATION_ID_LEN])
{
	for (struct invited *o = p->open; o; o = o->next)
		if (memcmp(o->i.inv.id, id, PKI_INVITATION_ID_LEN) == 0)
			return &o->i;
	return NULL;
}

/* Until the last of them has run out; one that was used is kept so long, so that a second key is named. */
static void set_door(const struct pairing *p)
{
	uint64_t until = 0;

	for (const struct invited *o = p->open; o; o = o->next)
		if (o->i.tries && o->i.inv.expires > until)
			until = o->i.inv.expires;
	pki_tls_pairing_until(p->tls, until);
}

void pairing_invite(struct pairing *p, const struct pairing_invitation *i)
{
	struct invited **at = &p->open, *o;

	while (*at && memcmp((*at)->i.inv.id, i->inv.id, PKI_INVITATION_ID_LEN) != 0)
		at = &(*at)->next;
	o = *at;
	if (!o) {
		if (!(o = calloc(1, sizeof *o)))
			abort();
		*at = o;
	}
	o->i = *i;
	if (i->gone) {
		*at = o->next;
		explicit_bzero(o, sizeof *o);
		free(o);
	}
	set_door(p);
}

/* ---- an exchange ---- */

static void send(struct guest *g, struct buf *b)
{
	pki_stream_write(g->stream, buf_ptr(b), b->len);
	buf_wipe(b);
}

/* What was done, and that somebody has an invitation who should not, is said however many knew of none. */
static void log_guest(const struct guest *g, enum log_level level, const char *event, const char *name, const char *why)
{
	char pin[PKI_PIN_TEXT], own[PKI_PIN_TEXT];

	if (level == LOG_LEVEL_WARN && !(name ? log_quota_takes(g->all->invited, name) : log_quota_takes(g->all->strangers, g->from)))
		return;
	pki_pin_text(pin, g->pin);
	pki_pin_text(own, g->own);
	log_event(level, event, LS("name", name), LS("pin", pin), LS("own_pin", own), LS("from", g->from), LS("text", why));
}

static void goodbye(struct guest *g)
{
	g->state = ENDS;
	pki_stream_finish(g->stream, FAREWELL_MS);
}

/* ${logged} for us, ${said} for the guest, who may be anybody. */
static void refuse(struct guest *g, const char *name, const char *logged, const char *said)
{
	struct buf b;

	log_guest(g, LOG_LEVEL_WARN, "pairing-refused", name, logged);
	buf_init(&b, 2048);
	pki_pairing_refuse(&b, said);
	send(g, &b);
	goodbye(g);
}

static void wrong_proof(struct guest *g, struct pairing_invitation *i)
{
	char text[SENTENCE];

	if (!i->proven)
		i->tries -= i->tries > 0;
	snprintf(text, sizeof text,
	         "this key tried the invitation for %s without its secret, or somebody stands between the two sites: %u tr%s left",
	         i->name, i->tries,
	         i->tries == 1 ? "y is" : "ies are");
	refuse(g, i->name, text,
	       "the proof is wrong: the text was changed on its way, or somebody stands between the two sites. Compare the keys "
	       "by voice");
	g->all->ev->tried(g->all->arg, g->id, g->pin, false);
	set_door(g->all);
}

/* The secret was proven by this key. False if it belongs to another one already. */
static bool claim(struct guest *g, struct pairing_invitation *i)
{
	char text[SENTENCE], first[PKI_PIN_TEXT], pin[PKI_PIN_TEXT];

	if (!i->proven) {
		i->proven = true;
		memcpy(i->by, g->pin, PKI_PIN_LEN);
		g->all->ev->tried(g->all->arg, g->id, g->pin, true);
	}
	pki_pin_text(first, i->by);
	pki_pin_text(pin, g->pin);
	if (memcmp(i->by, g->pin, PKI_PIN_LEN) != 0) {
		snprintf(text, sizeof text,
		         "a second key tried to use the invitation for %s: pin %s from %s; it was used by %s. If that first one is not "
		         "the site that was "
		         "meant, run `availbridge peer remove %s`", i->name, pin, g->from, first, i->name);
		refuse(g, i->name, text,
		       "this invitation was used already, by another key than ours. If that was not your site, somebody else has read "
		       "the text: tell the other "
		       "admin now, who must not confirm it");
		return false;
	}
	if (i->done) {
		snprintf(text, sizeof text, "the invitation for %s was used already by this very key", i->name);
		refuse(g, i->name, text, "this invitation was used already by our own key; each works once");
		return false;
	}
	return true;
}

static void take_accept(struct guest *g, struct buf *in)
{
	struct pairing_invitation *i;
	enum pki_pairing_take r;
	struct buf body, out;
	bool garbage;

	if (!pki_pairing_id(in, g->id, &garbage)) {
		if (garbage)
			refuse(g, NULL, "what came is not the begin of pairing", "this is not how pairing begins");
		return;
	}
	i = find(g->all, g->id);
	if (!i || i->inv.expires <= now() || !i->tries) {
		refuse(g, i ? i->name : NULL,
		       !i ? "no such invitation is open here" : i->tries ? "the invitation has run out"
		       : "the invitation is closed: too many tries",
		       "no such invitation is open there: it has run out, was withdrawn, or was tried too often");
		return;
	}
	pki_pairing_start(&g->proof, &i->inv, g->exporter, g->pin);
	buf_init(&body, PKI_PAIRING_FRAME_MAX);
	r = pki_pairing_take(&g->proof, in, PKI_PAIRING_ACCEPT, &body);
	if (r == PKI_PAIRING_FALSE) {
		wrong_proof(g, i);
	} else if (r != PKI_PAIRING_TAKEN || !pki_offer_read(buf_ptr(&body) + PKI_INVITATION_ID_LEN,
	           body.len - PKI_INVITATION_ID_LEN, &g->offer)) {
		refuse(g, i->name, "what it says of itself cannot be read", "what this site says of itself cannot be read there");
	} else if (claim(g, i)) {
		buf_init(&out, 1024);
		pki_pairing_put(&g->proof, &out, PKI_PAIRING_ANSWER, NULL, 0);
		send(g, &out);
		g->state = WANTS_AGREED;
	}
	buf_free(&body);
}

static void take_agreed(struct guest *g, struct buf *in)
{
	const struct pairing_invitation *i = find(g->all, g->id);
	char code[PKI_CODE_MAX], text[SENTENCE];
	enum pki_pairing_take r;
	struct buf body;

	buf_init(&body, PKI_PAIRING_FRAME_MAX);
	r = pki_pairing_take(&g->proof, in, PKI_PAIRING_AGREED, &body);
	if (r == PKI_PAIRING_NO) {
		snprintf(text, sizeof text, "the guest broke off: %s", buf_cstr(&body));
		log_guest(g, LOG_LEVEL_WARN, "pairing-refused", i ? i->name : NULL, text);
		goodbye(g);
	} else if (r != PKI_PAIRING_MORE && (r != PKI_PAIRING_TAKEN || !i)) {
		refuse(g, i ? i->name : NULL, i ? "its second proof is wrong" : "the invitation was withdrawn meanwhile",
		       "the proof is wrong, or the invitation was withdrawn");
	} else if (r == PKI_PAIRING_TAKEN) {
		g->state = WRITES;
		pki_pairing_code(code, g->own, g->pin, g->exporter);
		g->all->ev->paired(g->all->arg, g->handle, g->id, g->pin, code, &g->offer);
	}
	buf_free(&body);
}

void pairing_written(struct pairing *p, uint64_t handle, bool ok, const char *why)
{
	const struct pairing_invitation *i;
	struct guest *g = p->guests;
	struct buf b;

	while (g && (g->handle != handle || g->state != WRITES))
		g = g->next;
	if (!g)
		return;
	i = find(p, g->id);
	if (!ok) {
		refuse(g, i ? i->name : NULL, why, why);
		return;
	}
	buf_init(&b, 1024);
	pki_pairing_put(&g->proof, &b, PKI_PAIRING_DONE, NULL, 0);
	send(g, &b);
	log_guest(g, LOG_LEVEL_INFO, "pairing-done", i ? i->name : NULL,
	          "written, and waits until both sides have compared the six words");
	goodbye(g);
}

/* ---- what the stream tells ---- */

static void on_up(void *arg)
{
}

static void on_data(void *arg, struct buf *in)
{
	struct guest *g = arg;

	if (g->state == HEARS_NOTHING)
		take_accept(g, in);
	else if (g->state == WANTS_AGREED)
		take_agreed(g, in);
	else if (g->state == WRITES)
		refuse(g, NULL, "it spoke out of turn", "it is not your turn to speak");
}

static void on_down(void *arg, const char *why)
{
	struct guest *g = arg;

	if (g->state != ENDS)
		log_guest(g, LOG_LEVEL_WARN, "pairing-refused", NULL, why ? why : "the guest left in the middle");
	guest_free(g);
}

static void on_time(void *arg)
{
	struct guest *g = arg;

	log_guest(g, LOG_LEVEL_WARN, "pairing-refused", NULL, "the exchange was not done within 15 s");
	guest_free(g);
}

/* Whoever has proved nothing makes room, the oldest first: strangers who come and wait keep out nobody who has the secret. */
static void make_room(struct pairing *p)
{
	struct guest *oldest = NULL;

	for (struct guest *g = p->guests; g; g = g->next)
		if (g->state == HEARS_NOTHING || g->state == ENDS)
			oldest = g;
	if (p->n < MAX_GUESTS || !oldest)
		return;
	if (oldest->state == HEARS_NOTHING)
		log_guest(oldest, LOG_LEVEL_WARN, "pairing-refused", NULL, "others have come, and it has said nothing");
	guest_free(oldest);
}

void pairing_take(struct pairing *p, struct pki_stream *s, const char *from)
{
	static const struct pki_stream_events events = {.up = on_up, .data = on_data, .down = on_down};
	struct guest *g;

	make_room(p);
	g = p->n < MAX_GUESTS ? calloc(1, sizeof *g) : NULL;
	if (!g || pki_stream_exporter(s, g->exporter) != 0) {
		if (log_quota_takes(p->strangers, from))
			log_event(LOG_LEVEL_WARN, "pairing-refused", LS("from", from), LS("text", "too many guests are at the door"));
		pki_stream_free(s);
		free(g);
		return;
	}
	g->all = p;
	g->stream = s;
	snprintf(g->from, sizeof g->from, "%s", from);
	text_random(&g->handle, sizeof g->handle);
	pki_stream_pins(s, g->own, g->pin);
	g->timer = loop_timer_new(p->loop, EXCHANGE_MS, on_time, g);
	g->next = p->guests;
	g->at = &p->guests;
	if (g->next)
		g->next->at = &g->next;
	p->guests = g;
	p->n++;
	pki_stream_retarget(s, &events, g);
}

struct pairing *pairing_new(struct loop *l, struct pki_tls *tls, const struct pairing_events *ev, void *arg)
{
	struct pairing *p = calloc(1, sizeof *p);

	if (!p)
		abort();
	*p = (struct pairing){.loop = l, .tls = tls, .ev = ev, .arg = arg, .strangers = log_quota_new(l, 1), .invited = log_quota_new(l, 1)};
	return p;
}

void pairing_free(struct pairing *p)
{
	struct invited *o;

	if (!p)
		return;
	while (p->guests)
		guest_free(p->guests);
	while ((o = p->open)) {
		p->open = o->next;
		explicit_bzero(o, sizeof *o);
		free(o);
	}
	pki_tls_pairing_until(p->tls, 0);
	log_quota_free(p->strangers);
	log_quota_free(p->invited);
	free(p);
}

bool pairing_idle(const struct pairing *p)
{
	return p->n == 0;
}
