/* links: base pki */
#include "pki/pairing.h"
#include "bridge/base/text.h"
#include "tests/unit/check.h"

static struct pki_invitation inv = {
	.id = {1, 2, 3, 4, 5, 6, 7, 8}, .secret = "0123456789abcde", .pin = {9}, .expires = 1767225600,
	.offer = {.site = "site-a", .n_endpoints = 2, .n_domains = 2, .endpoints = {"bridge.a.example:7443", "[2001:db8::1]:7443"}, .domains = {"a.example", "xn--bcher-kva.example"}},
};
static const uint8_t exporter[PKI_EXPORTER_LEN] = {7}, guest[PKI_PIN_LEN] = {8};
static char text[PKI_INVITATION_TEXT_MAX + 1];

static void invitations(void)
{
	struct pki_invitation got;
	char other[2 * sizeof(text)], *to = other;
	const char *why = NULL;
	size_t bad = 0;
	struct buf b;

	buf_init(&b, 8192);
	CHECK_INT(pki_invitation_print(&b, &inv), 0);
	strcpy(text, buf_cstr(&b));
	CHECK(strncmp(text, "avb1:", 5) == 0 && strspn(text + 5, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(text + 5));
	memset(&got, 0xff, sizeof(got));
	CHECK(pki_invitation_parse(text, &got, &why));
	CHECK(memcmp(&got, &inv, sizeof(inv)) == 0);
	for (const char *s = text; *s; s++) { /* as a mail program may send it */
		*to++ = *s;
		if ((s - text) % 20 == 7)
			to += sprintf(to, "\r\n ");
	}
	*to = 0;
	CHECK(pki_invitation_parse(other, &got, &why) && memcmp(&got, &inv, sizeof(inv)) == 0);
	for (size_t i = 0; text[i]; i++) { /* no letter may be another, and none may miss */
		strcpy(other, text);
		other[i] = other[i] == 'A' ? 'B' : 'A';
		bad += pki_invitation_parse(other, &got, &why) && memcmp(&got, &inv, sizeof(inv)) != 0;
		sprintf(other, "%.*s%s", (int)i, text, text + i + 1);
		bad += pki_invitation_parse(other, &got, &why);
		sprintf(other, "%.*s", (int)i, text);
		bad += pki_invitation_parse(other, &got, &why);
	}
	CHECK_INT(bad, 0);
	CHECK(!pki_invitation_parse("", &got, &why) && !pki_invitation_parse("avb1:", &got, &why) && !pki_invitation_parse("avb1:====", &got, &why));
	CHECK(!pki_invitation_parse("sha256:00", &got, &why) && strstr(why, "begins with avb1:"));
	/* too many domains for one line: said, not cut */
	struct pki_invitation big = inv;
	for (big.offer.n_domains = 0; big.offer.n_domains < PKI_OFFER_DOMAINS; big.offer.n_domains++)
		sprintf(big.offer.domains[big.offer.n_domains], "domain-%zu.with-a-long-name.example", big.offer.n_domains);
	buf_reset(&b);
	CHECK_INT(pki_invitation_print(&b, &big), -1);
	buf_free(&b);
}

static void offers(void)
{
	static const struct {
		const char *hex;
		bool ok;
	} cases[] = {
		{"0161" "0103623a31" "0101" "63", true}, {"0161" "00" "00", true}, {"", false}, {"00" "00" "00", false}, {"0161" "00", false},
		{"0161" "00" "00" "00", false}, {"0161" "01" "00" "00", false}, {"0120" "00" "00", false}, {"010a" "00" "00", false}, {"0180" "00" "00", false},
		{"0161" "0961616161616161616161" "00", false}, {"0161" "00" "41", false}, {"ff61", false}, {"0161" "0104623a31", false},
	};
	struct pki_offer o;
	uint8_t raw[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CHECK(text_unhex(raw, strlen(cases[i].hex) / 2, cases[i].hex));
		if (!CHECK(pki_offer_read(raw, strlen(cases[i].hex) / 2, &o) == cases[i].ok))
			fprintf(stderr, "\tcase %zu\n", i);
	}
}

/* What differs between the two sides of an exchange. */
struct sides {
	struct pki_invitation host_inv;
	uint8_t host_exporter[PKI_EXPORTER_LEN], host_sees[PKI_PIN_LEN];
};

/* One frame over to the other side, byte ${flip} (or none, -1) spoilt. */
static enum pki_pairing_take pass(struct pki_pairing *from, struct pki_pairing *to, enum pki_pairing_type put, enum pki_pairing_type take, const char *body, int flip,
                                  size_t *len)
{
	enum pki_pairing_take r = PKI_PAIRING_MORE;
	struct buf wire, one, got;

	buf_init(&wire, 65536);
	buf_init(&one, 65536);
	buf_init(&got, 65536);
	pki_pairing_put(from, &wire, put, body, strlen(body));
	if (flip >= 0 && (size_t)flip < wire.len)
		buf_ptr(&wire)[flip] ^= 1;
	for (size_t i = 0; i < wire.len; i++) { /* byte by byte: nothing is judged before it is whole */
		buf_add(&one, buf_ptr(&wire) + i, 1);
		if (r == PKI_PAIRING_MORE)
			r = pki_pairing_take(to, &one, take, &got);
		CHECK(i + 1 == wire.len || r == PKI_PAIRING_MORE || flip >= 0);
	}
	CHECK(r != PKI_PAIRING_TAKEN || (strcmp(buf_cstr(&got), body) == 0 && one.len == 0));
	if (len)
		*len = wire.len;
	buf_free(&wire);
	buf_free(&one);
	buf_free(&got);
	return r;
}

/* How far an exchange gets: 0 to 4 messages believed. */
static int exchange(const struct sides *s, int spoilt_message, int flip, size_t *len)
{
	static const enum pki_pairing_type order[] = {PKI_PAIRING_ACCEPT, PKI_PAIRING_ANSWER, PKI_PAIRING_AGREED, PKI_PAIRING_DONE};
	static const char *const bodies[] = {"an id and an offer", "", "", ""};
	struct pki_pairing host, other;
	int i;

	pki_pairing_start(&host, &s->host_inv, s->host_exporter, s->host_sees);
	pki_pairing_start(&other, &inv, exporter, guest);
	for (i = 0; i < 4; i++)
		if (pass(i % 2 ? &host : &other, i % 2 ? &other : &host, order[i], order[i], bodies[i], i == spoilt_message ? flip : -1, len) != PKI_PAIRING_TAKEN)
			break;
	pki_pairing_end(&host);
	pki_pairing_end(&other);
	return i;
}

static void exchanges(void)
{
	struct sides s = {.host_inv = inv};
	size_t len = 0;

	memcpy(s.host_exporter, exporter, sizeof(exporter));
	memcpy(s.host_sees, guest, sizeof(guest));
	CHECK_INT(exchange(&s, -1, -1, NULL), 4);
	s.host_inv.secret[15] ^= 1; /* another secret */
	CHECK_INT(exchange(&s, -1, -1, NULL), 0);
	s.host_inv = inv;
	s.host_inv.pin[31] ^= 1; /* a man in the middle: another host key, */
	CHECK_INT(exchange(&s, -1, -1, NULL), 0);
	s.host_inv = inv;
	s.host_sees[0] ^= 1; /* another guest key, */
	CHECK_INT(exchange(&s, -1, -1, NULL), 0);
	s.host_sees[0] ^= 1;
	s.host_exporter[31] ^= 1; /* another connection; */
	CHECK_INT(exchange(&s, -1, -1, NULL), 0);
	s.host_exporter[31] ^= 1;
	s.host_inv.digest[0] ^= 1; /* an invitation that was changed on its way */
	CHECK_INT(exchange(&s, -1, -1, NULL), 0);
	s.host_inv = inv;
	for (int m = 0; m < 4; m++)
		for (int i = 0; i == 0 || (size_t)i < len; i++)
			if (!CHECK(exchange(&s, m, i, &len) == m))
				fprintf(stderr, "\tmessage %d, byte %d\n", m, i);
}

/* A proof has one place: not another message's, not sent back, not an old exchange's. */
static void places(void)
{
	struct pki_pairing a, b;
	struct buf wire, got;

	buf_init(&wire, 4096);
	buf_init(&got, 4096);
	pki_pairing_start(&a, &inv, exporter, guest);
	pki_pairing_start(&b, &inv, exporter, guest);
	CHECK_INT(pass(&a, &b, PKI_PAIRING_AGREED, PKI_PAIRING_ACCEPT, "", -1, NULL), PKI_PAIRING_GARBAGE);
	pki_pairing_end(&a);
	pki_pairing_start(&a, &inv, exporter, guest);
	pki_pairing_put(&a, &wire, PKI_PAIRING_ACCEPT, "x", 1);
	buf_ptr(&wire)[4] = PKI_PAIRING_ANSWER; /* the same proof under another name */
	CHECK_INT(pki_pairing_take(&b, &wire, PKI_PAIRING_ANSWER, &got), PKI_PAIRING_FALSE);
	pki_pairing_end(&b);
	pki_pairing_start(&b, &inv, exporter, guest);
	CHECK_INT(pass(&a, &b, PKI_PAIRING_ANSWER, PKI_PAIRING_ANSWER, "", -1, NULL), PKI_PAIRING_FALSE); /* b never heard the first */
	pki_pairing_end(&a);
	pki_pairing_end(&b);
	buf_free(&wire);
	buf_free(&got);
}

static void refusals(void)
{
	static const uint8_t huge[] = {0xff, 0xff, 0xff, 0x7f, 1}, empty[] = {0, 0, 0, 0, 1}, small[] = {2, 0, 0, 0, 1, 0};
	struct pki_pairing p;
	struct buf in, got;
	uint8_t id[PKI_INVITATION_ID_LEN];
	bool garbage;

	buf_init(&in, 4096);
	buf_init(&got, 4096);
	pki_pairing_start(&p, &inv, exporter, guest);
	pki_pairing_refuse(&in, "no\n\x1b[2J");
	CHECK_INT(pki_pairing_take(&p, &in, PKI_PAIRING_ANSWER, &got), PKI_PAIRING_NO);
	CHECK_STR(buf_cstr(&got), "no??[2J");
	buf_reset(&in);
	buf_add(&in, huge, sizeof(huge));
	CHECK_INT(pki_pairing_take(&p, &in, PKI_PAIRING_ANSWER, &got), PKI_PAIRING_GARBAGE);
	CHECK(!pki_pairing_id(&in, id, &garbage) && garbage);
	buf_reset(&in);
	buf_add(&in, empty, sizeof(empty));
	CHECK_INT(pki_pairing_take(&p, &in, PKI_PAIRING_ANSWER, &got), PKI_PAIRING_GARBAGE);
	buf_reset(&in);
	buf_add(&in, small, sizeof(small));
	CHECK(!pki_pairing_id(&in, id, &garbage) && garbage);
	buf_reset(&in);
	pki_pairing_put(&p, &in, PKI_PAIRING_ACCEPT, "12345678", 8);
	CHECK(pki_pairing_id(&in, id, &garbage) && !garbage && memcmp(id, "12345678", 8) == 0);
	pki_pairing_end(&p);
	buf_free(&in);
	buf_free(&got);
}

static void codes(void)
{
	char code[PKI_CODE_MAX], other[PKI_CODE_MAX];
	uint8_t e[PKI_EXPORTER_LEN] = {7};
	size_t blanks = 0, same = 0;

	for (size_t i = 0; i < 256; i++)
		for (size_t k = 0; k < i; k++)
			same += strncmp(pki_words[i], pki_words[k], 4) == 0;
	CHECK_INT(same, 0);
	pki_pairing_code(code, inv.pin, guest, exporter);
	for (const char *s = code; *s; s++)
		blanks += *s == ' ';
	CHECK_INT(blanks, 5);
	pki_pairing_code(other, inv.pin, guest, e);
	CHECK_STR(code, other);
	pki_pairing_code(other, guest, inv.pin, exporter);
	CHECK(strcmp(code, other) != 0);
	e[5] = 1;
	pki_pairing_code(other, inv.pin, guest, e);
	CHECK(strcmp(code, other) != 0);
}

int main(void)
{
	invitations();
	offers();
	exchanges();
	places();
	refusals();
	codes();
	return check_done();
}
