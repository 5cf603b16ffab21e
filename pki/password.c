#include "pki/password.h"
#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include "bridge/base/text.h"

enum { COST_N = 16384, COST_R = 8, COST_P = 1, SALT_LEN = 16, HASH_LEN = 32 };
enum { MAX_PART = 64, MIN_SALT = 8, MIN_HASH = 16, MAX_MEMORY = 64 << 20, MAX_TEXT = 300 };
enum { MAC_LEN = 32, REMEMBER_MS = 5 * 60 * 1000 };

/* One stored hash, taken apart. */
struct parts {
	int64_t n, r, p;
	uint8_t salt[MAX_PART], hash[MAX_PART];
	size_t salt_len, hash_len;
};

static bool derive(const struct parts *t, const char *password, uint8_t *out, size_t n)
{
	uint64_t memory = (uint64_t)128 * (uint64_t)t->r * (uint64_t)(t->n + t->p + 2) + (1 << 20);

	return EVP_PBE_scrypt(password, strlen(password), t->salt, t->salt_len, (uint64_t)t->n, (uint64_t)t->r, (uint64_t)t->p, memory,
	                      out, n) == 1;
}

static bool part(const char *s, uint8_t out[MAX_PART], size_t min, size_t *len)
{
	struct buf raw;
	bool ok;

	buf_init(&raw, MAX_PART);
	ok = text_unbase64(&raw, s, strlen(s)) == 0 && raw.len >= min;
	if (ok) {
		memcpy(out, buf_ptr(&raw), raw.len);
		*len = raw.len;
	}
	buf_wipe(&raw);
	return ok;
}

static bool take_apart(const char *hash, struct parts *t)
{
	char copy[MAX_TEXT], *field[6], *rest = copy;
	size_t n = 0;

	memset(t, 0, sizeof(*t));
	if (strlen(hash) >= sizeof(copy))
		return false;
	strcpy(copy, hash);
	while (n < 6 && (field[n] = strsep(&rest, ":")))
		n++;
	if (n != 6 || rest || strcmp(field[0], "scrypt") != 0)
		return false;
	if (!text_int(field[1], 1024, 1 << 20, &t->n) || !text_int(field[2], 1, 32, &t->r) || !text_int(field[3], 1, 16, &t->p))
		return false;
	if ((t->n & (t->n - 1)) != 0 || 128 * t->n * t->r > MAX_MEMORY)
		return false;
	return part(field[4], t->salt, MIN_SALT, &t->salt_len) && part(field[5], t->hash, MIN_HASH, &t->hash_len);
}

int pki_password_hash(struct buf *out, const char *password)
{
	struct parts t = {.n = COST_N, .r = COST_R, .p = COST_P, .salt_len = SALT_LEN, .hash_len = HASH_LEN};

	text_random(t.salt, SALT_LEN);
	if (!derive(&t, password, t.hash, HASH_LEN))
		return -1;
	buf_printf(out, "scrypt:%d:%d:%d:", COST_N, COST_R, COST_P);
	text_base64(out, t.salt, SALT_LEN);
	buf_putc(out, ':');
	text_base64(out, t.hash, HASH_LEN);
	OPENSSL_cleanse(&t, sizeof(t));
	return out->failed ? -1 : 0;
}

int pki_password_verify(const char *hash, const char *password)
{
	struct parts t;
	uint8_t got[MAX_PART];
	int result = -1;

	if (take_apart(hash, &t) && derive(&t, password, got, t.hash_len))
		result = CRYPTO_memcmp(got, t.hash, t.hash_len) == 0;
	OPENSSL_cleanse(got, sizeof(got));
	OPENSSL_cleanse(&t, sizeof(t));
	return result;
}

int pki_password_verify_nobody(const char *password)
{
	struct parts t = {.n = COST_N, .r = COST_R, .p = COST_P, .salt_len = SALT_LEN, .hash_len = HASH_LEN};
	volatile bool done = derive(&t, password, t.hash, HASH_LEN); /* only the time it takes is wanted */

	(void)done;
	OPENSSL_cleanse(&t, sizeof(t));
	return 0;
}

bool pki_password_hash_valid(const char *hash)
{
	struct parts t;
	bool ok = take_apart(hash, &t);

	OPENSSL_cleanse(&t, sizeof(t));
	return ok;
}

struct remembered {
	uint8_t mac[MAC_LEN];
	int64_t at;
	char who[PKI_REMEMBERED_WHO + 1];
	bool used;
};
/* What was kept is found by its MAC, which nobody outside can foresee: in one of the WAYS places of its set. */
enum { WAYS = 8 };
struct pki_remembered {
	EVP_MAC_CTX *mac; /* with a key of its own */
	size_t sets, ways;
	struct remembered *list;
};

/* HMAC-SHA-256 under a random key, looked up and keyed once: OpenSSL's one call for all of it takes four times as long. */
static EVP_MAC_CTX *mac_new(void)
{
	EVP_MAC *how = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *c = how ? EVP_MAC_CTX_new(how) : NULL;
	OSSL_PARAM digest[] = {OSSL_PARAM_construct_utf8_string("digest", (char *)"SHA256", 0), OSSL_PARAM_construct_end()};
	uint8_t key[32];

	EVP_MAC_free(how);
	text_random(key, sizeof(key));
	if (c && EVP_MAC_init(c, key, sizeof(key), digest) != 1) {
		EVP_MAC_CTX_free(c);
		c = NULL;
	}
	OPENSSL_cleanse(key, sizeof(key));
	return c;
}

struct pki_remembered *pki_remembered_new(size_t max)
{
	struct pki_remembered *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->ways = max < WAYS ? max : WAYS;
	r->sets = r->ways ? max / r->ways : 0;
	r->list = r->sets ? calloc(r->sets * r->ways, sizeof(*r->list)) : NULL;
	r->mac = r->list ? mac_new() : NULL;
	if (r->mac)
		return r;
	pki_remembered_free(r);
	return NULL;
}

void pki_remembered_free(struct pki_remembered *r)
{
	if (!r)
		return;
	if (r->list)
		OPENSSL_cleanse(r->list, r->sets * r->ways * sizeof(*r->list));
	free(r->list);
	EVP_MAC_CTX_free(r->mac); /* wipes the key */
	free(r);
}

static bool mac_of(const struct pki_remembered *r, const char *credential, uint8_t out[MAC_LEN])
{
	size_t n;

	return EVP_MAC_init(r->mac, NULL, 0, NULL) == 1 && EVP_MAC_update(r->mac, (const unsigned char *)credential, strlen(credential)) == 1 &&
	       EVP_MAC_final(r->mac, out, &n, MAC_LEN) == 1 && n == MAC_LEN;
}

static struct remembered *set_of(struct pki_remembered *r, const uint8_t mac[MAC_LEN])
{
	uint32_t h;

	memcpy(&h, mac, sizeof(h));
	return &r->list[h % r->sets * r->ways];
}

static struct remembered *find(struct pki_remembered *r, const uint8_t mac[MAC_LEN])
{
	struct remembered *set = set_of(r, mac);

	for (size_t i = 0; i < r->ways; i++)
		if (set[i].used && CRYPTO_memcmp(set[i].mac, mac, MAC_LEN) == 0)
			return &set[i];
	return NULL;
}

/* A free place of its set, or that of the oldest there. */
static struct remembered *place_for(struct pki_remembered *r, const uint8_t mac[MAC_LEN])
{
	struct remembered *set = set_of(r, mac), *least = set;

	for (size_t i = 0; i < r->ways; i++) {
		if (!set[i].used)
			return &set[i];
		if (set[i].at < least->at)
			least = &set[i];
	}
	return least;
}

const char *pki_remembered_who(struct pki_remembered *r, const char *credential, int64_t now_ms)
{
	uint8_t mac[MAC_LEN];
	struct remembered *e;

	if (!mac_of(r, credential, mac) || !(e = find(r, mac)))
		return NULL;
	if (now_ms >= e->at && now_ms - e->at < REMEMBER_MS)
		return e->who;
	OPENSSL_cleanse(e, sizeof(*e));
	return NULL;
}

void pki_remembered_add(struct pki_remembered *r, const char *credential, const char *who, int64_t now_ms)
{
	uint8_t mac[MAC_LEN];
	struct remembered *e;

	if (strlen(who) > PKI_REMEMBERED_WHO || !mac_of(r, credential, mac))
		return;
	e = find(r, mac);
	if (!e)
		e = place_for(r, mac);
	memcpy(e->mac, mac, MAC_LEN);
	strcpy(e->who, who);
	e->at = now_ms;
	e->used = true;
}
