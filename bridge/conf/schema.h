#ifndef BRIDGE_CONF_SCHEMA_H
#define BRIDGE_CONF_SCHEMA_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bridge/base/buf.h"
#include "bridge/conf/conf.h"

/* The settings of the main file as rows: name, kind, place, limits, default, comment. */
struct conf_row;
/* How the text of one kind of setting is read, checked and written back (conf/values.c). */
struct conf_kind {
	const char *form;                                                                /* what it should look like, for the fix */
	bool text;                                                                       /* kept as a malloc'd text */
	bool number;                                                                     /* written without quotes */
	bool list; /* an array or a group: read by main_file.c itself */
	bool (*set)(struct conf *c, const struct conf_row *row, const char *text);       /* false: it is not of the form */
	void (*get)(struct buf *out, const struct conf *c, const struct conf_row *row);  /* appends the text that set would read */
};
struct conf_row {
	const char *name;
	const struct conf_kind *kind;
	size_t at;          /* offset in struct conf */
	int64_t min, max;   /* of numbers and times, in the unit of struct conf */
	const char *preset; /* the default as text; NULL = it must be given */
	const char *words;  /* of a choice: "text|json" */
	const char *comment;
};

extern const struct conf_row conf_rows[];
extern const size_t conf_n_rows;

extern const struct conf_kind conf_kind_site, conf_kind_domain, conf_kind_text, conf_kind_path, conf_kind_listen, conf_kind_url,
	conf_kind_zone, conf_kind_days, conf_kind_clock, conf_kind_duration, conf_kind_number, conf_kind_choice, conf_kind_addresses,
	conf_kind_groups;
#endif
