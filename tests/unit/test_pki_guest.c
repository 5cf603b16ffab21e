/* links: base pki */
#include <time.h>
#include "tests/unit/pki_world.h"

/* Who comes to the link's door to accept an invitation, with a key that nobody knows yet. */

static struct pki_tls *door;
static struct pki_pinset *known;

/* The host's client "g", with ${weak} or its own key, at the door while guests are let in until ${until}. */
static void come(uint64_t until, bool weak, struct end *s, struct end *c)
{
	struct pki_pinset *host = set_of("server", "s");
	struct pki_tls *guest = pki_tls_pairing(in("g", "cert"), in("g", "key"), host, &error);

	CHECK(guest != NULL);
	if (weak) {
		SSL_CTX_free(guest->ctx);
		guest->ctx = SSL_CTX_new(TLS_method());
		SSL_CTX_set_alpn_protos(guest->ctx, (const uint8_t *)"\x12" "availbridge-pair/1", 19);
		SSL_CTX_set_security_level(guest->ctx, 0);
		CHECK(SSL_CTX_use_certificate_file(guest->ctx, in("weak", "cert"), SSL_FILETYPE_PEM) == 1);
		CHECK(SSL_CTX_use_PrivateKey_file(guest->ctx, in("weak", "key"), SSL_FILETYPE_PEM) == 1);
	}
	*s = *c = (struct end){.send = 1, .want = 1};
	pki_tls_pairing_until(door, until);
	meet(door, s, guest, c, "server", "server", 65536);
	if (s->up)
		CHECK(pki_stream_pairs(s->s) && !pki_stream_peer(s->s));
	part(s, c);
	pki_tls_free(guest);
	pki_pinset_free(host);
}

static void guests(void)
{
	uint64_t now = (uint64_t)time(NULL);
	struct end s, c;

	come(now + 600, false, &s, &c);
	CHECK(s.up && c.up && s.got == 1 && c.got == 1);
	CHECK_STR(s.peer, "");
	/* no invitation is open, or not any more */
	come(0, false, &s, &c);
	CHECK(!s.up && s.down && c.got == 0 && strstr(s.why, "none is open here"));
	CHECK(strstr(c.why, "no invitation is open there"));
	come(now - 1, false, &s, &c);
	CHECK(!s.up && s.down && c.got == 0);
	/* a key that could not be a peer's cannot become one */
	come(now + 600, true, &s, &c);
	CHECK(!s.up && s.down && c.got == 0 && strstr(s.why, "wants to pair is too weak"));
}

/* An open invitation opens the door for guests alone: whoever comes as a peer must be one. */
static void strangers(void)
{
	struct pki_pinset *host = set_of("server", "s");
	struct pki_tls *stranger = link_tls("g", host);
	struct end s = {.send = 1, .want = 1}, c = s;

	pki_tls_pairing_until(door, (uint64_t)time(NULL) + 600);
	meet(door, &s, stranger, &c, "server", "server", 65536);
	CHECK(!s.up && s.down && c.got == 0 && strstr(s.why, "the pin of no enabled peer"));
	part(&s, &c);
	pki_tls_free(stranger);
	pki_pinset_free(host);
}

int main(void)
{
	char command[400];

	pki_world_begin();
	CHECK_INT(pki_identity_create("guest", in("g", "key"), in("g", "cert"), &error), 0);
	snprintf(command, sizeof(command), "umask 077; openssl req -x509 -nodes -subj /CN=weak -newkey rsa:1024 -sha256 -keyout %s -out %s 2>&1 | grep -i error",
	         in("weak", "key"), in("weak", "cert"));
	CHECK(system(command) != 0);
	known = set_of("client", "c");
	door = link_tls("s", known);
	guests();
	strangers();
	pki_tls_free(door);
	pki_pinset_free(known);
	return pki_world_end();
}
