#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/availability/address.h"
#include "bridge/availability/zone.h"
#include "bridge/base/file.h"
#include "bridge/base/text.h"
#include "bridge/conf/parts.h"
#include "bridge/conf/schema.h"

/* Each kind of setting: from its text to its place in struct conf and back. */

static char **text_at(const struct conf *c, const struct conf_row *row)
{
	return (char **)((char *)c + row->at);
}

static int *int_at(const struct conf *c, const struct conf_row *row)
{
	return (int *)((char *)c + row->at);
}

static bool keep(struct conf *c, const struct conf_row *row, const char *text)
{
	free(*text_at(c, row));
	*text_at(c, row) = conf_dup(text);
	return true;
}

static void get_text(struct buf *out, const struct conf *c, const struct conf_row *row)
{
	buf_puts(out, *text_at(c, row));
}

static bool set_text(struct conf *c, const struct conf_row *row, const char *text)
{
	return strlen(text) <= 255 && keep(c, row, text);
}

static bool set_site(struct conf *c, const struct conf_row *row, const char *text)
{
	return conf_name_valid(text) && strcmp(text, "local") != 0 && strcmp(text, "nobody") != 0 && keep(c, row, text);
}

static bool set_domain(struct conf *c, const struct conf_row *row, const char *text)
{
	char domain[FB_DOMAIN_MAX + 1];

	if (!*text)
		return keep(c, row, "");
	return fb_domain_normal(text, domain) && keep(c, row, domain);
}

static bool set_path(struct conf *c, const struct conf_row *row, const char *text)
{
	char path[4096];

	if (!*text)
		return keep(c, row, "");
	return file_join(path, sizeof(path), c->dir, text) == 0 && keep(c, row, path);
}

static bool set_listen(struct conf *c, const struct conf_row *row, const char *text)
{
	return conf_host_port_valid(text, true) && keep(c, row, text);
}

static bool set_url(struct conf *c, const struct conf_row *row, const char *text)
{
	size_t n = strlen(text);

	if (!conf_url_valid(text))
		return false;
	keep(c, row, text);
	if (text[n - 1] == '/')
		(*text_at(c, row))[n - 1] = 0;
	return true;
}

static bool set_zone(struct conf *c, const struct conf_row *row, const char *text)
{
	return fb_zone_named(text) != NULL && keep(c, row, text);
}

static const char *const day_names[7] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

static bool set_days(struct conf *c, const struct conf_row *row, const char *text)
{
	unsigned days = 0;

	while (*text) {
		size_t n = strcspn(text, " "), i = 0;

		while (i < 7 && (n != 3 || strncmp(text, day_names[i], 3) != 0))
			i++;
		if (i == 7 || days & 1u << i)
			return false;
		days |= 1u << i;
		text += n;
		text += *text == ' ';
	}
	*(unsigned *)((char *)c + row->at) = days;
	return true;
}

static void get_days(struct buf *out, const struct conf *c, const struct conf_row *row)
{
	unsigned days = *(unsigned *)((char *)c + row->at);
	const char *blank = "";

	/* the week is written from Monday on */
	for (int i = 1; i <= 7; i++)
		if (days & 1u << i % 7) {
			buf_printf(out, "%s%s", blank, day_names[i % 7]);
			blank = " ";
		}
}

static bool set_clock(struct conf *c, const struct conf_row *row, const char *text)
{
	char hour[3] = "";
	int64_t h, m;

	if (strlen(text) != 5 || text[2] != ':')
		return false;
	memcpy(hour, text, 2);
	if (!text_int(hour, 0, 24, &h) || !text_int(text + 3, 0, 59, &m) || h * 60 + m > 24 * 60)
		return false;
	*int_at(c, row) = (int)(h * 60 + m);
	return true;
}

static void get_clock(struct buf *out, const struct conf *c, const struct conf_row *row)
{
	buf_printf(out, "%02d:%02d", *int_at(c, row) / 60, *int_at(c, row) % 60);
}

bool conf_duration_read(const char *text, int64_t min, int64_t max, int *ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"min", 60000}};
	size_t digits = strspn(text, "0123456789");
	const char *unit = text + digits + strspn(text + digits, " ");
	char number[16];
	int64_t n;

	if (digits == 0 || digits > 9)
		return false;
	snprintf(number, sizeof(number), "%.*s", (int)digits, text);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(unit, units[i].unit) == 0 && text_int(number, 0, 999999999, &n)) {
			n *= units[i].ms;
			if (n < min || n > max)
				return false;
			*ms = (int)n;
			return true;
		}
	return false;
}

void conf_duration_put(struct buf *out, int ms)
{
	buf_printf(out, ms % 1000 ? "%d ms" : "%d s", ms % 1000 ? ms : ms / 1000);
}

static bool set_duration(struct conf *c, const struct conf_row *row, const char *text)
{
	return conf_duration_read(text, row->min, row->max, int_at(c, row));
}

static void get_duration(struct buf *out, const struct conf *c, const struct conf_row *row)
{
	conf_duration_put(out, *int_at(c, row));
}

static bool set_number(struct conf *c, const struct conf_row *row, const char *text)
{
	int64_t n;

	if (!text_int(text, row->min, row->max, &n))
		return false;
	*int_at(c, row) = (int)n;
	return true;
}

static void get_number(struct buf *out, const struct conf *c, const struct conf_row *row)
{
	buf_printf(out, "%d", *int_at(c, row));
}

static bool set_choice(struct conf *c, const struct conf_row *row, const char *text)
{
	size_t n = strlen(text);

	for (const char *w = row->words; *w; w += strcspn(w, "|"), w += *w == '|')
		if (strcspn(w, "|") == n && strncmp(w, text, n) == 0)
			return keep(c, row, text);
	return false;
}

/* Both lists' presets are empty; what a file gives goes through main_file.c. */
static bool set_empty(struct conf *c, const struct conf_row *row, const char *text)
{
	return !*text;
}

static void put_list(struct buf *out, char *const *list, size_t n)
{
	buf_puts(out, "[");
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s\"%s\"", i ? ", " : "", list[i]);
	buf_puts(out, "]");
}

static void get_addresses(struct buf *out, const struct conf *c, const struct conf_row *row)
{
	put_list(out, c->hidden, c->n_hidden);
}

static void get_groups(struct buf *out, const struct conf *c, const struct conf_row *row)
{
	buf_puts(out, "{");
	for (size_t i = 0; i < c->n_groups; i++) {
		buf_printf(out, " %s = ", c->groups[i].name);
		put_list(out, c->groups[i].members, c->groups[i].n);
		buf_puts(out, ";");
	}
	buf_puts(out, c->n_groups ? " }" : "}");
}

const struct conf_kind conf_kind_site = {"1 to 63 letters, digits, '.', '_' or '-', a letter or digit first, not local and not nobody",
                                         .set = set_site, .get = get_text, .text = true};
const struct conf_kind conf_kind_domain = {"a domain such as a.example", .set = set_domain, .get = get_text, .text = true};
const struct conf_kind conf_kind_text = {"a text of at most 255 bytes", .set = set_text, .get = get_text, .text = true};
const struct conf_kind conf_kind_path = {"a path, absolute or from the folder of this file", .set = set_path, .get = get_text,
                                         .text = true};
const struct conf_kind conf_kind_listen = {"HOST:PORT, or :PORT for every address of this machine", .set = set_listen,
                                           .get = get_text, .text = true};
const struct conf_kind conf_kind_url = {"https://HOST or https://HOST:PORT", .set = set_url, .get = get_text, .text = true};
const struct conf_kind conf_kind_zone = {"a time zone such as Europe/Berlin", .set = set_zone, .get = get_text, .text = true};
const struct conf_kind conf_kind_days = {"days such as \"Mon Tue Wed Thu Fri\"", .set = set_days, .get = get_days};
const struct conf_kind conf_kind_clock = {"a time of the day such as \"09:00\"", .set = set_clock, .get = get_clock};
const struct conf_kind conf_kind_duration = {"a time such as \"10 s\" or \"500 ms\"", .set = set_duration, .get = get_duration};
const struct conf_kind conf_kind_number = {"a whole number", .number = true, .set = set_number, .get = get_number};
const struct conf_kind conf_kind_choice = {"one of the words", .set = set_choice, .get = get_text, .text = true};
const struct conf_kind conf_kind_addresses = {"a list such as [\"boss@a.example\"]", .list = true, .set = set_empty,
                                              .get = get_addresses};
const struct conf_kind conf_kind_groups = {"groups such as { board = [\"anna@a.example\", \"b.example\"]; }", .list = true,
                                           .set = set_empty, .get = get_groups};
