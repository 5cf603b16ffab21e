#ifndef BRIDGE_LOGIN_PAC_H
#define BRIDGE_LOGIN_PAC_H
#include <stdbool.h>
#include "bridge/login/bytes.h"

/* What a KDC of Active Directory writes into its tickets about the account that they are for ([MS-PAC]). Pure. */
enum { PAC_NAME_MAX = 1024 };

/*
 * The account's name (sAMAccountName) out of ${info}, the KERB_VALIDATION_INFO of a ticket ([MS-PAC] 2.5), in UTF-8. False, and "", if
 * that is malformed, says no name, or one of more than PAC_NAME_MAX bytes.
 */
bool pac_account(struct login_bytes info, char out[PAC_NAME_MAX + 1]);
#endif
