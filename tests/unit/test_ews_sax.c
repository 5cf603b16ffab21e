/* links: base availability ews acl conf pki */
#include <dirent.h>
#include <dlfcn.h>
#include <libxml/parser.h>
#include "tests/unit/check.h"
#include "tests/unit/ews_help.h"
#include "tests/unit/sax_events.h"
#include "bridge/base/file.h"
#include "bridge/ews/client.h"
#include "bridge/ews/soap.h"

/* Our own walker: what it takes and what it leaves, libxml2 being asked each time whether it takes the same for the same. */

static int asked; /* how often libxml2 was given a document */

/* Stands before the library's. */
xmlDocPtr xmlCtxtReadMemory(xmlParserCtxtPtr ctxt, const char *buffer, int size, const char *url, const char *encoding, int options)
{
	xmlDocPtr (*real)(xmlParserCtxtPtr, const char *, int, const char *, const char *, int);

	*(void **)&real = dlsym(RTLD_NEXT, "xmlCtxtReadMemory");
	asked++;
	return real(ctxt, buffer, size, url, encoding, options);
}

static bool takes_bytes(const char *xml, size_t n)
{
	bool taken = false;

	if (!CHECK(events_agree(xml, n, &taken)))
		fprintf(stderr, "\tlibxml2 says otherwise of %.300s\n", xml);
	return taken;
}

static bool takes(const char *xml)
{
	return takes_bytes(xml, strlen(xml));
}

#define A " xmlns='http://a.example/a'"
#define P " xmlns:p='http://a.example/p'"
#define Q " xmlns:q='http://a.example/q'"

static void test_taken(void)
{
	static const char *const documents[] = {
		"<a/>", "<a></a>", "<a ></a >", "<a\r\n\t/>", "  \n<a/>\r\n ", "\xef\xbb\xbf<a/>", "<_a-1.b/>", "<xmlish/>",
		"<?xml version='1.0'?><a/>", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a/>",
		"<?xml version='1.0' encoding='utf-8' standalone='no' ?><a/>", "<?xml\nversion = '1.0'\tstandalone='yes'?><a/>",
		"\xef\xbb\xbf<?xml version='1.0' encoding='Utf-8'?><a/>",
		/* namespaces */
		"<a" A "><b/></a>", "<p:a" P "/>", "<p:a" P "><p:b><c/></p:b></p:a>", "<a" A P "><p:a/><a xmlns=''><a/></a><b/></a>",
		"<a xmlns=''/>", "<p:a" P "><p:b xmlns:p='http://b.example/b'><p:c/></p:b><p:d/></p:a>", "<p:a x='1'" P " p:y='2'/>",
		"<a" A " b='default is not for attributes'/>", "<a" P Q "><b p:x='1' q:x='2' x='3'/></a>", "<a" P "><b" P "/></a>",
		"<a" A P "/>", "<p:a" P ">\n<p:a" P "/>\n</p:a>",
		/* attributes */
		"<a b=''/>", "<a b='\"' c=\"'\"/>", "<a b = 'x'/>", "<a b\n=\r\n'x'\tc='y'/>", "<a b='> / = ]]>'/>",
		"<a b='\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80'/>",
		/* texts */
		"<a>b</a>", "<a> b\t\n</a>", "<a>\r\n b\r\n\r\n</a>", "<a>&amp;&lt;&gt;&quot;&apos;</a>",
		"<a>x&#65;&#x41;&#x7e;&#9;&#10;&#xD;y</a>", "<a>&#0065;&#x00004a;</a>", "<a>]]</a>", "<a>]</a>", "<a>]]&gt;</a>",
		"<a>> ' \" =</a>", "<a>\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\x7f\xc2\x85\xe2\x80\xa8\xef\xbf\xbd</a>",
		"<a>b<c>d</c>e<f/>g</a>",
	};

	for (size_t i = 0; i < sizeof documents / sizeof *documents; i++)
		if (!CHECK(takes(documents[i])))
			fprintf(stderr, "\tleft: %s\n", documents[i]);
}

static void test_left(void)
{
	static const char *const documents[] = {
		/* of nobody */
		"", "x", "<", "<a", "<a>", "<a></a", "</a>", "<a/><b/>", "<a/>x", "x<a/>", "<a></b>", "<a><b></a></b>", "<a></a b=''>",
		"< a/>", "<a / >", "<a></ a>", "<1/>", "<-/>", "<a", "<a/", "<a b/>", "<a b=/>", "<a b=c/>", "<a b='c/>",
		"<a b='c'd='e'/>", "<a b='1' b='2'/>", "<a b='<'/>", "<a b='&'/>", "<a b='\x01'/>", "<a b='\xff'/>", "<a>&</a>",
		"<a>&x;</a>", "<a>&amp</a>", "<a>&#;</a>", "<a>&#x;</a>", "<a>&#0;</a>", "<a>&#1;</a>", "<a>&#x41</a>", "<a>&#X41;</a>",
		"<a>&#\x11;</a>", "<a>&#xfffe;</a>", "<a>\x01</a>", "<a>]]></a>", "<a>]]]></a>", "<a>\xc3</a>", "<a>\xc0\x80</a>",
		"<a>\xed\xa0\x80</a>", "<a>\xef\xbf\xbe</a>", "<a>\xef\xbf\xbf</a>", "<a>\xf4\x90\x80\x80</a>",
		"\xef\xbb\xbf\xef\xbb\xbf<a/>", " <?xml version='1.0'?><a/>", "<?xml version='1.0'?>", "<?xml version='1.0'><a/>",
		"<?xml version='1.0'encoding='utf-8'?><a/>", "<?xml encoding='utf-8'?><a/>", "<?xml encoding='utf-8' version='1.0'?><a/>",
		"<?xml version='1.0' standalone='maybe'?><a/>", "<?xml version='2'?><a/>",
		/* of no namespace */
		"<p:a/>", "<a p:b=''/>", "<a" P "/><p:b/>", "<a><b" P "/><p:c/></a>", "<p:a" P P "/>", "<a" A A "/>", "<a xmlns:p=''/>",
		"<:a/>", "<a:/>", "<p:q:a" P Q "/>", "<p:1" P "/>", "<a" P " xmlns:q='http://a.example/p' p:x='1' q:x='2'/>",
		"<a" P " p:x='1' p:x='2'/>", "<a xmlns:xmlns='http://a.example/'/>", "<xmlns:a/>", "<a xmlns:xml='http://a.example/'/>",
		"<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>", "<a xmlns='http://www.w3.org/XML/1998/namespace'/>",
		"<a xmlns:p='http://www.w3.org/2000/xmlns/'/>", "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
		"<a xmlns='http://a.example/%'/>", "<a xmlns='http://[/'/>",
		/* of libxml2 */
		"<!-- c --><a/>", "<a><!-- c --></a>", "<a/><!-- c -->", "<a><![CDATA[b]]></a>", "<?p i?><a/>", "<a><?p i?></a>",
		"<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "<?xml version='1.1'?><a/>",
		"<?xml version='1.0' encoding='us-ascii'?><a/>", "<?xml version='1.0' encoding='iso-8859-1'?><a>\xe4</a>", "<a>\r</a>",
		"<a b='c\td'/>", "<a b='c\nd'/>", "<a b='c\rd'/>", "<a b='&amp;'/>", "<a b='&#65;'/>", "<\xc3\xa4/>", "<a>&#228;</a>",
		"<a xml:lang='de'/>", "<a xml:space='preserve'> </a>", "<a xmlns='urn:x'/>", "<a xmlns='x'/>",
		"<a xmlns='http://a.example:80/?b#c'/>", "<a xmlns=' http://a.example/'/>",
	};
	static const char wide[] = "<\0a\0/\0>\0", zero[] = "<a>\0</a>";

	for (size_t i = 0; i < sizeof documents / sizeof *documents; i++)
		if (!CHECK(!takes(documents[i])))
			fprintf(stderr, "\ttaken: %s\n", documents[i]);
	CHECK(!takes_bytes(wide, sizeof wide - 1));
	CHECK(!takes_bytes(zero, sizeof zero - 1));
	CHECK(!takes_bytes("<a/>\0", 5));
	CHECK(!takes_bytes(NULL, 0));
}

/* <a> with ${n} times ${part}, whose "%zu" is a number, behind it. */
static const char *many(const char *start, const char *part, size_t n, const char *end)
{
	static struct buf b;

	buf_free(&b);
	buf_init(&b, 16 << 20);
	buf_puts(&b, start);
	for (size_t i = 0; i < n; i++) {
		const char *number = strchr(part, '#');

		buf_add(&b, part, number ? (size_t)(number - part) : strlen(part));
		if (number)
			buf_putu(&b, i);
		buf_puts(&b, number ? number + 1 : "");
	}
	buf_puts(&b, end);
	return buf_cstr(&b);
}

static const char *nested(size_t depth)
{
	static char text[1000];

	strcpy(text, many("", "<a>", depth, ""));
	return many(text, "</a>", depth, "");
}

static void test_limits(void)
{
	CHECK(takes(nested(SAX_MAX_DEPTH)));
	CHECK(!takes(nested(SAX_MAX_DEPTH + 1)));
	CHECK(takes(many("<a", " b#='c'", 10, "/>")));
	CHECK(!takes(many("<a", " b#='c'", SAX_MAX_ATTRIBUTES + 1, "/>")));
	CHECK(!takes(many("<a", " b#='c'", 20000, "/>")));
	CHECK(takes(many("<a", " xmlns:b#='http://a.example/'", 10, "/>")));
	CHECK(!takes(many("<a", " xmlns:b#='http://a.example/'", SAX_MAX_ATTRIBUTES + 1, "/>")));
	/* What goes out of scope does not count. */
	CHECK(takes(many("<a>", "<b xmlns:c='http://a.example/'/>", 1000, "</a>")));
	CHECK(!takes(many("<", "abcdefghij", 6000, "/>")));
	CHECK(takes(many("<a>", "0123456789", 100000, "</a>")));
	CHECK(takes(many("<a b='", "0123456789", 100000, "'/>")));
	CHECK(!takes(many("<a>", "0123456789", 1000000, "</a>"))); /* libxml2 has limits at ten million bytes */
}

/* Nothing comes after an event that is refused, from either walker. */
static void test_refused(void)
{
	static const char xml[] = "<a>b<c/>d</a>";

	for (size_t most = 1; most <= 7; most++) {
		struct events ours, theirs;

		events_init(&ours);
		events_init(&theirs);
		ours.most = theirs.most = most;
		CHECK_INT(events_plain(&ours, xml, sizeof xml - 1), most == 7);
		CHECK_INT(events_libxml2(&theirs, xml, sizeof xml - 1), most == 7);
		CHECK(!ours.late && !theirs.late);
		CHECK_INT(ours.n, most == 7 ? 6 : most);
		CHECK_INT(theirs.n, most == 7 ? 6 : most);
		buf_free(&ours.out);
		buf_free(&theirs.out);
	}
}

static const char reply[] =
	"<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"" NS_SOAP "\"><s:Header>"
	"<h:ServerVersionInfo MajorVersion=\"15\" MinorVersion=\"2\" MajorBuildNumber=\"1544\" xmlns:h=\"" NS_TYPES "\" xmlns=\"" NS_TYPES "\""
	" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"/></s:Header>"
	"<s:Body xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">"
	"<GetUserAvailabilityResponse xmlns=\"" NS_MESSAGES "\"><FreeBusyResponseArray>"
	"<FreeBusyResponse><ResponseMessage ResponseClass=\"Success\"><ResponseCode>NoError</ResponseCode></ResponseMessage><FreeBusyView>"
	"<FreeBusyViewType xmlns=\"" NS_TYPES "\">DetailedMerged</FreeBusyViewType><MergedFreeBusy xmlns=\"" NS_TYPES "\">0022</MergedFreeBusy>"
	"<CalendarEventArray xmlns=\"" NS_TYPES "\"><CalendarEvent>"
	"<StartTime>2026-03-02T01:00:00</StartTime><EndTime>2026-03-02T02:00:00</EndTime>"
	"<BusyType>Busy</BusyType><CalendarEventDetails><ID>0000</ID><Subject>Q&amp;A \xc3\xbc&#x62;er</Subject>"
	"<Location>\r\n</Location></CalendarEventDetails></CalendarEvent>"
	"</CalendarEventArray></FreeBusyView></FreeBusyResponse></FreeBusyResponseArray></GetUserAvailabilityResponse></s:Body></s:Envelope>";

/* One changed byte, or an end that comes early: taken or not, libxml2 says the same; an early end is never taken. */
static void test_mutations(void)
{
	static const char instead[] = {0, 1, '<', '>', '&', ';', '"', '\'', '/', '=', ':', ' ', '\n', '\r', ']', '-', '.', '#', 'a', 'x',
	                               '0', '\x7f', '\x80', '\xc3', '\xff'};
	size_t n = sizeof reply - 1, taken = 0;
	char *text = strdup(reply);

	CHECK(takes(reply));
	for (size_t i = 0; i < n; i++) {
		bool took;

		if (!CHECK(events_agree(reply, i, &took) && !took))
			fprintf(stderr, "\tcut at %zu\n", i);
		for (size_t j = 0; j < sizeof instead; j++) {
			text[i] = instead[j];
			if (!CHECK(events_agree(text, n, &took)))
				fprintf(stderr, "\tbyte %zu is %d\n", i, instead[j]);
			taken += took;
		}
		text[i] = reply[i];
	}
	CHECK(taken > n); /* letters of names and texts */
	free(text);
}

/* ---- who reads by it */

static const char *body_of(struct buf *b, const char *file)
{
	char path[512];
	const char *text, *body;

	snprintf(path, sizeof path, "tests/captures/%s", file);
	if (!CHECK(file_read(path, b) == FILE_OK))
		return NULL;
	text = buf_cstr(b);
	body = strstr(text, "\r\n\r\n") ? strstr(text, "\r\n\r\n") + 4 : strstr(text, "\n\n") ? strstr(text, "\n\n") + 2 : "";
	return strncasecmp(text, "POST /ews/", 10) == 0 && *body == '<' ? body : NULL;
}

/* What real clients ask does not reach libxml2. */
static void test_clients(void)
{
	DIR *dir = opendir("tests/captures");
	size_t met = 0;

	CHECK(dir != NULL);
	asked = 0;
	for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
		struct buf b;
		const char *body;

		buf_init(&b, 1 << 20);
		if (e->d_name[0] != '.' && (body = body_of(&b, e->d_name))) {
			ews_request_free(read_text(body));
			if (!CHECK_INT(asked, 0))
				fprintf(stderr, "\t%s\n", e->d_name);
			asked = 0;
			met++;
		}
		buf_free(&b);
	}
	CHECK(met > 40);
	if (dir)
		closedir(dir);
}

#define QUESTION(prolog, behind) \
	prolog SOAP("", GUA(BERLIN BOXES(MAILBOX("a@b.example") MAILBOX("b@b.example")) OPTIONS(MARCH INTERVAL("30") VIEW("FreeBusy"))) behind)

/* Two mailboxes, ${times} libxml2 was asked. */
static void question_is_read(const char *xml, int times)
{
	struct ews_request *r;

	asked = 0;
	r = read_text(xml);
	CHECK_STR(r->fault.code, NULL);
	CHECK_INT(r->query.n, 2);
	CHECK_STR(r->query.mailboxes[1].address, "b@b.example");
	CHECK_INT(asked, times);
	ews_request_free(r);
}

static void test_questions(void)
{
	struct ews_request *r;

	question_is_read(QUESTION("", ""), 0);
	question_is_read(QUESTION("\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n", "\r\n"), 0);
	/* What was read before the comment was met is forgotten when libxml2 begins. */
	question_is_read(QUESTION("", "<!-- end -->"), 1);
	/* Who must say where it is wrong is libxml2. */
	asked = 0;
	r = read_text("\n" SOAP("", GUA("<m:Wrong/>")));
	CHECK_STR(r->fault.code, "ErrorSchemaValidation");
	CHECK_INT(r->fault.line, 2);
	CHECK_INT(asked, 1);
	ews_request_free(r);
}

/* One answer with an event of an hour, ${times} libxml2 was asked. */
static void reply_is_read(const char *xml, int times)
{
	char codes[1][EWS_CLIENT_CODE_MAX];
	struct ews_client_said said = {.codes = codes};
	struct fb_answer *a = NULL;
	struct buf error;

	buf_init(&error, 1000);
	asked = 0;
	if (CHECK_INT(ews_client_read(xml, strlen(xml), fb_zone_utc(), &a, 1, &error, &said), 0)) {
		CHECK_INT(a->reason, FB_OK);
		CHECK_INT(a->n_events, 1);
		CHECK_STR(a->events[0].subject, "Q&A \xc3\xbc" "ber");
		CHECK_STR(a->events[0].location, "");
		CHECK_STR(codes[0], "NoError");
	}
	CHECK_INT(asked, times);
	fb_answer_free(a);
	buf_free(&error);
}

static void test_replies(void)
{
	char text[sizeof reply + 20];

	reply_is_read(reply, 0);
	snprintf(text, sizeof text, "%s<!-- end -->", reply);
	reply_is_read(text, 1);
}

/* How many elements of ${xml} came again, those within one other being kept; it must say the same as without. */
static size_t again(const char *xml)
{
	struct events e;

	events_init(&e);
	CHECK(takes(xml));
	CHECK(events_plain_again(&e, xml, strlen(xml), 2));
	buf_free(&e.out);
	return e.again;
}

static void test_again(void)
{
	CHECK_INT(again("<a><b x='1'>t<c/></b><b x='1'>t<c/></b> <b x='1'>t<c/></b></a>"), 2);
	CHECK_INT(again("<a><b/><b/>t<b/></a>"), 2);
	CHECK_INT(again("<a><b>t</b><b>u</b><b>u</b><b>t</b></a>"), 1);
	/* as many bytes, another scope */
	CHECK_INT(again("<a xmlns='http://x.example/'><b/><c xmlns='http://x.example/'><b/><b/></c></a>"), 0);
	CHECK_INT(again("<a xmlns:p='http://x.example/'><p:b/><p:b/></a>"), 1);
	/* elsewhere */
	CHECK_INT(again("<a><b>t</b><c><b>t</b></c><b>t</b></a>"), 0);
	CHECK_INT(again("<a><b><b/></b><b/></a>"), 0);
	CHECK_INT(again("<a><b/><bb/></a>"), 0);
}

/* What another bridge is asked with. */
static void test_own_question(void)
{
	struct fb_mailbox who = {"o'hara&sons@b.example", "o'hara&sons@b.example"};
	struct fb_query q = {.mailboxes = &who, .n = 1, .window = {1772409600, 1772496000}, .interval = 30, .view = FB_VIEW_MERGED};
	const struct fb_zone_rule utc = {0};
	struct buf b;

	buf_init(&b, 1 << 16);
	CHECK_INT(ews_client_write(&b, &q, &utc, 2016), 0);
	CHECK(takes(buf_cstr(&b)));
	buf_free(&b);
}

int main(void)
{
	test_taken();
	test_left();
	test_limits();
	test_refused();
	test_mutations();
	test_clients();
	test_questions();
	test_replies();
	test_again();
	test_own_question();
	return check_done();
}
