/* links: base availability conf pki */
#include <stdlib.h>
#include <string.h>
#include "bridge/conf/conf.h"

/*
 * Goal: any file of a backend, of the directory or (by its first byte) of a peer is refused or read; what is printed of the first two is such a file and
 * means the same.
 */
static const char *const names[] = {"/none/backends.d/b.conf", "/none/directory.conf", "/none/peers.d/p.conf"};

static int print(struct buf *out, const char *name, const char *text)
{
	static const char main_file[] = "site = \"s\"; public_url = \"https://h\"; hidden = []; calendars = \"/\"; groups = { g = [\"a@a.example\"]; };";
	const struct conf_change changes[] = {{"/none/availbridge.conf", main_file}, {"/none/address-spaces.conf", "a.example local\n"}, {name, text}};
	struct conf_problems problems = {0};
	struct conf *c = conf_load_changed("/none/availbridge.conf", changes, 3, &problems);

	if (!c == !problems.n)
		abort();
	if (c)
		conf_print_lines(out, c);
	conf_problems_free(&problems);
	conf_free(c);
	return c ? 0 : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *name = names[size ? data[0] % 3 : 0];
	struct buf text, once, again;

	buf_init(&text, 1 << 20);
	buf_init(&once, 1 << 22);
	buf_init(&again, 1 << 22);
	if (size > 1 && !memchr(data, 0, size) && buf_add(&text, data + 1, size - 1) == 0 && print(&once, name, buf_cstr(&text)) == 0 && once.len &&
	    (print(&again, name, buf_cstr(&once)) < 0 || strcmp(buf_cstr(&once), buf_cstr(&again)) != 0))
		abort();
	buf_free(&text);
	buf_free(&once);
	buf_free(&again);
	return 0;
}
