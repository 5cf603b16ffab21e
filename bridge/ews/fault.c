#include "bridge/base/text.h"
#include "bridge/ews/response.h"
#include "bridge/ews/soap.h"

/* SOAP faults as Exchange 2010 and later write them. */

int ews_write_fault(struct buf *out, const struct ews_fault *f)
{
	const char *code = f->code ? f->code : "ErrorInternalServerError";
	const char *text = f->text ? f->text : "The request failed.";
	bool schema = f->violation != NULL;

	soap_begin(out);
	buf_puts(out, "<s:Fault><faultcode xmlns:a=\"" NS_TYPES "\">a:");
	text_xml(out, code);
	buf_puts(out, "</faultcode><faultstring xml:lang=\"en-US\">");
	if (schema)
		buf_puts(out, "The request failed schema validation: ");
	text_xml(out, text);
	buf_puts(out, "</faultstring><detail><e:ResponseCode xmlns:e=\"" NS_ERRORS "\">");
	text_xml(out, code);
	buf_puts(out, "</e:ResponseCode><e:Message xmlns:e=\"" NS_ERRORS "\">");
	text_xml(out, schema ? "The request failed schema validation." : text);
	buf_puts(out, "</e:Message>");
	if (schema) {
		buf_puts(out, "<t:MessageXml>");
		soap_put_int(out, "t:LineNumber", f->line);
		soap_put_int(out, "t:LinePosition", f->column);
		soap_put(out, "t:Violation", f->violation);
		buf_puts(out, "</t:MessageXml>");
	}
	buf_puts(out, "</detail></s:Fault>");
	return soap_end(out);
}

int ews_write_fault_code(struct buf *out, const char *code, const char *text)
{
	struct ews_fault f = {.code = code, .text = text};

	return ews_write_fault(out, &f);
}
