/* links: base availability conf pki directory */
#include "bridge/directory/dn.h"
#include "bridge/directory/filter.h"
#include "bridge/directory/groups.h"
#include "bridge/directory/job.h"
#include "bridge/directory/kept.h"
#include "bridge/directory/person.h"
#include "bridge/directory/servers.h"
#include "bridge/directory/sid.h"
#include "tests/unit/check.h"

/* What stands behind the = of (a=...), read back as RFC 4515 says; -1 if a byte stands there that it forbids unescaped. */
static int unescape(const char *filter, unsigned char *out)
{
	const char *s = filter + strlen("(a=");
	int n = 0;

	for (; s[1]; n++) {
		unsigned v = (unsigned char)*s;

		if (*s == '(' || *s == ')' || *s == '*')
			return -1;
		if (*s == '\\') {
			if (sscanf(s + 1, "%2x", &v) != 1)
				return -1;
			s += 2;
		}
		out[n] = (unsigned char)v;
		s++;
	}
	return *s == ')' ? n : -1;
}

static void test_filter(void)
{
	unsigned char all[256], back[256];
	struct buf b;

	for (int i = 0; i < 256; i++)
		all[i] = (unsigned char)i;
	buf_init(&b, 4096);
	filter_equal_bytes(&b, "a", all, sizeof all);
	CHECK_INT(unescape(buf_cstr(&b), back), 256);
	CHECK(memcmp(all, back, 256) == 0);
	buf_reset(&b);
	filter_equal(&b, "mail", "smtp:", "x*)(uid=*\\");
	CHECK_STR(buf_cstr(&b), "(mail=smtp:x\\2a\\29\\28uid=\\2a\\5c)");
	buf_reset(&b);
	filter_equal(&b, "", "", "nobody has such an attribute");
	CHECK_STR(buf_cstr(&b), "");
	filter_in_chain(&b, "memberOf", "CN=A (b),DC=x");
	CHECK_STR(buf_cstr(&b), "(memberOf:1.2.840.113556.1.4.1941:=CN=A \\28b\\29,DC=x)");
	buf_free(&b);
	/* what does not fit is no shorter filter */
	buf_init(&b, 8);
	filter_equal(&b, "mail", "", "anna@a.example");
	CHECK(b.failed);
	buf_free(&b);
}

static void test_sid(void)
{
	/* MS-DTYP 2.4.2.2: revision, count, authority big-endian, sub-authorities little-endian */
	static const uint8_t administrators[] = {1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0};
	static const char *const wrong[] = {"", "S-1-", "S-1-5", "S-1-5-", "S-2-5-32", "S-1-5-32-", "S-1-5--32", "S-1-5-32x", "S-1-5-4294967296", "S-1-5- 32",
	                                    "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16", "S-1-281474976710656-1", "S-1-5-)(cn=*"};
	uint8_t out[SID_MAX];
	size_t n;

	CHECK(sid_parse("S-1-5-32-544", out, &n));
	CHECK_INT(n, sizeof administrators);
	CHECK(memcmp(out, administrators, sizeof administrators) == 0);
	CHECK(sid_parse("S-1-5-21-4294967295-1-2-500", out, &n) && n == 28 && out[12] == 0xff && out[15] == 0xff);
	/* Domain Users of the same domain */
	CHECK(sid_replace_rid(out, n, 513) && out[24] == 1 && out[25] == 2 && out[26] == 0 && out[12] == 0xff);
	CHECK(!sid_replace_rid(out, n - 1, 513) && !sid_replace_rid(out, 8, 513));
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (!CHECK(!sid_parse(wrong[i], out, &n)))
			fprintf(stderr, "\t%s\n", wrong[i]);
}

static void test_job(void)
{
	enum fb_fact facts[3] = {FB_YES, FB_NO, FB_COULD_NOT_TELL}, read[3];
	struct directory_answer a = {.exists = FB_YES, .hidden = true, .address = "anna@a.example", .dn = "CN=anna", .server = "ldaps://x", .n_groups = 3, .groups = facts},
	                        back = {.groups = read};
	enum directory_kind kind;
	const char *text;
	struct buf b;

	buf_init(&b, 4096);
	directory_job_pack(&b, DIRECTORY_SID, "S-1-5-18");
	CHECK(directory_job_unpack(buf_ptr(&b), b.len, &kind, &text) && kind == DIRECTORY_SID && strcmp(text, "S-1-5-18") == 0);
	CHECK(!directory_job_unpack(buf_ptr(&b), b.len - 1, &kind, &text));
	buf_ptr(&b)[0] = 9;
	CHECK(!directory_job_unpack(buf_ptr(&b), b.len, &kind, &text));
	buf_reset(&b);
	directory_answer_pack(&b, &a);
	CHECK(directory_answer_unpack(buf_ptr(&b), b.len, &back, 3));
	CHECK_INT(back.exists, FB_YES);
	CHECK(back.hidden && !back.disabled);
	CHECK_STR(back.address, "anna@a.example");
	CHECK(memcmp(read, facts, sizeof facts) == 0);
	for (size_t n = 0; n < b.len; n++) /* cut anywhere it is none */
		CHECK(!directory_answer_unpack(buf_ptr(&b), n, &back, 3));
	CHECK(!directory_answer_unpack(buf_ptr(&b), b.len, &back, 2));
	buf_free(&b);
}

static void test_servers(void)
{
	struct servers s = {.n = 2};

	servers_begin(&s);
	CHECK_INT(servers_next(&s, 1000), 0);
	servers_failed(&s, 0, 1000);
	CHECK_INT(servers_next(&s, 1000), 1);
	CHECK_INT(servers_next(&s, 1000), -1); /* each once in a job */
	servers_work(&s, 1);
	servers_begin(&s);
	CHECK_INT(servers_next(&s, 2000), 1); /* the first is passed over for a while */
	CHECK_INT(servers_next(&s, 2000), 0); /* but better than none */
	servers_failed(&s, 1, 2000);
	servers_begin(&s);
	CHECK_INT(servers_next(&s, 2000 + SERVERS_REST_MS - 1), -1); /* all have failed: nobody is asked for a moment */
	CHECK_INT(servers_next(&s, 2000 + SERVERS_REST_MS), 0);
	servers_work(&s, 0);
	servers_begin(&s);
	CHECK_INT(servers_next(&s, 4001), 0);
	CHECK_INT(servers_refused(&s, 5000), SERVERS_REFUSED_MS);
	servers_begin(&s);
	CHECK_INT(servers_next(&s, 5000 + SERVERS_REFUSED_MS - 1), -1);
	CHECK_INT(servers_next(&s, 5000 + SERVERS_REFUSED_MS), 0);
	/* A wrong password is tried a few times in an hour by each who asks. */
	int tries = 2;
	for (int64_t now = 5000 + SERVERS_REFUSED_MS, end = 5000 + 3600000; (now += servers_refused(&s, now)) < end; tries++) {
		servers_begin(&s);
		CHECK_INT(servers_next(&s, now - 1), -1);
		CHECK_INT(servers_next(&s, now), 0);
	}
	CHECK(tries <= 7);
	servers_work(&s, 0);
	servers_begin(&s);
	servers_without_ticket(&s, 3900000); /* no server is to blame: the first one is the next to be asked, but not at once */
	CHECK_INT(servers_next(&s, 3900000 + SERVERS_TICKET_MS - 1), -1);
	CHECK_INT(servers_next(&s, 3900000 + SERVERS_TICKET_MS), 0);
	CHECK_INT(servers_refused(&s, 4000000), SERVERS_REFUSED_MS); /* one that worked meanwhile was another */
}

static void test_disabled(void)
{
	CHECK_INT(person_disabled_value("userAccountControl", "514"), FB_YES);
	CHECK_INT(person_disabled_value("userAccountControl", "512"), FB_NO);
	CHECK_INT(person_disabled_value("useraccountcontrol", "66050"), FB_YES);
	CHECK_INT(person_disabled_value("userAccountControl", "-2147483134"), FB_YES);
	CHECK_INT(person_disabled_value("userAccountControl", "many"), FB_COULD_NOT_TELL);
	CHECK_INT(person_disabled_value("pwdAccountLockedTime", "000001010000Z"), FB_YES);
	CHECK_INT(person_disabled_value("pwdAccountLockedTime", "20261127080000Z"), FB_NO);
	CHECK_INT(person_disabled_value("loginDisabled", "TRUE"), FB_YES);
	CHECK_INT(person_disabled_value("loginDisabled", "false"), FB_NO);
	CHECK_INT(person_disabled_value("loginDisabled", "who knows"), FB_YES);
}

static void test_groups(void)
{
	char *serves[] = {"group:CN=Sales,DC=a", "a.example", "group:board"};
	struct conf_rule rules[] = {{.requester = "group:CN=Board,DC=a", .target = "*"}, {.requester = "*", .target = "group:CN=Sales,DC=a"},
	                            {.requester = "group:CN=Board,DC=a", .target = "group:sales"}};
	struct conf_peer peer = {.rules = rules, .n_rules = 3};
	struct conf_backend backend = {.serves = serves, .n_serves = 3};
	struct conf c = {.peers = &peer, .n_peers = 1, .backends = &backend, .n_backends = 1};
	struct directory_groups g;

	directory_groups_collect(&c, &g);
	CHECK_INT(g.n, 2); /* those of the settings are not the directory's */
	CHECK_STR(g.list[0], "CN=Board,DC=a");
	CHECK_STR(g.list[1], "CN=Sales,DC=a");
	directory_groups_free(&g);
}

/* A Global Catalog shows groups of other domains without their members, unless they are universal. */
static void test_members(void)
{
	CHECK(groups_type_is_universal("-2147483640") && groups_type_is_universal("8"));
	CHECK(!groups_type_is_universal("-2147483646") && !groups_type_is_universal("-2147483644") && !groups_type_is_universal("2"));
	CHECK(!groups_type_is_universal("") && !groups_type_is_universal("8x"));
	CHECK(groups_all_members_are_at("DC=a,DC=example", "CN=Board,OU=Staff,DC=a,DC=example", false));
	CHECK(groups_all_members_are_at("dc=a,dc=example", "CN=DC\\,DC=x,DC=A,DC=Example", false));
	CHECK(!groups_all_members_are_at("DC=a,DC=example", "CN=Board,DC=child,DC=a,DC=example", false));
	CHECK(!groups_all_members_are_at("DC=child,DC=a,DC=example", "CN=Board,DC=a,DC=example", false));
	CHECK(!groups_all_members_are_at("DC=a,DC=example", "CN=Board,DC=ba,DC=example", false));
	CHECK(!groups_all_members_are_at("DC=a,DC=example", "CN=Board,DC=b,DC=example", false));
	CHECK(!groups_all_members_are_at("", "CN=Board,DC=a,DC=example", false)); /* whose it is is not known */
	CHECK(groups_all_members_are_at("DC=a,DC=example", "CN=Board,DC=b,DC=example", true));
}

static void test_domain(void)
{
	CHECK_STR(dn_domain("CN=Board,OU=Staff,DC=a,DC=example"), "DC=a,DC=example");
	CHECK_STR(dn_domain("CN=x\\,DC=y,dc=a"), "dc=a"); /* a comma in a name */
	CHECK_STR(dn_domain("DC=a"), "DC=a");
	CHECK_STR(dn_domain("CN=ADC=x"), "");
	CHECK_STR(dn_domain(""), "");
}

static void test_kept(void)
{
	struct kept *k = kept_new(3);
	struct fb_entry *e = fb_entry_new("anna@a.example", 0);
	char address[32];
	size_t wrong = 0;

	for (int i = 0; i < 5; i++) {
		snprintf(address, sizeof(address), "p%d@a.example", i);
		kept_put(k, address, e, 100 + i);
		CHECK(kept_find(k, "p0@a.example", 0) == e); /* used again and again, it stays */
	}
	CHECK_INT(kept_count(k), 3);
	CHECK_INT(e->refs, 4);
	CHECK(!kept_find(k, "p2@a.example", 0));
	CHECK(kept_find(k, "p4@a.example", 103) == e);
	CHECK(!kept_find(k, "p4@a.example", 104)); /* its time is over */
	CHECK_INT(kept_count(k), 2);
	kept_put(k, "p0@a.example", e, 500);
	CHECK_INT(kept_count(k), 2);
	CHECK(kept_find(k, "p0@a.example", 499) == e);
	kept_free(k);
	CHECK_INT(e->refs, 1);
	/* several in each bucket: everybody has what is of him */
	k = kept_new(3 * 4096);
	for (int i = 0; i < 3 * 4096; i++) {
		struct fb_entry *own;

		snprintf(address, sizeof(address), "p%d@a.example", i);
		wrong += kept_find(k, address, 0) != NULL;
		own = fb_entry_new(address, 0);
		kept_put(k, address, own, 100);
		fb_entry_release(own);
	}
	for (int i = 0; i < 3 * 4096; i++) {
		snprintf(address, sizeof(address), "p%d@a.example", i);
		wrong += strcmp(kept_find(k, address, 0)->address, address) != 0;
	}
	CHECK_INT(wrong, 0);
	kept_free(k);
	fb_entry_release(e);
	kept_free(NULL);
}

int main(void)
{
	test_kept();
	test_domain();
	test_filter();
	test_sid();
	test_job();
	test_servers();
	test_disabled();
	test_groups();
	test_members();
	return check_done();
}
