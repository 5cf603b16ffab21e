#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bridge/base/file.h"
#include "bridge/base/text.h"
#include "bridge/conf/conf.h"
#include "pki/key.h"

/* Passwords by reference: they never stand in the settings. */

enum { SECRET_MAX = 4096 };

/* Where ${s} is read from, in ${path}. -1 with a sentence. */
static int find(const struct conf_secret *s, char *path, size_t size, struct buf *error)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	int n;

	if (s->file) {
		n = snprintf(path, size, "%s", s->file);
	} else if (!s->credential) {
		buf_puts(error, "no password is named");
		return -1;
	} else if (!dir) {
		buf_printf(error, "the credential %s cannot be found: systemd gave none. Add LoadCredential=%s:PATH to the service", s->credential,
		           s->credential);
		return -1;
	} else {
		n = snprintf(path, size, "%s/%s", dir, s->credential);
	}
	if (n < 0 || (size_t)n >= size) {
		buf_puts(error, "the path of the password file is too long");
		return -1;
	}
	return 0;
}

/* May a secret belong to ${owner}: root, whom we run as, or the user that the settings name? */
static bool may_own(const struct conf *c, uid_t owner)
{
	const struct passwd *user = *c->user ? getpwnam(c->user) : NULL;

	return owner == 0 || owner == geteuid() || (user && owner == user->pw_uid);
}

/* May the file be trusted to be secret? */
static int check_rights(const struct conf *c, const char *path, struct buf *error)
{
	struct stat st;

	if (stat(path, &st) < 0)
		buf_printf(error, "the password file %s cannot be read: %s", path, strerror(errno));
	else if (file_is_loose(path))
		buf_printf(error, "others than its owner have a right to the password file %s. Run: chmod 600 %s", path, path);
	else if (!may_own(c, st.st_uid))
		buf_printf(error, "the password file %s belongs to neither root nor the user that availbridge runs as. Run: chown on it", path);
	else
		return 0;
	return -1;
}

static int take(const struct conf *c, const char *path, struct buf *text, struct buf *out, struct buf *error)
{
	switch (file_read(path, text)) {
	case FILE_OK:
		break;
	case FILE_TOO_BIG:
		buf_printf(error, "the password file %s is larger than %d bytes", path, SECRET_MAX);
		return -1;
	case FILE_ABSENT:
	case FILE_COULD_NOT:
		buf_printf(error, "the password file %s cannot be read: %s", path, strerror(errno));
		if (errno == EACCES && *c->user)
			buf_printf(error, ". Run: chown %s %s", c->user, path);
		return -1;
	}
	const char *s = buf_cstr(text);
	size_t n = text->len;

	n -= n && s[n - 1] == '\n';
	n -= n && s[n - 1] == '\r';
	if (n == 0 || memchr(s, '\n', n) || memchr(s, 0, n)) {
		buf_printf(error, "the password file %s does not hold one line of text", path);
		return -1;
	}
	if (text_is_marked(s, n)) {
		buf_printf(error, "the password file %s begins with a byte order mark, which no editor shows. Save it as UTF-8 without one", path);
		return -1;
	}
	if (buf_add(out, s, n) < 0) {
		buf_printf(error, "the password in %s is too long", path);
		return -1;
	}
	return 0;
}

int conf_secret_read(const struct conf *c, const struct conf_secret *s, struct buf *out, struct buf *error)
{
	struct buf text;
	char path[4096];
	int r;

	if (find(s, path, sizeof(path), error) < 0 || check_rights(c, path, error) < 0)
		return -1;
	buf_init(&text, SECRET_MAX);
	r = take(c, path, &text, out, error);
	buf_wipe(&text);
	return r;
}

int conf_key_passphrase(const struct conf *c, struct buf *error)
{
	const struct conf_secret *s = &c->key_passphrase;
	struct conf_secret given = {.file = *s->file ? s->file : NULL, .credential = *s->credential ? s->credential : NULL};
	struct buf secret;
	int r = 0;

	if (!given.file && !given.credential)
		return 0;
	buf_init(&secret, SECRET_MAX);
	if ((r = conf_secret_read(c, &given, &secret, error)) == 0)
		pki_key_passphrase(buf_cstr(&secret), secret.len);
	buf_wipe(&secret);
	return r;
}

static void check(const struct conf *c, const char *file, const struct conf_secret *s, struct conf_problems *problems)
{
	struct buf secret, error;

	if (!s->file && !s->credential)
		return;
	buf_init(&secret, SECRET_MAX);
	buf_init(&error, 8192);
	if (conf_secret_read(c, s, &secret, &error) < 0)
		conf_problem_add(problems, file, 0, "Look at password-file or password-credential.", "%s", buf_cstr(&error));
	buf_wipe(&secret);
	buf_free(&error);
}

void conf_secrets_check(const struct conf *c, struct conf_problems *problems)
{
	struct buf error;

	buf_init(&error, 8192);
	if (conf_key_passphrase(c, &error) < 0)
		conf_problem_add(problems, c->file, conf_setting_line(c, *c->key_passphrase.file ? "key_passphrase_file" : "key_passphrase_credential"),
		                 "Look at key_passphrase_file and key_passphrase_credential.", "%s", buf_cstr(&error));
	pki_key_passphrase(NULL, 0);
	buf_free(&error);
	for (size_t i = 0; i < c->n_backends; i++)
		check(c, c->backends[i].file, &c->backends[i].password, problems);
	if (c->directory)
		check(c, c->directory->file, &c->directory->password, problems);
}

static void check_key(const struct conf *c, struct conf_problems *problems, const char *file, int line, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && !may_own(c, st.st_uid))
		conf_problem_add(problems, file, line, "Run `chown` on it, and think of making a new key.",
		                 "the private key %s belongs to neither root nor the user that availbridge runs as", path);
	else if (file_is_loose(path))
		conf_problem_add(problems, file, line, "Run `chmod 600` on it, and think of making a new key.",
		                 "others than its owner may read or use the private key %s", path);
	else if (access(path, R_OK) != 0 && errno != ENOENT)
		conf_problem_add(problems, file, line, "Give it to the user that availbridge runs as.", "the private key %s cannot be read: %s", path,
		                 strerror(errno));
}

void conf_keys_check(const struct conf *c, struct conf_problems *problems)
{
	check_key(c, problems, c->file, conf_setting_line(c, "front_key"), c->front_key);
	check_key(c, problems, c->file, conf_setting_line(c, "identity_key"), c->identity_key);
	for (size_t i = 0; i < c->n_backends; i++)
		if (c->backends[i].client_key)
			check_key(c, problems, c->backends[i].file, 0, c->backends[i].client_key);
}
