#ifndef BRIDGE_BASE_LOG_H
#define BRIDGE_BASE_LOG_H
#include <stdbool.h>
#include <stdint.h>

/*
 * One line per event: time, level, event=WORD and key=value fields. Values are
 * encoded in ONE place so that no byte of a value can start a new line or a new
 * field: a value with anything but [A-Za-z0-9._:/@+,-] is put in double quotes,
 * with \" \\ and \xHH for bytes below 0x20, 0x7f and malformed UTF-8.
 * Calendar text (subject, place) and secrets are never handed to a log function.
 */
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* How a field's value is given. */
enum log_kind { LOG_END, LOG_STR, LOG_INT };
struct log_field {
	enum log_kind kind;
	unsigned key_len;
	const char *key; /* a word of ours */
	const char *str; /* NULL is written as "-" */
	int64_t num;
};
#define LS(k, v) ((struct log_field){LOG_STR, sizeof(k "") - 1, (k), (v), 0})
#define LI(k, v) ((struct log_field){LOG_INT, sizeof(k "") - 1, (k), 0, (int64_t)(v)})

/* Lines go to ${fd} (default 2), as JSON objects if ${json}; those below ${level} are dropped. ${role} is a field of each line. */
void log_setup(int fd, bool json, enum log_level level, const char *role);
/*
 * With ${hold} lines are kept until log_flush(), or until one is an error: then many go out in one write(2), each still whole. For a
 * process that calls log_flush() at the end of each turn of its loop; it must end with log_hold(false).
 */
void log_hold(bool hold);
/*
 * What was written to the log goes to the disk, and what is there leaves the page cache: nobody will read it soon. Does nothing unless the log is a
 * file. It may wait for the disk.
 */
void log_drop_cache(void);
/* Writes what is held. */
void log_flush(void);
/*
 * Writes one line (with log_hold() a little later): log_event(LOG_LEVEL_INFO, "link-up", LS("peer", p), LI("ms", n)). At most 24
 * fields, 4 KiB.
 */
#define log_event(level, event, ...) \
	log_fields((level), (event), (const struct log_field[]){__VA_ARGS__ __VA_OPT__(,) {LOG_END, 0, 0, 0, 0}})
/* What log_event() calls: ${fields} ends with LOG_END. */
void log_fields(enum log_level level, const char *event, const struct log_field *fields);
/* An error sentence for whoever reads the log: event=error text="...". printf format. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same at level warn. */
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same at level info. */
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The level called ${name} ("error" "warn" "info" "debug"); -1 if none is. */
int log_level_named(const char *name);
#endif
