#ifndef TESTS_UNIT_EWS_DOCUMENT_H
#define TESTS_UNIT_EWS_DOCUMENT_H
#include <stdio.h>
#include <string.h>
#include "bridge/base/buf.h"
#include "tests/unit/check.h"

/* One document that was written: looked at as text, and left in a folder for tests/schema/answers.py when the test is given one. */

static const char *folder;
static struct buf out;

/* The text written last, left in the folder as ${name}. */
static inline const char *leave(const char *name)
{
	if (folder) {
		char path[512];
		FILE *f;

		snprintf(path, sizeof path, "%s/%s.xml", folder, name);
		f = fopen(path, "w");
		if (CHECK(f != NULL)) {
			fwrite(buf_ptr(&out), 1, out.len, f);
			fclose(f);
		}
	}
	return buf_cstr(&out);
}

static inline size_t count(const char *text, const char *what)
{
	size_t n = 0;

	/* not strstr: the sanitizer measures the whole of a long answer at every call of it */
	for (const char *end = text + strlen(text); (text = memmem(text, (size_t)(end - text), what, strlen(what))) != NULL; text += strlen(what))
		n++;
	return n;
}

/* What stands between the ${nth} (from 0) <tag> and its end, in a buffer that is overwritten by the next call. */
static inline const char *inside(const char *text, const char *tag, size_t nth)
{
	static char value[4096];
	char open[64], close[64];
	const char *end;

	snprintf(open, sizeof open, "<%s>", tag);
	snprintf(close, sizeof close, "</%s>", tag);
	for (text = strstr(text, open); text && nth; nth--)
		text = strstr(text + 1, open);
	if (!text || !(end = strstr(text, close)))
		return NULL;
	snprintf(value, sizeof value, "%.*s", (int)(end - text - (long)strlen(open)), text + strlen(open));
	return value;
}
#endif
