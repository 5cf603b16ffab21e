#include "bridge/login/nt_hashes.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bridge/base/file.h"
#include "bridge/base/text.h"
#include "bridge/conf/lines.h"
#include "bridge/login/parts.h"

enum { NT_HASHES_MAX = 16 << 20 };

struct nt_hashes {
	size_t n;
	struct nt_hash {
		char *name;
		uint8_t hash[PKI_MD];
	} list[];
};

static void read_line(struct nt_hashes *h, const char *path, const struct line *line, struct conf_problems *problems)
{
	struct nt_hash *e = &h->list[h->n];

	if (line->n != 2 || strncmp(line->words[1], "nt=", 3) != 0 || !text_unhex(e->hash, PKI_MD, line->words[1] + 3)) {
		conf_problem_add(problems, path, line->number,
		                 "Write NAME nt= and 32 hex digits, or use `availbridge account passwd NAME --ntlm`.", "this is no NT hash");
		return;
	}
	for (size_t i = 0; i < h->n; i++)
		if (login_same_name(h->list[i].name, line->words[0])) {
			conf_problem_add(problems, path, line->number, "Remove one of the lines.", "the account %s is there twice",
			                 line->words[0]);
			return;
		}
	e->name = strdup(line->words[0]);
	if (!e->name)
		abort();
	h->n++;
}

struct nt_hashes *nt_hashes_read(const struct conf *c, struct conf_problems *problems)
{
	struct nt_hashes *h = NULL;
	struct lines *l;

	if (access(c->nt_hashes, F_OK) != 0)
		return NULL;
	if (file_is_loose(c->nt_hashes)) {
		conf_problem_add(problems, c->nt_hashes, 0,
		                 "Run: chmod 600 on it. Whoever could read it can log in by NTLM, so set those passwords anew.",
		                 "others than its owner may read or write this file, which holds NT hashes: it is not used");
		return NULL;
	}
	l = lines_read(c->nt_hashes, NT_HASHES_MAX, problems);
	if (l && !(h = calloc(1, sizeof(*h) + (l->n + 1) * sizeof(h->list[0]))))
		abort();
	for (size_t i = 0; l && i < l->n; i++)
		if (l->list[i].n)
			read_line(h, c->nt_hashes, &l->list[i], problems);
	lines_free(l);
	return h;
}

void nt_hashes_free(struct nt_hashes *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n; i++) {
		free(h->list[i].name);
		explicit_bzero(h->list[i].hash, PKI_MD);
	}
	free(h);
}

const uint8_t *nt_hashes_of(const struct nt_hashes *h, const char *name)
{
	const uint8_t *found = NULL;

	for (size_t i = 0; i < h->n; i++)
		if (login_same_name(h->list[i].name, name))
			found = h->list[i].hash;
	return found;
}

size_t nt_hashes_usable(const struct nt_hashes *h, const struct conf *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_accounts; i++)
		n += nt_hashes_of(h, c->accounts[i].name) != NULL;
	return n;
}

void nt_hashes_put_line(struct buf *out, const char *name, const uint8_t hash[PKI_MD])
{
	char word[3 + 2 * PKI_MD + 1] = "nt=";

	text_hex(word + 3, hash, PKI_MD);
	lines_put_word(out, name);
	lines_put_word(out, word);
	explicit_bzero(word, sizeof(word));
}
