#ifndef BRIDGE_CONF_DIRECTORY_H
#define BRIDGE_CONF_DIRECTORY_H
#include <stdbool.h>
#include <stddef.h>
#include "bridge/conf/secret.h"

/* directory.conf as it was read. Part of conf.h. */

enum { CONF_DIRECTORY_SERVERS = 16 };
enum conf_preset { CONF_ACTIVE_DIRECTORY = 0, CONF_OPENLDAP };
enum conf_bind { CONF_BIND_NONE = 0, CONF_BIND_SIMPLE, CONF_BIND_GSSAPI };
enum conf_attribute {
	CONF_ATTRIBUTE_MAIL = 0, CONF_ATTRIBUTE_ALIASES, CONF_ATTRIBUTE_TARGET, CONF_ATTRIBUTE_HIDDEN, CONF_ATTRIBUTE_DISABLED,
	CONF_ATTRIBUTE_MEMBER, CONF_ATTRIBUTE_SID, CONF_ATTRIBUTE_UPN, CONF_ATTRIBUTE_ACCOUNT,
	CONF_ATTRIBUTE_RECIPIENT_TYPE, CONF_CLASS_PERSON, CONF_CLASS_GROUP, /* these two are values of objectClass */
	CONF_ATTRIBUTES
};
/* The directory server. Texts that are not given are NULL. */
struct conf_directory {
	char *file;
	char **servers; /* ldaps://HOST[:PORT], or ldap://HOST[:PORT] for StartTLS; in the order in which they are tried */
	size_t n_servers;
	enum conf_preset preset;
	char *base;     /* DN; "" = the root */
	enum conf_bind bind;
	char *bind_name; /* DN or UPN */
	struct conf_secret password;
	char *keytab, *principal, *ca_file;
	int timeout_ms, cache_ms;
	char *attributes[CONF_ATTRIBUTES]; /* never NULL: what is not given comes from the preset; "" = there is none */
	bool login;     /* Basic logins are checked by a bind */
};
#endif
