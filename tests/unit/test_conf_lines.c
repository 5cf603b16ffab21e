/* links: base availability conf pki */
#include "bridge/conf/lines.h"
#include <sys/stat.h>
#include <unistd.h>
#include "tests/unit/check.h"

static struct lines *parse(const char *text, struct conf_problems *p)
{
	return lines_parse("x.conf", text, strlen(text), p);
}

static void words(void)
{
	struct conf_problems p = {0};
	struct lines *l = parse("# comment\n\n  rule in * \"a b\" # behind\r\n\tx#y \"\" \"q\\\"\\\\\"\nlast", &p);

	CHECK_INT(p.n, 0);
	CHECK_INT(l->n, 5);
	CHECK_INT(l->list[0].n, 0);
	CHECK_INT(l->list[1].n, 0);
	CHECK_INT(l->list[2].n, 4);
	CHECK_STR(l->list[2].words[0], "rule");
	CHECK_STR(l->list[2].words[3], "a b");
	CHECK_INT(l->list[2].number, 3);
	CHECK_INT(l->list[3].n, 3);
	CHECK_STR(l->list[3].words[0], "x#y");
	CHECK_STR(l->list[3].words[1], "");
	CHECK_STR(l->list[3].words[2], "q\"\\");
	CHECK_STR(l->list[4].words[0], "last");
	lines_free(l);
	lines_free(NULL);
}

/* Every line that is wrong is named, not only the first. */
static void wrong(void)
{
	static const char *const lines[] = {"a \"open",          "a\"b c",   "\"a\"b", "\"a\\n\"", "a\001b",
	                                    "1 2 3 4 5 6 7 8 9", "\xff\xfe", "\"a\\"};
	struct conf_problems p = {0};
	char text[256] = "";

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		strcat(text, lines[i]);
		strcat(text, "\n");
	}
	CHECK(parse(text, &p) == NULL);
	CHECK_INT(p.n, sizeof(lines) / sizeof(lines[0]));
	for (size_t i = 0; i < p.n; i++)
		CHECK_INT(p.list[i].line, i + 1);
	conf_problems_free(&p);
	CHECK(lines_parse("x.conf", "a\0b", 3, &p) == NULL);
	conf_problems_free(&p);
	/* what nobody sees is named */
	CHECK(parse("\xef\xbb\xbf# comment\na b\n", &p) == NULL);
	CHECK_INT(p.n, 1);
	CHECK(strstr(p.list[0].what, "byte order mark") && p.list[0].line == 1);
	conf_problems_free(&p);
}

/* What was put in comes out again, whatever bytes of text it has. */
static void round_trip(void)
{
	static const char *const list[] = {"plain",       "",          "two words",  "#hash", "in#side", "q\"uote",
	                                   "back\\slash", "tab\there", "ü@a.example"};
	struct conf_problems p = {0};
	struct buf b;

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		buf_init(&b, 1000);
		lines_put_word(&b, list[i]);
		lines_put_word(&b, "second");
		struct lines *l = parse(buf_cstr(&b), &p);

		CHECK_INT(p.n, 0);
		CHECK_INT(l->list[0].n, 2);
		CHECK_STR(l->list[0].words[0], list[i]);
		CHECK_STR(l->list[0].words[1], "second");
		lines_free(l);
		buf_free(&b);
	}
}

static void check_compose(const char *text, size_t replace, const char *with, size_t at, const char *insert, const char *want)
{
	struct conf_problems p = {0};
	struct lines *l = parse(text, &p);
	struct buf b;

	buf_init(&b, 1000);
	CHECK_INT(lines_compose(l, replace, with, at, insert, &b), 0);
	CHECK_STR(buf_cstr(&b), want);
	buf_free(&b);
	lines_free(l);
}

static void edits(void)
{
	const char *text = "# one\n\n two   2 # kept\nthree\n";

	check_compose(text, SIZE_MAX, NULL, SIZE_MAX, NULL, text);
	check_compose(text, 2, "zwei", SIZE_MAX, NULL, "# one\n\nzwei\nthree\n");
	check_compose(text, 2, NULL, SIZE_MAX, NULL, "# one\n\nthree\n");
	check_compose(text, SIZE_MAX, NULL, SIZE_MAX, "four", "# one\n\n two   2 # kept\nthree\nfour\n");
	check_compose(text, SIZE_MAX, NULL, 3, "new", "# one\n\n two   2 # kept\nnew\nthree\n");
	check_compose(text, SIZE_MAX, NULL, 0, "new", "new\n# one\n\n two   2 # kept\nthree\n");
	check_compose("no newline", SIZE_MAX, NULL, SIZE_MAX, "next", "no newline\nnext\n");
	check_compose("", SIZE_MAX, NULL, SIZE_MAX, "first", "first\n");
}

static void on_disk(void)
{
	char dir[] = "/tmp/test-lines-XXXXXX", path[64];
	struct conf_problems p = {0};
	struct stat st;
	struct lines *l;

	CHECK(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/accounts.conf", dir);
	l = lines_read(path, 100, &p);
	CHECK_INT(l->n, 0);
	CHECK_INT(lines_write(l, SIZE_MAX, NULL, SIZE_MAX, "a b"), 0);
	lines_free(l);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	l = lines_read(path, 100, &p);
	CHECK_INT(l->n, 1);
	CHECK_STR(l->list[0].words[1], "b");
	CHECK_INT(chmod(path, 0640), 0);
	CHECK_INT(lines_write(l, 0, "c", SIZE_MAX, NULL), 0);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0640);
	lines_free(l);
	CHECK_INT(p.n, 0);
	CHECK(lines_read(path, 1, &p) == NULL);
	CHECK_INT(p.n, 1);
	CHECK(lines_read(dir, 100, &p) == NULL);
	CHECK_INT(p.n, 2);
	conf_problems_free(&p);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	words();
	wrong();
	round_trip();
	edits();
	on_disk();
	return check_done();
}
