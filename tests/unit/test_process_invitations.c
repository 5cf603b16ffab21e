/* links: all */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "bridge/base/log.h"
#include "bridge/base/pack.h"
#include "bridge/base/text.h"
#include "bridge/process/control_server.h"
#include "bridge/process/invitations.h"
#include "bridge/process/messages.h"
#include "bridge/process/spawn.h"
#include "pki/pairing.h"
#include "tests/unit/check.h"

/* The supervisor's half of pairing against a bridge that says what it likes. This very program plays the verb that writes the peer. */

#define PIN "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define WORDS "acorn album amber ankle apple arena"

static struct {
	struct loop *l;
	struct invitations *v;
	char id[2 * PKI_INVITATION_ID_LEN + 1];
	int answers, ok; /* MSG_WRITTEN; the last one's */
} t;

static size_t tell(void *arg, uint16_t type, const void *data, size_t len)
{
	struct unpack u = unpack_start(data, len);

	if (type != MSG_WRITTEN)
		return 0;
	t.answers++;
	unpack_u64(&u);
	t.ok = unpack_u8(&u);
	return 0;
}

static void stop(void *arg)
{
	loop_stop(t.l);
}

/* Opens an invitation for site-b. */
static void invite(void)
{
	struct pki_invitation inv = {.expires = (uint64_t)time(NULL) + 600, .offer = {.site = "site-a", .n_endpoints = 1, .n_domains = 1}};
	struct buf line;
	int pair[2];

	strcpy(inv.offer.endpoints[0], "a:7443");
	strcpy(inv.offer.domains[0], "a.example");
	text_random(inv.id, sizeof inv.id);
	text_hex(t.id, inv.id, sizeof inv.id);
	buf_init(&line, 4096);
	buf_puts(&line, "invite site-b ");
	CHECK_INT(pki_invitation_print(&line, &inv), 0);
	CHECK_INT(spawn_socketpair(pair), 0);
	CHECK(invitations_request(t.v, pair[0], buf_cstr(&line)));
	close(pair[1]);
	buf_free(&line);
}

/* A bridge says that a guest with ${pin} has paired under ${code}. */
static void paired(const char *pin, const char *code)
{
	struct pki_offer offer = {.site = "site-b", .n_endpoints = 1, .n_domains = 1};
	struct buf b;

	strcpy(offer.endpoints[0], "b:7443");
	strcpy(offer.domains[0], "b.example");
	buf_init(&b, PAIRED_MAX);
	pack_u64(&b, 7);
	pack_str(&b, t.id);
	pack_str(&b, pin);
	pack_str(&b, code);
	pki_offer_put(&b, &offer);
	CHECK(!b.failed);
	invitations_said(t.v, MSG_PAIRED, buf_ptr(&b), b.len);
	buf_free(&b);
}

int main(int argc, char **argv)
{
	static char longest[PAIRED_MAX - 512];
	int status;
	pid_t pid;

	if (argc > 4 && strcmp(argv[4], "add") == 0)
		return 0;
	log_setup(2, false, LOG_LEVEL_ERROR, "test");
	memset(longest, 'x', sizeof longest - 1);
	t.l = loop_new();
	t.v = invitations_new(t.l, "/nowhere", tell, NULL);
	invite();
	paired(PIN, longest); /* longer than all the words of the verb may be */
	CHECK_INT(t.answers, 1);
	CHECK_INT(t.ok, 0);
	paired(longest, WORDS);
	CHECK_INT(t.answers, 2);
	CHECK_INT(t.ok, 0);
	paired(PIN, WORDS); /* nothing of that has used the invitation up */
	CHECK_INT(t.answers, 2);
	CHECK((pid = waitpid(-1, &status, 0)) > 0);
	CHECK(invitations_reaped(t.v, pid, status));
	CHECK_INT(t.answers, 3);
	CHECK_INT(t.ok, 1);
	invitations_free(t.v);
	while (control_replies_open()) { /* they go out in the loop */
		struct loop_timer *soon = loop_timer_new(t.l, 5, stop, NULL);

		loop_run(t.l);
		loop_timer_free(soon);
	}
	loop_free(t.l);
	return check_done();
}
