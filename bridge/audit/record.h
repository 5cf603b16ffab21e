#ifndef BRIDGE_AUDIT_RECORD_H
#define BRIDGE_AUDIT_RECORD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bridge/base/buf.h"

/*
 * One record of the audit is one line of JSON:
 *   {"n":7,"time":"2026-03-02T08:00:00.123Z","kind":"query", FIELDS ,"prev":"HEX","hash":"HEX"}
 * n counts from 1 in its chain; prev is the hash of the record before; hash is the SHA-256 of the line's bytes from '{' up to the
 * comma before "hash". The order and the form are fixed: whoever changes a byte changes the hash, and whoever mends the hash
 * breaks the next prev.
 */
enum { AUDIT_HASH = 32, AUDIT_HEX = 2 * AUDIT_HASH + 1, AUDIT_LINE_MAX = 64 << 10, AUDIT_FIELDS_MAX = 24 };

enum audit_value { AUDIT_END = 0, AUDIT_STR, AUDIT_INT, AUDIT_LIST };
struct audit_field {
	enum audit_value is;
	unsigned key_len;
	const char *key;         /* a word of ours, with what stands around it in a line: ,"WORD": */
	const char *str;         /* NULL is written as null */
	int64_t num;
	const char *const *list; /* ends with NULL */
};
#define A_KEY(k) sizeof(",\"" k "\":") - 1, ",\"" k "\":"
#define A_STR(k, v) ((struct audit_field){AUDIT_STR, A_KEY(k), (v), 0, NULL})
#define A_INT(k, v) ((struct audit_field){AUDIT_INT, A_KEY(k), NULL, (int64_t)(v), NULL})
#define A_LIST(k, v) ((struct audit_field){AUDIT_LIST, A_KEY(k), NULL, 0, (v)})
/* A list of fields for the functions that take one. */
#define A_FIELDS(...) ((const struct audit_field[]){__VA_ARGS__ __VA_OPT__(,) {AUDIT_END, 0, NULL, NULL, 0, NULL}})

/*
 * Appends the line of record ${n} with its newline, at ${ms} since 1970, behind the record ${prev}; its hash goes to ${hash}. -1
 * if the line gets too long or ${out} is full.
 */
int audit_line_put(struct buf *out, uint64_t n, int64_t ms, const char *kind, const struct audit_field *fields,
                   const uint8_t prev[AUDIT_HASH], uint8_t hash[AUDIT_HASH]);
/* Milliseconds since 1970. */
int64_t audit_now(void);

/* A record as it was read. All strings lie in the line it was read from. */
struct audit_record {
	uint64_t n;
	int64_t seconds; /* of its time, since 1970 */
	const char *time, *kind;
	uint8_t prev[AUDIT_HASH], hash[AUDIT_HASH];
	size_t n_fields;
	struct {
		const char *key, *value; /* a number as its digits, a list joined by blanks, null as NULL */
	} fields[AUDIT_FIELDS_MAX];
};
enum audit_read { AUDIT_NO_RECORD = 0, AUDIT_CHANGED, AUDIT_WHOLE };
/*
 * Reads the ${len} bytes at ${line} (without newline; overwritten). AUDIT_CHANGED: it has the form of a record, but its hash does
 * not fit its bytes.
 */
enum audit_read audit_record_read(char *line, size_t len, struct audit_record *out);
/*
 * Reads 64 lower-case hex digits: a hash has one spelling, so that no byte of it can change unseen. False if ${hex} is anything
 * else.
 */
bool audit_unhex(uint8_t out[AUDIT_HASH], const char *hex);
/* The value of the field ${key}, or NULL. */
const char *audit_record_get(const struct audit_record *r, const char *key);
/* The number in the field ${key}, or -1 if there is none. */
int64_t audit_record_number(const struct audit_record *r, const char *key);
/* Reads the hash in the field ${key}. False if there is none. */
bool audit_record_hash(const struct audit_record *r, const char *key, uint8_t out[AUDIT_HASH]);
#endif
