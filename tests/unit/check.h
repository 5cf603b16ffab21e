#ifndef TESTS_UNIT_CHECK_H
#define TESTS_UNIT_CHECK_H
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>

/* The whole test harness: count, say where it went wrong, go on. One test program includes it once. */
static int check_passed, check_failed;
static const char *check_name = __BASE_FILE__;

static inline bool check_count(bool ok, const char *file, int line, const char *what)
{
	if (ok)
		check_passed++;
	else {
		check_failed++;
		fprintf(stderr, "%s:%d: %s\n", file, line, what);
	}
	return ok;
}

/* ${a} is what came out, ${b} what was expected; two NULLs are equal. */
static inline bool check_str(const char *a, const char *b, const char *file, int line, const char *what)
{
	bool ok = a == b || (a && b && strcmp(a, b) == 0);

	if (!check_count(ok, file, line, what))
		fprintf(stderr, "\tgot      %s\n\texpected %s\n", a ? a : "(null)", b ? b : "(null)");
	return ok;
}

static inline bool check_int(intmax_t a, intmax_t b, const char *file, int line, const char *what)
{
	if (!check_count(a == b, file, line, what))
		fprintf(stderr, "\tgot      %" PRIdMAX "\n\texpected %" PRIdMAX "\n", a, b);
	return a == b;
}

#define CHECK(cond) check_count((cond), __FILE__, __LINE__, #cond)
#define CHECK_STR(a, b) check_str((a), (b), __FILE__, __LINE__, #a)
#define CHECK_INT(a, b) check_int((intmax_t)(a), (intmax_t)(b), __FILE__, __LINE__, #a)

/* The test's last act: the one line that says how it went; main() returns it. */
static inline int check_done(void)
{
	const char *slash = strrchr(check_name, '/');

	printf("%s: %d passed, %d failed\n", slash ? slash + 1 : check_name, check_passed, check_failed);
	return check_failed || !check_passed;
}
#endif
