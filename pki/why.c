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

static const char no_13[] = "the other side does not speak TLS 1.3, and nothing older is spoken here",
                  no_12[] = "the other side speaks neither TLS 1.2 nor 1.3, and nothing older is spoken here: switch TLS 1.2 on over there",
                  no_link[] = "what the other side sent is no TLS: is that a link port, and is this its caller's?",
                  no_tls[] = "what the other side sent is no TLS: does it speak HTTP where HTTPS is meant?",
                  no_suite[] = "the other side takes no cipher suite that is spoken here: with TLS 1.2 that is ECDHE with AES-GCM, ChaCha20, or "
                               "AES-CBC and SHA-256 or SHA-384",
                  no_group[] = "the other side takes none of the groups that are spoken here: X25519, P-256, P-384 and P-521";

/* What OpenSSL says in a word or two, for whoever has to mend it: on the link, where both ends are bridges, and elsewhere. */
static const struct {
	int reason;
	const char *link, *other;
} sentences[] = {
	{SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "the other side showed no certificate, so its key cannot be compared with a pin", NULL},
	{SSL_R_BAD_SIGNATURE, "the other side does not hold the key of the certificate that it shows: is its key file another identity's?", NULL},
	{SSL_R_EXCESSIVE_MESSAGE_SIZE,
	 "the other side sent more than is taken in a TLS handshake (its chain of certificates may be too long; its own is enough)", NULL},
	{SSL_R_UNSUPPORTED_PROTOCOL, no_13, no_12},
	{SSL_R_NO_PROTOCOLS_AVAILABLE, no_13, no_12},
	{SSL_R_WRONG_SSL_VERSION, no_13, no_12},
	{SSL_R_VERSION_TOO_LOW, no_13, no_12},
	{SSL_R_HTTP_REQUEST, no_link, no_tls},
	{SSL_R_HTTPS_PROXY_REQUEST, no_link, no_tls},
	{SSL_R_WRONG_VERSION_NUMBER, no_link, no_tls},
	{SSL_R_NO_SHARED_CIPHER, no_suite, no_suite},
	{SSL_R_NO_SUITABLE_KEY_SHARE, no_group, no_group},
};

static const char *sentence_of(const struct pki_tls *t, int reason)
{
	bool link = t->recipe == PKI_LINK || t->recipe == PKI_GUEST;

	for (size_t i = 0; i < sizeof(sentences) / sizeof(*sentences); i++)
		if (sentences[i].reason == reason)
			return link || !sentences[i].other ? sentences[i].link : sentences[i].other;
	return NULL;
}

static void other_text(char *out, size_t n, const struct pki_tls *t, SSL *ssl, const char *host, int reason)
{
	const char *sentence = sentence_of(t, reason);
	struct buf words;

	if (sentence) {
		snprintf(out, n, "%s", sentence);
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
		other_text(out, n, c->tls, ssl, host, reason);
	return c->refusal || (!lost && reason <= SSL_AD_REASON_OFFSET);
}
