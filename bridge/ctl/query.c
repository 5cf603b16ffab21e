#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bridge/availability/clock.h"
#include "bridge/base/file.h"
#include "bridge/base/text.h"
#include "bridge/ctl/args.h"
#include "bridge/ctl/ctl.h"
#include "bridge/ctl/grid.h"
#include "bridge/ctl/https.h"
#include "bridge/ctl/site.h"
#include "bridge/ctl/verbs.h"
#include "bridge/ews/client.h"

enum { REPLY_MAX = 64 << 20, REQUEST_MAX = 1 << 20, REPLY_GRACE_MS = 5000 };

struct asking {
	const char *requester, *start, *end, *interval, *zone_name, *view, *user, *password_file;
	bool json, xml;
	struct ctl_words words;
	/* made of the above */
	const struct fb_zone *zone;     /* for reading and showing times */
	struct fb_zone_rule rule;       /* what the request carries */
	struct fb_mailbox mailboxes[FB_MAX_MAILBOXES];
	char addresses[FB_MAX_MAILBOXES][FB_ADDRESS_MAX + 1];
	struct fb_query q;
	char who[FB_ADDRESS_MAX + 1];
};

/* "detailed-merged" as well as EWS's own "DetailedMerged". */
static bool read_view(const char *s, unsigned *out)
{
	static const char *const names[] = {"MergedOnly", "FreeBusy", "FreeBusyMerged", "Detailed", "DetailedMerged"};
	char plain[32];
	size_t n = 0;

	for (; *s && n < sizeof plain - 1; s++)
		if (*s != '-')
			plain[n++] = *s;
	plain[n] = 0;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (text_ieq(plain, names[i]))
			return fb_view_named(names[i], out);
	return false;
}

static bool read_times(struct asking *a)
{
	struct fb_query *q = &a->q;
	int64_t interval = FB_DEFAULT_INTERVAL;

	if (!(a->zone = a->zone_name ? fb_zone_named(a->zone_name) : fb_zone_utc())) {
		ctl_say("there is no time zone %s; an IANA name such as Europe/Berlin or a Windows name is wanted", a->zone_name);
		return false;
	}
	if (!fb_time_parse_in(a->start, a->zone, &q->window.start) || !fb_time_parse_in(a->end, a->zone, &q->window.end)) {
		ctl_say("--start and --end want a time such as 2026-03-02T08:00:00, with Z or +01:00 behind it or in --zone");
		return false;
	}
	if (q->window.start >= q->window.end) {
		ctl_say("--start must be before --end");
		return false;
	}
	if (a->interval && !text_int(a->interval, FB_MIN_INTERVAL, FB_MAX_INTERVAL, &interval)) {
		ctl_say("--interval wants minutes from %d to %d", FB_MIN_INTERVAL, FB_MAX_INTERVAL);
		return false;
	}
	q->interval = (int)interval;
	return true;
}

static bool read_people(struct asking *a)
{
	if (a->words.n == 0 || a->words.n > FB_MAX_MAILBOXES) {
		ctl_say("one to %d addresses are wanted, not %zu", FB_MAX_MAILBOXES, a->words.n);
		return false;
	}
	a->q.mailboxes = a->mailboxes;
	a->q.n = a->words.n;
	for (size_t i = 0; i < a->q.n; i++) {
		a->mailboxes[i] = (struct fb_mailbox){a->words.list[i], a->addresses[i]};
		if (!fb_address_normal(a->words.list[i], a->addresses[i])) {
			ctl_say("%s is no SMTP address", a->words.list[i]);
			return false;
		}
	}
	return true;
}

static bool read_requester(struct asking *a)
{
	if (a->user) {
		if (a->requester)
			ctl_say("--requester counts for nothing with --user: the login says who asks");
		if (!a->password_file)
			ctl_say("--user wants --password-file FILE");
		return a->password_file != NULL;
	}
	if (!a->requester) {
		ctl_say("--requester ADDRESS is wanted, or --user NAME --password-file FILE");
		return false;
	}
	if (ctl_who(a->requester, a->who))
		return true;
	ctl_say("%s is neither an address nor a domain", a->requester);
	return false;
}

static bool read_all(struct asking *a)
{
	a->q.view = FB_VIEW_MERGED | FB_VIEW_EVENTS | FB_VIEW_DETAILS;
	if (!a->start || !a->end) {
		ctl_say("--start and --end are wanted");
		return false;
	}
	if (a->json && a->xml) {
		ctl_say("--json or --xml, not both");
		return false;
	}
	if (a->view && !read_view(a->view, &a->q.view)) {
		ctl_say("--view is merged-only, free-busy, free-busy-merged, detailed or detailed-merged");
		return false;
	}
	if (!read_requester(a) || !read_times(a) || !read_people(a))
		return false;
	/* Unless the XML itself is wanted we ask in UTC, where no hour comes twice. */
	fb_zone_rule_at(a->xml ? a->zone : fb_zone_utc(), a->q.window.start, &a->rule);
	fb_request_id_new(a->q.request_id);
	return true;
}

static int ask_https(const struct asking *a, const struct conf *c, struct buf *request, struct buf *reply, struct buf *error)
{
	struct https_post p = {.url = c->public_url, .path = "/EWS/Exchange.asmx", .user = a->user, .body = buf_ptr(request),
	                       .n = request->len, .timeout_ms = c->hard_stop_ms + REPLY_GRACE_MS};
	struct buf password;
	int status = -1;

	p.ca_path = access(c->front_ca, R_OK) == 0 ? c->front_ca : c->front_certificate;
	if (file_is_loose(a->password_file))
		ctl_say("others on this machine may read %s; chmod 600 it", a->password_file);
	buf_init(&password, 1024);
	if (file_read(a->password_file, &password) == FILE_OK) {
		char *line = (char *)buf_cstr(&password);

		line[strcspn(line, "\r\n")] = 0;
		p.password = line;
		status = https_post(&p, reply, error);
	} else {
		buf_printf(error, "cannot read the password file %s", a->password_file);
	}
	buf_wipe(&password);
	if (status == 401 && strcmp(c->login_basic, "no") == 0)
		buf_puts(error, "the front takes no Basic logins (setting login_basic), and this verb knows no other");
	else if (status == 401)
		buf_printf(error, "the front does not take this login: account %s, or its password, is another", a->user);
	else if (status >= 0 && status != 200 && status != 500)
		buf_printf(error, "the front answered HTTP %d", status);
	return status == 200 ? 0 : status == 500 ? 1 : -1;
}

static void put_event(struct buf *out, const struct fb_event *e)
{
	static const struct {
		unsigned flag;
		const char *name;
	} flags[] = {{FB_MEETING, "meeting"}, {FB_RECURRING, "recurring"}, {FB_EXCEPTION, "exception"}, {FB_REMINDER, "reminder"},
	             {FB_PRIVATE, "private"}};

	buf_puts(out, "{\"start\":\"");
	fb_time_put_utc(out, e->start);
	buf_puts(out, "\",\"end\":\"");
	fb_time_put_utc(out, e->end);
	buf_printf(out, "\",\"busy\":\"%s\"", fb_busy_name(e->busy));
	for (size_t i = 0; e->has_details && i < sizeof flags / sizeof *flags; i++)
		buf_printf(out, ",\"%s\":%s", flags[i].name, e->flags & flags[i].flag ? "true" : "false");
	if (e->subject) {
		buf_puts(out, ",\"subject\":");
		text_json(out, e->subject);
	}
	if (e->location) {
		buf_puts(out, ",\"location\":");
		text_json(out, e->location);
	}
	buf_putc(out, '}');
}

/* One object a mailbox, in the order asked: the fields are those of availbridge(8). */
static void put_json(struct buf *out, const struct asking *a, struct fb_answer *const *answers)
{
	buf_puts(out, "{\"start\":\"");
	fb_time_put_utc(out, a->q.window.start);
	buf_puts(out, "\",\"end\":\"");
	fb_time_put_utc(out, a->q.window.end);
	buf_printf(out, "\",\"interval\":%d,\"mailboxes\":[", a->q.interval);
	for (size_t i = 0; i < a->q.n; i++) {
		const struct fb_answer *r = answers[i];
		const struct fb_reason_row *row = fb_reason_row(r->reason);

		buf_puts(out, i ? ",{\"address\":" : "{\"address\":");
		text_json(out, a->q.mailboxes[i].address);
		buf_printf(out, ",\"result\":\"%s\",\"code\":\"%s\"", row->word, row->response_code);
		if (r->reason == FB_OK) {
			buf_printf(out, ",\"view\":\"%s\"", fb_view_name(r->view));
			if (r->merged)
				buf_printf(out, ",\"merged\":\"%s\"", r->merged);
			buf_puts(out, ",\"events\":[");
			for (size_t k = 0; k < r->n_events; k++) {
				if (k)
					buf_putc(out, ',');
				put_event(out, &r->events[k]);
			}
			buf_putc(out, ']');
		} else {
			buf_puts(out, ",\"text\":");
			text_json(out, row->sentence);
		}
		buf_putc(out, '}');
	}
	buf_puts(out, "]}\n");
}

/* Why a mailbox failed is in the log, under the id that the texts of failures end with. */
static void say_id(struct buf *reply)
{
	static const char before[] = "(request id ";
	const char *at = strstr(buf_cstr(reply), before);

	if (at)
		ctl_say("the log says more, here and at the other site, in the lines with request-id=%.*s", FB_REQUEST_ID_LEN, at + sizeof before - 1);
}

static int show(const struct asking *a, struct buf *reply, struct buf *error)
{
	struct fb_answer *answers[FB_MAX_MAILBOXES] = {NULL};
	struct grid g = {a->q.window, a->q.interval, a->zone, grid_wants_colour(), grid_width()};
	struct fb_zone *asked_in = fb_zone_from_rule(&a->rule);
	bool all = true;
	struct buf out;

	if (!asked_in || ews_client_read(buf_ptr(reply), reply->len, asked_in, answers, a->q.n, error, NULL) < 0) {
		if (a->xml)
			fwrite(buf_ptr(reply), 1, reply->len, stdout);
		fb_zone_free(asked_in);
		return -1;
	}
	buf_init(&out, REPLY_MAX);
	for (size_t i = 0; i < a->q.n; i++)
		all = all && answers[i]->reason == FB_OK;
	if (a->xml)
		buf_add(&out, buf_ptr(reply), reply->len);
	else if (a->json)
		put_json(&out, a, answers);
	else
		grid_put(&out, &g, a->q.mailboxes, answers, a->q.n);
	fwrite(buf_ptr(&out), 1, out.len, stdout);
	fflush(stdout);
	if (!all)
		say_id(reply);
	for (size_t i = 0; i < a->q.n; i++)
		fb_answer_free(answers[i]);
	fb_zone_free(asked_in);
	buf_free(&out);
	return all ? CTL_DONE : CTL_NO;
}

static int ask_and_show(const struct asking *a, const struct conf *c)
{
	struct buf request, reply, error;
	int code = -1, asked;

	buf_init(&request, REQUEST_MAX);
	buf_init(&reply, REPLY_MAX);
	buf_init(&error, 4096);
	if (ews_client_write(&request, &a->q, &a->rule, 2016) < 0) {
		buf_puts(&error, "out of memory");
	} else {
		asked = a->user ? ask_https(a, c, &request, &reply, &error)
		                : ctl_ask_ews(c, a->who, &request, c->hard_stop_ms + REPLY_GRACE_MS, &reply, &error);
		code = asked < 0 ? -1 : show(a, &reply, &error);
	}
	if (code < 0)
		ctl_say("%s", error.len ? buf_cstr(&error) : "no answer");
	buf_free(&request);
	buf_free(&reply);
	buf_free(&error);
	return code < 0 ? CTL_NO : code;
}

int ctl_query(int argc, char **argv, const char *conf_path)
{
	static struct asking a; /* a hundred addresses are too much for the stack's taste */
	const struct ctl_option options[] = {
		{"requester", NULL, &a.requester, NULL}, {"start", NULL, &a.start, NULL},   {"end", NULL, &a.end, NULL},
		{"interval", NULL, &a.interval, NULL},   {"zone", NULL, &a.zone_name, NULL}, {"view", NULL, &a.view, NULL},
		{"user", NULL, &a.user, NULL},           {"password-file", NULL, &a.password_file, NULL},
		{"json", &a.json, NULL, NULL},           {"xml", &a.xml, NULL, NULL},       {NULL, NULL, NULL, NULL},
	};
	struct conf *c;
	int code;

	if (ctl_args(argc, argv, options, &a.words) < 0 || !read_all(&a))
		return ctl_usage("query");
	if (!(c = ctl_load(conf_path)))
		return CTL_NO;
	conf_forget_passwords(c);
	code = ask_and_show(&a, c);
	conf_free(c);
	return code;
}
