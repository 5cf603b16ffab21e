#include "bridge/base/json.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "bridge/base/text.h"

static void start(struct buf *b, const char *key)
{
	const uint8_t *p = buf_ptr(b);

	if (b->len && !strchr("{[:", p[b->len - 1]))
		buf_putc(b, ',');
	if (key) {
		text_json(b, key);
		buf_putc(b, ':');
	}
}

void json_open(struct buf *b, const char *key, char bracket)
{
	start(b, key);
	buf_putc(b, bracket);
}

void json_close(struct buf *b, char bracket)
{
	buf_putc(b, bracket);
}

void json_str(struct buf *b, const char *key, const char *value)
{
	start(b, key);
	if (value)
		text_json(b, value);
	else
		buf_puts(b, "null");
}

void json_int(struct buf *b, const char *key, int64_t value)
{
	start(b, key);
	buf_printf(b, "%" PRId64, value);
}

void json_bool(struct buf *b, const char *key, bool value)
{
	start(b, key);
	buf_puts(b, value ? "true" : "false");
}

void json_print(struct buf *b)
{
	puts(buf_cstr(b));
	buf_free(b);
}
