#include <stdio.h>
#include <string.h>
#include <openssl/err.h>
#include "pki/parts.h"

/* An alert came. On the link those about certificates mean that our pin is not (or no longer) known over there. */
static void alert_text(char *out, size_t n, const struct pki_tls *t, int alert)
{
	bool about_us = (alert >= SSL3_AD_NO_CERTIFICATE && alert <= SSL3_AD_CERTIFICATE_UNKNOWN) || alert == TLS1_AD_UNKNOWN_CA ||
	                alert == TLS1_AD_ACCESS_DENIED || alert == TLS13_AD_CERTIFICATE_REQUIRED;
	const char *words = SSL_alert_desc_string_long(alert);
	char own[PKI_PIN_TEXT];

	if (t->recipe == PKI_GUEST && alert == TLS1_AD_NO_APPLICATION_PROTOCOL) {
		snprintf(out, n, "no invitation is open there: it was not made, has run out, was withdrawn, or was used up");
	} else if (t->recipe == PKI_LINK && about_us) {
		pki_pin_text(own, t->own_pin);
		snprintf(out, n, "the other side does not know our key (pin %s), or has not switched us on: it answered \"%s\"", own, words);
	} else {
		snprintf(out, n, "the other side ended TLS with the alert \"%s\"", words);
	}
}

static void loss_text(char *out, size_t n, bool handshaking, int saved_errno)
{
	if (saved_errno)
		snprintf(out, n, "the connection was lost: %s", strerror(saved_errno));
	else if (handshaking)
		snprintf(out, n, "the other side closed the connection during the TLS handshake");
	else
		snprintf(out, n, "the connection was cut off without a goodbye");
}

static void other_text(char *out, size_t n, SSL *ssl, const char *host, int reason)
{
	struct buf words;

	if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
		snprintf(out, n, "the other side showed no certificate, so its key cannot be compared with a pin");
	} else if (reason == SSL_R_BAD_SIGNATURE) {
		snprintf(out, n, "the other side does not hold the key of the certificate that it shows: is its key file another identity's?");
	} else if (reason == SSL_R_EXCESSIVE_MESSAGE_SIZE) {
		snprintf(out, n, "the other side sent more than is taken in a TLS handshake (its chain of certificates may be too long; its own is enough)");
	} else if (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_NO_PROTOCOLS_AVAILABLE || reason == SSL_R_WRONG_SSL_VERSION) {
		snprintf(out, n, "the other side does not speak TLS 1.3, and nothing older is spoken here");
	} else if (reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST || reason == SSL_R_WRONG_VERSION_NUMBER) {
		snprintf(out, n, "what the other side sent is no TLS: is that a link port, and is this its caller's?");
	} else if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
		snprintf(out, n, "the certificate of %s is not trusted: %s", host ? host : "the other side",
		         X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
	} else {
		buf_init(&words, 512);
		pki_errors_put(&words);
		snprintf(out, n, "TLS failed: %s", buf_cstr(&words));
		buf_free(&words);
	}
}

bool pki_why(char *out, size_t n, const struct pki_check *c, SSL *ssl, const char *host, int error, int saved_errno)
{
	/* The first is the cause; from OpenSSL 3.2 on one of its provider may stand before what TLS makes of it. */
	unsigned long e = ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_SSL ? ERR_peek_error() : ERR_peek_last_error();
	int reason = ERR_GET_LIB(e) == ERR_LIB_SSL ? ERR_GET_REASON(e) : 0;
	bool lost = error == SSL_ERROR_SYSCALL || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING;

	if (c->refusal)
		snprintf(out, n, "%s", c->refusal);
	else if (lost)
		loss_text(out, n, !c->up, error == SSL_ERROR_SYSCALL ? saved_errno : 0);
	else if (reason > SSL_AD_REASON_OFFSET)
		alert_text(out, n, c->tls, reason - SSL_AD_REASON_OFFSET);
	else
		other_text(out, n, ssl, host, reason);
	return c->refusal || (!lost && reason <= SSL_AD_REASON_OFFSET);
}
