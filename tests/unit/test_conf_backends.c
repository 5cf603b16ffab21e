/* links: base availability conf pki */
#include "bridge/conf/conf.h"
#include "tests/unit/conf_site.h"

/* backends.d, directory.conf and the passwords that they name. */

#define PIN "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define EWS "type ews\nurl https://ex.a.example/EWS/Exchange.asmx\nauth ntlm\nuser A\\svc\npassword-file secret\n"
#define DAV "type caldav\nurl https://dav.a.example/\nauth none\n"
#define DIR "server ldaps://dc1.a.example\npreset active-directory\nbase DC=a,DC=example\nbind none\n"

static void folder(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", site_dir, name);
	mkdir(path, 0700);
}

static bool path_is(const char *path, const char *name)
{
	size_t n = strlen(site_dir);

	return path && strncmp(path, site_dir, n) == 0 && path[n] == '/' && strcmp(path + n + 1, name) == 0;
}

static void whole(void)
{
	struct conf_problems p = {0};
	struct conf *c = conf_load(site_main, &p);

	CHECK(c && c->n_backends == 0 && c->directory == NULL); /* no folder and no file: the calendars alone */
	conf_free(c);
	folder("backends.d");
	site_write("backends.d/exchange.conf", EWS "serves A.Example\nserves Boss@a.example\nca-file /etc/ca.pem\npin " PIN "\n"
	                                       "version 2013\nwindow-days 42\nconcurrency 3\nbatch 50\ntimeout \"500 ms\"\ncache \"2 s\"\n");
	site_write("backends.d/cyrus.conf", "type caldav\nurl \"https://[::1]:8443/dav/{domain}\"\nserves \"group:CN=Board, all,DC=a\"\nserves *\n"
	                                    "auth negotiate\nuser svc@A\nkeytab k.tab\nmethod url\nfreebusy-url /fb?user={address}&x=%20&from={start}&to={end}\n"
	                                    "principal https://[::1]:8443/p/{user}\ncalendar /c/{user}/\n");
	site_write("backends.d/.swap.conf", "rubbish\n");
	site_write("directory.conf", DIR "server ldap://dc2.a.example:3268\nattribute hidden=extensionAttribute1\nattribute target=\n"
	                             "timeout 1\ncache 0\nlogin yes\n");
	c = conf_load(site_main, &p);
	for (size_t i = 0; i < p.n; i++)
		fprintf(stderr, "\t%s:%d: %s\n", p.list[i].file, p.list[i].line, p.list[i].what);
	if (!CHECK(c != NULL) || !CHECK_INT(c->n_backends, 2) || !CHECK(c->directory != NULL))
		return;
	const struct conf_backend *dav = &c->backends[0], *ews = conf_backend_named(c, "exchange");

	CHECK_STR(dav->name, "cyrus");
	CHECK_INT(dav->type, CONF_BACKEND_CALDAV);
	CHECK_STR(dav->url, "https://[::1]:8443/dav/{domain}");
	CHECK_STR(dav->serves[0], "group:CN=Board, all,DC=a");
	CHECK_INT(dav->serves_lines[1], 4);
	CHECK_INT(dav->auth, CONF_AUTH_NEGOTIATE);
	CHECK(path_is(dav->keytab, "k.tab") && !dav->has_pin && !dav->password.file && !dav->ca_file);
	CHECK_INT(dav->method, CONF_CALDAV_URL);
	CHECK_STR(dav->freebusy_url, "/fb?user={address}&x=%20&from={start}&to={end}");
	CHECK_INT(dav->window_days, 62);
	CHECK_INT(dav->concurrency, 10);
	CHECK_INT(dav->timeout_ms, 8000);
	CHECK_INT(dav->cache_ms, 0);
	CHECK(ews == &c->backends[1] && conf_backend_named(c, "none") == NULL);
	CHECK_INT(ews->type, CONF_BACKEND_EWS);
	CHECK_STR(ews->serves[0], "a.example");
	CHECK_STR(ews->serves[1], "boss@a.example");
	CHECK_INT(ews->auth, CONF_AUTH_NTLM);
	CHECK_STR(ews->user, "A\\svc");
	CHECK(path_is(ews->password.file, "secret"));
	CHECK_STR(ews->ca_file, "/etc/ca.pem");
	CHECK(ews->has_pin && ews->pin[31] == 0x11);
	CHECK_INT(ews->version, 2013);
	CHECK_INT(ews->window_days, 42);
	CHECK_INT(ews->batch, 50);
	CHECK_INT(ews->timeout_ms, 500);
	CHECK_INT(ews->cache_ms, 2000);
	CHECK_INT(c->directory->n_servers, 2);
	CHECK_STR(c->directory->servers[1], "ldap://dc2.a.example:3268");
	CHECK_STR(c->directory->attributes[CONF_ATTRIBUTE_HIDDEN], "extensionAttribute1");
	CHECK_STR(c->directory->attributes[CONF_ATTRIBUTE_TARGET], "");
	CHECK_STR(c->directory->attributes[CONF_ATTRIBUTE_SID], "objectSid");
	CHECK(c->directory->login && c->directory->timeout_ms == 1000 && c->directory->cache_ms == 0);
	conf_free(c);
}

/* What is printed as in force is itself such a file and means the same. */
static void print(void)
{
	struct conf_problems p = {0};
	struct buf once, again;
	struct conf *c = conf_load(site_main, &p);
	char *parts[3] = {NULL};

	buf_init(&once, 1 << 20);
	buf_init(&again, 1 << 20);
	if (!CHECK(c != NULL))
		return;
	conf_print_lines(&once, c);
	conf_free(c);
	char *copy = strdup(buf_cstr(&once));

	parts[0] = strstr(copy, "# backends.d/cyrus.conf\n");
	parts[1] = strstr(copy, "# backends.d/exchange.conf\n");
	parts[2] = strstr(copy, "# directory.conf\n");
	if (!CHECK(parts[0] && parts[1] && parts[2]))
		exit(1);
	site_write("directory.conf", parts[2]);
	*parts[2] = 0;
	site_write("backends.d/exchange.conf", parts[1]);
	*parts[1] = 0;
	site_write("backends.d/cyrus.conf", parts[0]);
	CHECK_STR(site_problems(), "");
	c = conf_load(site_main, &p);
	if (CHECK(c != NULL))
		conf_print_lines(&again, c);
	CHECK_STR(buf_cstr(&again), buf_cstr(&once));
	conf_free(c);
	free(copy);
	buf_free(&once);
	buf_free(&again);
	site_remove("backends.d/cyrus.conf");
	site_remove("backends.d/exchange.conf");
	site_remove("directory.conf");
}

/* One file with its faults: what is said of it. */
static void fault(const char *file, const char *text, const char *want)
{
	site_write(file, text);
	CHECK_STR(site_problems(), want);
	site_remove(file);
}

#define B "backends.d/b.conf:"

static void backends(void)
{
	static const char *const bad_urls[] = {"http://h/x", "https://h", "https://a@h/x", "https://{domain}/x", "https://h/{name}", "https://h/x y",
	                                       "https://h/x#y", "https://h:0/x", "https:///x", "https://h/\xc3\xa9", "ftp://h/"};
	char text[512], want[256];

	for (size_t i = 0; i < sizeof(bad_urls) / sizeof(bad_urls[0]); i++) {
		snprintf(text, sizeof(text), "type caldav\nserves *\nauth none\nurl \"%s\"\n", bad_urls[i]);
		snprintf(want, sizeof(want), B "4: the value of url is not right: '%s'\n", bad_urls[i]);
		fault("backends.d/b.conf", text, want);
	}
	fault("backends.d/b.conf", DAV "serves *\n", "");
	fault("backends.d/b.conf", "", B "0: the setting type is missing\n" B "0: the setting serves is missing\n" B "0: the setting auth is missing\n");
	fault("backends.d/b.conf", DAV "serves\nserves a b\nserves group:\nserves x@\nmethod any\nversion 2011\nwindow-days 63\nbatch 0\n"
	                           "timeout \"1 ms\"\npin x\nkoncurrency 1\nauth basic\npassword hunter2\n",
	      B "4: serves has 2 words, not 1\n" B "5: serves has 2 words, not 3\n"
	      B "6: the value of serves is not right: 'group:'\n" B "7: the value of serves is not right: 'x@'\n"
	      B "8: the value of method is not right: 'any'\n" B "9: the value of version is not right: '2011'\n"
	      B "10: the value of window-days is not right: '63'\n" B "11: the value of batch is not right: '0'\n"
	      B "12: the value of timeout is not right: '1 ms'\n" B "13: the value of pin is not right: 'x'\n"
	      B "14: 'koncurrency' is no setting of a backend\n" B "15: auth is given twice\n" B "16: 'password' is no setting of a backend\n");
	fault("backends.d/b.conf", DAV "serves *\nversion 2013\nbatch 5\nuser x\n",
	      B "5: version has no meaning with type caldav\n" B "6: batch has no meaning with type caldav\n" B "7: user has no meaning with auth none\n");
	fault("backends.d/b.conf", "type ews\nserves *\nauth none\nmethod auto\ndiscover a.example\n",
	      B "4: method has no meaning with type ews\n" B "5: discover has no meaning with type ews\n");
	fault("backends.d/b.conf", "type ews\nserves *\nauth none\n", B "0: type ews needs url\n");
	fault("backends.d/b.conf", "type ews\nserves *\nauth none\nurl https://h/{user}\n", B "4: the url of type ews holds a placeholder\n");
	fault("backends.d/b.conf", "type caldav\nserves *\nauth none\n", B "0: type caldav without discover needs url\n");
	fault("backends.d/b.conf", "type caldav\nserves *\nauth none\ndiscover A.example\n", "");
	fault("backends.d/b.conf", DAV "serves *\ndiscover a.example\n", B "2: url has no meaning with discover\n");
	fault("backends.d/b.conf", DAV "serves *\nmethod url\n", B "0: method url needs freebusy-url\n");
	fault("backends.d/b.conf", DAV "serves *\ncalendar /c/{start}/\n", B "5: the value of calendar is not right: '/c/{start}/'\n");
	fault("backends.d/b.conf", DAV "serves *\ncalendar https://other.example/{user}/\n", B "5: calendar leads to another host than url\n");
	fault("backends.d/b.conf", "type caldav\nserves *\nauth none\ndiscover a.example\ncalendar https://dav.a.example/{user}/\n",
	      B "5: calendar leads to another host than url\n");
	/* One person's calendar is nobody else's. */
	fault("backends.d/b.conf", DAV "serves a.example\ncalendar /c/anna/\nprincipal /p/{domain}/\nfreebusy-url /f?from={start}\n",
	      B "6: principal is one place for all whom serves names\n" B "7: freebusy-url is one place for all whom serves names\n"
	      B "5: calendar is one place for all whom serves names\n");
	fault("backends.d/b.conf", DAV "serves anna@a.example\nserves ben@a.example\ncalendar /c/anna/\n",
	      B "6: calendar is one place for all whom serves names\n");
	fault("backends.d/b.conf", DAV "serves group:cn=a@b,dc=x\ncalendar /c/anna/\n", B "5: calendar is one place for all whom serves names\n");
	fault("backends.d/b.conf", DAV "serves anna@a.example\ncalendar /c/anna/\n", "");
	fault("backends.d/b.conf", DAV "serves *\ncalendar /c/{address}/\n", "");
	fault("backends.d/b.conf", EWS "serves *\nversion 2007\nwindow-days 43\n", B "8: version 2007 answers about 42 days at most\n");
	fault("backends.d/b.conf", "type ews\nserves *\nurl https://h/x\nauth basic\n",
	      B "0: auth basic needs user\n" B "0: auth basic needs password-file\n");
	fault("backends.d/b.conf", EWS "serves *\npassword-credential c\n", B "7: the password stands in two places\n");
	fault("backends.d/b.conf", "type ews\nserves *\nurl https://h/x\nauth negotiate\npassword-file x\n",
	      B "0: auth negotiate needs user\n" B "5: password-file has no meaning with auth negotiate\n" B "0: auth negotiate needs keytab\n");
	fault("backends.d/b.conf", "type ews\nserves *\nurl https://h/x\nauth certificate\nclient-key x\n",
	      B "0: auth certificate needs client-certificate\n");
	fault("backends.d/a b.conf", "", "backends.d:0: 'a b' cannot be the name of a backend\n");
}

static void served_twice(void)
{
	struct buf b;

	/* each bridge needs a call of its own */
	buf_init(&b, 1 << 20);
	conf_sample(&b, &(struct conf_site){"s", "a.example", "127.0.0.1:1", "127.0.0.1:2", "https://h", "calendars", ""});
	site_write("backends.d/b.conf", DAV "serves *\nconcurrency 2\n");
	site_write("availbridge.conf", "site = \"s\"; public_url = \"https://h\"; hidden = []; bridges = 2;");
	CHECK_STR(site_problems(), "");
	site_write("availbridge.conf", "site = \"s\"; public_url = \"https://h\"; hidden = []; bridges = 3;");
	CHECK_STR(site_problems(), B "0: concurrency 2 cannot be divided among 3 bridges\n");
	site_write("availbridge.conf", buf_cstr(&b));
	buf_free(&b);
	site_remove("backends.d/b.conf");
	site_write("backends.d/a.conf", DAV "serves *\nserves A.example\n");
	fault("backends.d/b.conf", DAV "serves a.example.\nserves x@a.example\n", B "4: a.example is served by a already, in line 5\n");
	fault("backends.d/b.conf", DAV "serves group:x\nserves group:CN=x,DC=y\n",
	      B "4: there is no group x\n" B "5: there is no directory to ask about the group CN=x,DC=y\n");
	site_write("directory.conf", DIR);
	fault("backends.d/b.conf", DAV "serves group:CN=x,DC=y\n", "");
	site_remove("directory.conf");
	site_remove("backends.d/a.conf");
}

/* A rule may name a group of the directory, if there is one. */
static void rules(void)
{
	const char *text = "rule in \"group:CN=Board \\\"x\\\",DC=a\" group:CN=y,DC=a None\n";

	fault("peers.d/local.conf", text, "peers.d/local.conf:1: there is no directory to ask about the group CN=Board \"x\",DC=a\n"
	                                  "peers.d/local.conf:1: there is no directory to ask about the group CN=y,DC=a\n");
	site_write("directory.conf", DIR);
	fault("peers.d/local.conf", text, "");
	fault("peers.d/local.conf", "rule in group:=x group:y= None\n", "peers.d/local.conf:1: 'group:=x' is no requester\n");
	fault("peers.d/local.conf", "rule in * group:y= None\n", "peers.d/local.conf:1: 'group:y=' is no target\n");
	site_remove("directory.conf");
	CHECK(conf_group_is_dn("CN=x") && !conf_group_is_dn("x"));
}

#define D "directory.conf:"
#define SERVERS4 "server ldaps://x\nserver ldaps://x\nserver ldaps://x\nserver ldaps://x\n"

static void directory(void)
{
	fault("directory.conf", "", D "0: the setting server is missing\n" D "0: the setting preset is missing\n" D "0: the setting base is missing\n"
	                            D "0: the setting bind is missing\n");
	fault("directory.conf", "server ldapi:///\nserver ldaps://a/b\nserver ldap://a:0\nserver dc.example\npreset ad\nbase x\nbind sasl\nbind-nam x\n"
	                        "attribute mail\nattribute male=x\nattribute mail=a b\nattribute \"mail=a)(b\"\nattribute mail=a\nattribute mail=b\nlogin on\n",
	      D "1: the value of server is not right: 'ldapi:///'\n" D "2: the value of server is not right: 'ldaps://a/b'\n"
	      D "3: the value of server is not right: 'ldap://a:0'\n" D "4: the value of server is not right: 'dc.example'\n"
	      D "5: the value of preset is not right: 'ad'\n" D "6: the value of base is not right: 'x'\n"
	      D "7: the value of bind is not right: 'sasl'\n" D "8: 'bind-nam' is no setting of the directory\n"
	      D "9: the value of attribute is not right: 'mail'\n" D "10: the value of attribute is not right: 'male=x'\n"
	      D "11: attribute has 2 words, not 3\n" D "12: the value of attribute is not right: 'mail=a)(b'\n"
	      D "14: the value of attribute is not right: 'mail=b'\n" D "15: the value of login is not right: 'on'\n");
	fault("directory.conf", "server ldap://a\npreset openldap\nbase \"\"\nbind simple\n",
	      D "0: bind simple needs bind-name\n" D "0: bind simple needs password-file\n");
	fault("directory.conf", "server ldap://a\npreset openldap\nbase \"\"\nbind gssapi\nbind-name x\n",
	      D "5: bind-name has no meaning with bind gssapi\n" D "0: bind gssapi needs keytab\n" D "0: bind gssapi needs principal\n");
	static const char many[] = DIR SERVERS4 SERVERS4 SERVERS4 "server ldaps://x\nserver ldaps://x\nserver ldaps://x\n";
	char more[sizeof(many) + 32];

	fault("directory.conf", many, "");
	snprintf(more, sizeof(more), "%sserver ldaps://y\n", many);
	fault("directory.conf", more, D "20: 17 servers are named, and at most 16 are tried\n");
}

/* What conf_secret_read() makes of the file or credential of ${s}: the password, or its complaint from the path on cut away. */
static const char *secret(const struct conf *c, const struct conf_secret *s)
{
	static char text[512];
	struct buf out, error;
	char *path;
	int r;

	buf_init(&out, 64);
	buf_init(&error, 4096);
	r = conf_secret_read(c, s, &out, &error);
	CHECK((r == 0) == (error.len == 0) && (r == 0 || out.len == 0));
	snprintf(text, sizeof(text), "%s", r == 0 ? buf_cstr(&out) : buf_cstr(&error));
	if ((path = strstr(text, site_dir)))
		memmove(path, path + strlen(site_dir) + 1, strlen(path + strlen(site_dir) + 1) + 1);
	buf_free(&out);
	buf_free(&error);
	return text;
}

static void secrets(void)
{
	struct conf_problems p = {0};
	struct conf *c = conf_load(site_main, &p);
	char path[128], long_one[128];
	struct conf_secret file = {path, NULL}, credential = {NULL, "secret"};

	if (!CHECK(c != NULL))
		return;
	snprintf(path, sizeof(path), "%s/secret", site_dir);
	CHECK(strstr(secret(c, &file), "cannot be read: No such file") != NULL);
	site_write("secret", "p w\xc3\xa4rd \n");
	CHECK_STR(secret(c, &file), "p w\xc3\xa4rd ");
	site_write("secret", "x\r\n");
	CHECK_STR(secret(c, &file), "x");
	site_write("secret", "\xef\xbb\xbfx\r\n");
	CHECK(strstr(secret(c, &file), "the password file secret begins with a byte order mark") != NULL);
	site_write("secret", "\n");
	CHECK_STR(secret(c, &file), "the password file secret does not hold one line of text");
	site_write("secret", "a\nb\n");
	CHECK_STR(secret(c, &file), "the password file secret does not hold one line of text");
	memset(long_one, 'x', 100);
	long_one[100] = 0;
	site_write("secret", long_one);
	CHECK_STR(secret(c, &file), "the password in secret is too long");
	site_write("secret", "x");
	for (mode_t bit = 1; bit <= 040; bit <<= 1) {
		chmod(path, 0600 | bit);
		CHECK(strstr(secret(c, &file), "others than its owner have a right to the password file secret. Run: chmod 600") != NULL);
	}
	chmod(path, 0600);
	if (geteuid() == 0) {
		CHECK(chown(path, 12345, 0) == 0);
		CHECK(strstr(secret(c, &file), "belongs to neither root nor the user") != NULL);
		CHECK(chown(path, 0, 0) == 0);
	}
	CHECK_STR(secret(c, &(struct conf_secret){NULL, NULL}), "no password is named");
	unsetenv("CREDENTIALS_DIRECTORY");
	CHECK(strstr(secret(c, &credential), "the credential secret cannot be found: systemd gave none") != NULL);
	setenv("CREDENTIALS_DIRECTORY", site_dir, 1);
	chmod(path, 0440); /* as systemd makes it, with an access list behind the group's bits */
	CHECK_STR(secret(c, &credential), "x");
	chmod(path, 0444);
	CHECK(strstr(secret(c, &credential), "others than its owner have a right") != NULL);
	conf_free(c);
	/* all that are named are tried, and told with the file that names them */
	site_write("backends.d/b.conf", EWS "serves *\n");
	site_write("directory.conf", "server ldaps://h\npreset openldap\nbase DC=a\nbind simple\nbind-name CN=x\npassword-credential none\n");
	c = conf_load(site_main, &p);
	if (CHECK(c != NULL))
		conf_secrets_check(c, &p);
	if (CHECK_INT(p.n, 2)) {
		CHECK(path_is(p.list[0].file, "backends.d/b.conf") && strstr(p.list[0].what, "others than its owner"));
		CHECK(path_is(p.list[1].file, "directory.conf") && strstr(p.list[1].what, "cannot be read"));
	}
	conf_problems_free(&p);
	conf_free(c);
	site_remove("directory.conf");
	site_remove("backends.d/b.conf");
}

static void warnings(void)
{
	struct conf_problems p = {0};
	struct conf *c;

	site_write("backends.d/b.conf", DAV "serves c.example\nserves x@c.example\nserves a.example\nserves *\n");
	c = conf_load(site_main, &p);
	if (CHECK(c != NULL))
		conf_warnings(c, &p);
	CHECK_INT(p.n, 2);
	CHECK(p.n == 2 && p.list[1].line == 5);
	conf_problems_free(&p);
	conf_free(c);
	site_remove("backends.d/b.conf");
}

/* A backend that is the bridge itself, whose public_url is https://h since served_twice(). */
static void warns_of_itself(void)
{
	struct conf_problems p = {0};
	struct conf *c;

	for (int other = 0; other < 2; other++) {
		site_write("backends.d/b.conf", other ? "type ews\nurl https://h:8443/EWS/Exchange.asmx\nauth none\nserves *\n"
		                                      : "type ews\nurl https://H:443/EWS/Exchange.asmx\nauth none\nserves *\n");
		c = conf_load(site_main, &p);
		if (CHECK(c != NULL))
			conf_warnings(c, &p);
	CHECK_INT(p.n, !other);
		CHECK(other || strstr(p.list[0].what, "this bridge itself"));
		conf_problems_free(&p);
		conf_free(c);
	}
	site_remove("backends.d/b.conf");
}

/* Two domains at a place that the name alone leads to. */
static void warns_of_places(void)
{
	static const struct {
		const char *more, *what;
	} cases[] = {
		{"serves *\ncalendar /c/{user}/\nprincipal /p/{domain}/{user}\n", "/c/{user}/ is the same place for NAME@a.example and NAME@c.example"},
		{"serves a.example\nserves c.example\nprincipal /p/{user}\n", "/p/{user} is the same place"}, {"serves a.example\ncalendar /c/{user}/\n", NULL},
		{"serves *\ncalendar /c/{address}/\n", NULL}, {"serves a.example\nserves x@c.example\ncalendar /c/{user}/\n", NULL},
	};

	site_write("address-spaces.conf", "a.example local\nc.example local\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct conf_problems p = {0};
		char text[300];

		snprintf(text, sizeof(text), DAV "%s", cases[i].more);
		site_write("backends.d/b.conf", text);
		struct conf *c = conf_load(site_main, &p);
		if (CHECK(c != NULL))
			conf_warnings(c, &p);
		if (CHECK_INT(p.n, cases[i].what != NULL) && p.n && !CHECK(strstr(p.list[0].what, cases[i].what)))
			fprintf(stderr, "\t%s\n", p.list[0].what);
		conf_problems_free(&p);
		conf_free(c);
	}
	site_write("address-spaces.conf", "a.example local\n");
	site_remove("backends.d/b.conf");
}

/* Every setting stands in the manual, in the section of its file. */
static void documented(const char *section, const char *(*name)(size_t i))
{
	static char manual[1 << 17];
	FILE *f = fopen("docs/availbridge.conf.5", "re");
	char want[64], *start, *end;

	if (!CHECK(f != NULL))
		return;
	manual[fread(manual, 1, sizeof(manual) - 1, f)] = 0;
	fclose(f);
	snprintf(want, sizeof(want), "\n.SS %s\n", section);
	if (!CHECK((start = strstr(manual, want)) != NULL))
		return;
	if ((end = strstr(start + 1, "\n.SS ")) || (end = strstr(start + 1, "\n.SH ")))
		*end = 0;
	for (size_t i = 0; name(i); i++) {
		size_t n = (size_t)snprintf(want, sizeof(want), "\n.TP\n.BR ");

		for (const char *s = name(i); *s; s++)
			n += (size_t)snprintf(want + n, sizeof(want) - n, *s == '-' ? "\\-" : "%c", *s);
		bool bold = strstr(start, want) != NULL;

		want[strlen("\n.TP\n.B")] = 'I'; /* behind it stands what is to be filled in */
		if (!CHECK(bold || strstr(start, want)))
			fprintf(stderr, "\t%s is not in docs/availbridge.conf.5\n", name(i));
	}
}

int main(void)
{
	site_new();
	whole();
	print();
	backends();
	served_twice();
	rules();
	directory();
	secrets();
	warnings();
	warns_of_places();
	warns_of_itself();
	documented("backends.d/NAME.conf", conf_backend_setting_name);
	documented("directory.conf", conf_directory_setting_name);
	site_end();
	return check_done();
}
