#include <stdio.h>
#include <string.h>
#include "bridge/base/text.h"
#include "bridge/front/parts.h"

static const char XML[] = "text/xml; charset=utf-8";

/* Who asks, as the rules see it: a person, or the organisation as a whole for whose accounts it is asked. */
static void requester_of(const struct connection *c, struct fb_requester *out)
{
	const struct conf_account *a = c->who.account;

	memset(out, 0, sizeof(*out));
	out->is_person = !a || a->kind == CONF_FOR_USER;
	snprintf(out->name, sizeof(out->name), "%s", !out->is_person ? c->front->conf->primary_domain : a ? a->address : c->who.address);
	if (!out->is_person)
		snprintf(out->account, sizeof(out->account), "%s", a->name);
}

static void on_soap(void *arg, int status, struct buf *body)
{
	struct connection *c = arg;

	c->soap = NULL;
	respond(c, status, XML, "", body);
}

static void answer_ews(struct connection *c)
{
	struct fb_requester who;

	requester_of(c, &who);
	c->soap = front_soap_ask(c->front->doors, &who, c->who.account && c->who.account->kind == CONF_FOR_SERVER, c->client_id,
	                         buf_ptr(&c->body), c->body.len, on_soap, c);
	if (!c->soap) {
		respond_text(c, 503, "Retry-After: 5\r\n", "There is no memory for this request at the moment.");
		return;
	}
	strcpy(c->request_id, front_soap_id(c->soap)); /* one id in both lines of the log and on the link */
	c->operation = front_soap_operation(c->soap);
	buf_free(&c->body);
}

static void finish(struct connection *c, int status, const char *type, struct buf *out)
{
	if (status < 0 || out->failed)
		respond_text(c, 500, "", "The answer does not fit.");
	else
		respond(c, status, type, "", out);
	buf_free(out);
}

static struct ews_autodiscover discovery_for(struct connection *c)
{
	struct ews_autodiscover a = c->front->autodiscover;

	a.arg = c;
	return a;
}

/* Exchange is told one of the two paths by its admin, and which of the two it then speaks there is not known: either is answered at both. */
static void answer_discovery(struct connection *c, bool soap)
{
	const struct ews_autodiscover a = discovery_for(c);
	const void *p = buf_ptr(&c->body);
	size_t n = c->body.len;
	struct buf out;

	soap = ews_autodiscover_is_soap(p, n, soap);
	c->operation = soap ? "autodiscover-soap" : "autodiscover-pox";
	buf_init(&out, 4 << 20);
	finish(c, soap ? ews_autodiscover_soap(&out, &a, p, n) : ews_autodiscover_pox(&out, &a, p, n), XML, &out);
}

static void answer_pox(struct connection *c)
{
	answer_discovery(c, false);
}

static void answer_svc(struct connection *c)
{
	answer_discovery(c, true);
}

static void answer_json(struct connection *c)
{
	const struct ews_autodiscover a = discovery_for(c);
	struct buf out;

	buf_init(&out, 64 << 10);
	finish(c, ews_autodiscover_json(&out, &a, c->request.path, c->request.query ? c->request.query : ""),
	       "application/json; charset=utf-8", &out);
}

static const struct route routes[] = {
	{"/ews/exchange.asmx", false, true, false, "POST", "ews", answer_ews},
	/* A browser is shown error 600, as by Exchange: that is how admins look whether somebody is there. */
	{"/autodiscover/autodiscover.xml", false, true, true, "GET, HEAD, POST", "autodiscover-pox", answer_pox},
	{"/autodiscover/autodiscover.svc", false, true, true, "POST", "autodiscover-soap", answer_svc},
	{"/autodiscover/autodiscover.json", true, false, true, "GET, HEAD", "autodiscover-json", answer_json},
};

const struct route *route_find(const char *path)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
		const char *behind = path + strlen(routes[i].path);

		if (text_istarts(path, routes[i].path) && (!*behind || (routes[i].below && *behind == '/')))
			return &routes[i];
	}
	return NULL;
}

bool route_takes(const struct route *r, enum http_method m)
{
	static const char *const names[] = {[HTTP_GET] = "GET", [HTTP_HEAD] = "HEAD", [HTTP_POST] = "POST"};

	return m != HTTP_OTHER && strstr(r->allow, names[m]);
}
