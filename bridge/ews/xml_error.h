#ifndef BRIDGE_EWS_XML_ERROR_H
#define BRIDGE_EWS_XML_ERROR_H
#include <libxml/xmlerror.h>
#include <libxml/xmlversion.h>

/* What a handler of libxml2's errors is given, borrowed for the call: it became const with 2.12, and Debian 12 and 13 have 2.9. */
#if LIBXML_VERSION >= 21200
typedef const xmlError *xml_error;
#else
typedef xmlError *xml_error;
#endif
#endif
