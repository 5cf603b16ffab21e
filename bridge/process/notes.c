#include "bridge/process/notes.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "bridge/base/file.h"
#include "bridge/base/pack.h"
#include "bridge/base/text.h"
#include "bridge/conf/lines.h"

enum { NOTES_MAX = 1 << 20, PACKED_MAX = 128 << 10 };

static struct lines *read_notes(const char *state_dir, const char *file)
{
	struct conf_problems none = {0};
	char path[4096];
	struct lines *l = file_join(path, sizeof path, state_dir, file) == 0 ? lines_read(path, NOTES_MAX, &none) : NULL;

	conf_problems_free(&none);
	return l;
}

static bool read_one(const struct line *l, uint8_t pin[PKI_PIN_LEN], int64_t *when)
{
	int64_t seconds;

	if (l->n != 3 || !pki_pin_parse(l->words[1], pin) || !text_int(l->words[2], 0, INT64_MAX, &seconds))
		return false;
	*when = seconds;
	return true;
}

void notes_pack(const char *state_dir, const char *file, struct buf *out)
{
	struct lines *l = state_dir ? read_notes(state_dir, file) : NULL;
	uint8_t pin[PKI_PIN_LEN];
	struct buf list;
	uint32_t n = 0;
	int64_t when;

	buf_init(&list, PACKED_MAX);
	for (size_t i = 0; l && i < l->n; i++)
		if (read_one(&l->list[i], pin, &when)) {
			pack_str(&list, l->list[i].words[0]);
			pack_str(&list, l->list[i].words[1]);
			n++;
		}
	pack_u32(out, list.failed ? 0 : n);
	if (!list.failed)
		buf_add(out, buf_ptr(&list), list.len);
	buf_free(&list);
	lines_free(l);
}

static size_t find(const struct lines *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->list[i].n && strcmp(l->list[i].words[0], name) == 0)
			return i;
	return SIZE_MAX;
}

int notes_look(const char *state_dir, const char *file, const char *name, uint8_t pin[PKI_PIN_LEN], int64_t *when)
{
	struct lines *l = read_notes(state_dir, file);
	int64_t since;
	size_t at = l ? find(l, name) : SIZE_MAX;
	int found = !l ? -1 : at == SIZE_MAX ? 0 : read_one(&l->list[at], pin, when ? when : &since) ? 1 : -1;

	lines_free(l);
	return found;
}

bool notes_get(const char *state_dir, const char *file, const char *name, uint8_t pin[PKI_PIN_LEN], int64_t *when)
{
	return notes_look(state_dir, file, name, pin, when) == 1;
}

int notes_put(const char *state_dir, const char *file, const char *name, const uint8_t *pin)
{
	struct lines *l = read_notes(state_dir, file);
	char text[PKI_PIN_TEXT], line[PKI_PIN_TEXT + 112];
	size_t at;
	int r = 0;

	if (!l) {
		errno = EIO;
		return -1;
	}
	at = find(l, name);
	if (pin) {
		pki_pin_text(text, pin);
		snprintf(line, sizeof line, "%.63s %s %lld", name, text, (long long)time(NULL));
	}
	if (pin || at != SIZE_MAX)
		r = lines_write(l, at, pin ? line : NULL, SIZE_MAX, pin && at == SIZE_MAX ? line : NULL);
	lines_free(l);
	return r;
}

int notes_learn(const char *state_dir, const char *file, const char *name, const uint8_t pin[PKI_PIN_LEN])
{
	uint8_t before[PKI_PIN_LEN];

	if (notes_get(state_dir, file, name, before, NULL) && memcmp(pin, before, sizeof before) == 0)
		return 0;
	return notes_put(state_dir, file, name, pin) == 0 ? 1 : -1;
}
