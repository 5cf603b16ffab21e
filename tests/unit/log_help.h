#ifndef TESTS_UNIT_LOG_HELP_H
#define TESTS_UNIT_LOG_HELP_H
#include <stdio.h>
#include <string.h>

/* How many lines of ${log} hold ${words}. */
static inline size_t log_lines(FILE *log, const char *words)
{
	char line[4096];
	size_t n = 0;

	rewind(log);
	while (fgets(line, sizeof line, log))
		n += strstr(line, words) != NULL;
	return n;
}
#endif
