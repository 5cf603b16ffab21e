#ifndef BRIDGE_BASE_JSON_H
#define BRIDGE_BASE_JSON_H
#include <stdbool.h>
#include <stdint.h>
#include "bridge/base/buf.h"

/* JSON for --json and `status`: appends to a buffer, commas by themselves. ${key} is NULL inside an array. */

/* Opens an object ('{') or an array ('['). */
void json_open(struct buf *b, const char *key, char bracket);
/* Closes with '}' or ']'. */
void json_close(struct buf *b, char bracket);
/* A string, or null for NULL. */
void json_str(struct buf *b, const char *key, const char *value);
/* A number. */
void json_int(struct buf *b, const char *key, int64_t value);
/* true or false. */
void json_bool(struct buf *b, const char *key, bool value);
/* Writes ${b} and a newline to standard output and frees it. */
void json_print(struct buf *b);
#endif
