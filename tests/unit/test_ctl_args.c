/* links: all */
#include "bridge/ctl/args.h"
#include "tests/unit/check.h"

static const char *name, *file;
static bool json;
static struct ctl_words many, words;

static int parse(const char *line)
{
	static char copy[1024];
	const struct ctl_option options[] = {{"name", .value = &name}, {"file", .value = &file}, {"json", .flag = &json}, {"domain", .many = &many}, {0}};
	char *argv[32];
	int argc = 0;

	snprintf(copy, sizeof(copy), "verb %s", line);
	for (char *w = strtok(copy, " "); w; w = strtok(NULL, " "))
		argv[argc++] = w;
	name = file = NULL;
	json = false;
	many.n = words.n = 0;
	return ctl_args(argc, argv, options, &words);
}

static void right(void)
{
	CHECK_INT(parse(""), 0);
	CHECK(!name && !json && words.n == 0);
	CHECK_INT(parse("one --name N --json two --domain a --domain=b --file="), 0);
	CHECK_STR(name, "N");
	CHECK_STR(file, "");
	CHECK(json);
	CHECK_INT(many.n, 2);
	CHECK_STR(many.list[1], "b");
	CHECK_INT(words.n, 2);
	CHECK_STR(words.list[1], "two");
	CHECK_INT(parse("-- --name -x"), 0);
	CHECK(!name && words.n == 2);
	CHECK_STR(words.list[0], "--name");
	/* a value may look like an option: it is what was asked for */
	CHECK_INT(parse("--name --json"), 0);
	CHECK_STR(name, "--json");
	CHECK_INT(parse("-"), 0);
	CHECK_INT(words.n, 1);
}

static void wrong(void)
{
	CHECK_INT(parse("--nam x"), -1);
	CHECK_INT(parse("--names x"), -1);
	CHECK_INT(parse("--name"), -1);
	CHECK_INT(parse("--name a --name b"), -1);
	CHECK_INT(parse("--json=yes"), -1);
	CHECK_INT(parse("-x"), -1);
}

int main(void)
{
	right();
	wrong();
	return check_done();
}
