/* links: base availability conf pki address_space */
#include "bridge/address_space/table.h"
#include <time.h>
#include "tests/unit/check.h"

static void routes(void)
{
	struct conf_address_space rows[] = {{.forest_name = (char *)"a.example", .peer = (char *)"local"},
	                                    {.forest_name = (char *)"b.example", .peer = (char *)"site-b"},
	                                    {.forest_name = (char *)"old.example", .peer = (char *)"nobody"}};
	struct conf c = {.spaces = rows, .n_spaces = 3};
	struct address_space *t = address_space_new(&c);
	const struct conf_address_space *row = NULL;

	CHECK_INT(address_space_route(t, "a.example", &row), AS_LOCAL);
	CHECK(row == &rows[0]);
	CHECK_INT(address_space_route(t, "b.example", &row), AS_PEER);
	CHECK(row == &rows[1]);
	CHECK_INT(address_space_route(t, "old.example", &row), AS_NOBODY);
	CHECK_INT(address_space_route(t, "c.example", NULL), AS_NO_ROW);
	/* nothing is inherited, in neither direction */
	CHECK_INT(address_space_route(t, "x.a.example", NULL), AS_NO_ROW);
	CHECK_INT(address_space_route(t, "example", NULL), AS_NO_ROW);
	CHECK_INT(address_space_route(t, "", NULL), AS_NO_ROW);
	CHECK(address_space_is_of(t, "b.example", "site-b"));
	CHECK(!address_space_is_of(t, "b.example", "local"));
	CHECK(address_space_is_of(t, "a.example", "local"));
	CHECK(!address_space_is_of(t, "c.example", "site-b"));
	address_space_free(t);
	address_space_free(NULL);
	t = address_space_new(&(struct conf){0});
	CHECK_INT(address_space_route(t, "a.example", NULL), AS_NO_ROW);
	address_space_free(t);
}

/* Processor nanoseconds of one look-up among ${n} rows, the best of a few goes. */
static double cost(size_t n)
{
	struct conf_address_space *rows = calloc(n, sizeof(*rows));
	struct conf c = {.spaces = rows, .n_spaces = n};
	enum { LOOKUPS = 200000, GOES = 5 };
	double best = 1e9;

	for (size_t i = 0; i < n; i++) {
		rows[i].peer = (char *)"site-b";
		if (asprintf(&rows[i].forest_name, "domain%zu.example", i) < 0)
			abort();
	}
	struct address_space *t = address_space_new(&c);

	for (int go = 0; go < GOES; go++) {
		clock_t start = clock();
		size_t found = 0;

		for (size_t i = 0; i < LOOKUPS; i++)
			found += address_space_route(t, rows[i % 10 * (n / 10)].forest_name, NULL) == AS_PEER;
		double took = (double)(clock() - start) * 1e9 / CLOCKS_PER_SEC / LOOKUPS;

		CHECK_INT(found, LOOKUPS);
		best = took < best ? took : best;
	}
	size_t reached = 0;

	for (size_t i = 0; i < n; i++)
		reached += address_space_route(t, rows[i].forest_name, NULL) == AS_PEER;
	CHECK_INT(reached, n);
	CHECK_INT(address_space_route(t, "domain.example", NULL), AS_NO_ROW);
	address_space_free(t);
	for (size_t i = 0; i < n; i++)
		free(rows[i].forest_name);
	free(rows);
	return best;
}

int main(void)
{
	double few, many;

	routes();
	few = cost(10);
	many = cost(100000);
	/* a list would cost thousands of times more; a busy machine costs a few times more */
	if (!CHECK(many < few * 20 + 500))
		fprintf(stderr, "\t%.0f ns with 10 rows, %.0f ns with 100,000\n", few, many);
	return check_done();
}
