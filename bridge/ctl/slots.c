#include "bridge/ctl/slots.h"
#include <string.h>
#include "bridge/ctl/peer.h"

static bool same(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, PKI_PIN_LEN) == 0;
}

void ctl_slots_of(const struct conf_peer *p, struct ctl_slots *out)
{
	*out = (struct ctl_slots){.n = p->n_pins};
	for (size_t i = 0; i < p->n_pins; i++) {
		memcpy(out->slot[i].pin, p->pins[i], PKI_PIN_LEN);
		out->slot[i].n_from = p->n_from[i];
		if (p->n_from[i])
			memcpy(out->slot[i].from, p->from[i], p->n_from[i] * PKI_PIN_LEN);
	}
}

void ctl_slots_set(struct ctl_slots *s, size_t i, const uint8_t pin[PKI_PIN_LEN])
{
	s->slot[i] = (struct ctl_slot){0};
	memcpy(s->slot[i].pin, pin, PKI_PIN_LEN);
	s->n = i + 1;
}

void ctl_slots_announce(struct ctl_slots *s, const uint8_t pin[PKI_PIN_LEN])
{
	const struct ctl_slot *under = &s->slot[0];
	struct ctl_slot *next = &s->slot[1];
	size_t older = under->n_from < CONF_FROM_MAX ? under->n_from : CONF_FROM_MAX - 1;

	ctl_slots_set(s, 1, pin);
	memcpy(next->from[0], under->pin, PKI_PIN_LEN);
	memcpy(next->from[1], under->from, older * PKI_PIN_LEN);
	next->n_from = older + 1;
}

void ctl_slots_remove(struct ctl_slots *s, size_t i)
{
	if (i == 0)
		s->slot[0] = s->slot[1];
	s->n--;
}

int ctl_slot_generation(const struct ctl_slot *slot, const uint8_t pin[PKI_PIN_LEN])
{
	if (same(slot->pin, pin))
		return 0;
	for (size_t i = 0; i < slot->n_from; i++)
		if (same(slot->from[i], pin))
			return (int)i + 1;
	return -1;
}

static void put_slot(struct buf *out, const char *keyword, const struct ctl_slot *slot)
{
	char text[PKI_PIN_TEXT];

	pki_pin_text(text, slot->pin);
	buf_printf(out, "%s %s", keyword, text);
	for (size_t i = 0; i < slot->n_from; i++) {
		pki_pin_text(text, slot->from[i]);
		buf_printf(out, "%s%s", i ? "," : " from=", text);
	}
	buf_putc(out, '\n');
}

static void put_slots(struct buf *out, const struct ctl_slots *s)
{
	if (s->n > 0)
		put_slot(out, "pin", &s->slot[0]);
	if (s->n > 1)
		put_slot(out, "next-pin", &s->slot[1]);
}

int ctl_slots_put(struct ctl_edit *e, const char *name, const struct ctl_slots *s)
{
	struct lines *l = ctl_peer_read(e, name);
	char file[CTL_PEER_FILE];
	struct buf out;
	bool put = false;

	if (!l)
		return -1;
	buf_init(&out, 32 << 20);
	for (size_t i = 0; i < l->n; i++) {
		const struct line *line = &l->list[i];

		if (line->n && (strcmp(line->words[0], "pin") == 0 || strcmp(line->words[0], "next-pin") == 0)) {
			if (!put)
				put_slots(&out, s);
			put = true;
		} else if (!s->n && line->n == 2 && strcmp(line->words[0], "enabled") == 0) {
			buf_puts(&out, "enabled no\n");
		} else {
			buf_add(&out, line->raw, line->raw_len);
			buf_putc(&out, '\n');
		}
	}
	if (!put)
		put_slots(&out, s);
	ctl_peer_file(file, name);
	ctl_edit_put_text(e, file, buf_cstr(&out));
	buf_free(&out);
	lines_free(l);
	return 0;
}
