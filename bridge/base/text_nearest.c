#include <stdint.h>
#include <string.h>
#include <strings.h>
#include "bridge/base/text.h"

enum { NEAREST_MAX = 63 };

static size_t edit_distance(const char *a, const char *b)
{
	size_t row[NEAREST_MAX + 2], n = strlen(b), i, j, diagonal, above;

	if (n > NEAREST_MAX || strlen(a) > NEAREST_MAX)
		return SIZE_MAX;
	for (j = 0; j <= n; j++)
		row[j] = j;
	for (i = 1; a[i - 1]; i++) {
		diagonal = row[0];
		row[0] = i;
		for (j = 1; j <= n; j++) {
			above = row[j];
			row[j] = diagonal + (strncasecmp(a + i - 1, b + j - 1, 1) != 0);
			if (above + 1 < row[j])
				row[j] = above + 1;
			if (row[j - 1] + 1 < row[j])
				row[j] = row[j - 1] + 1;
			diagonal = above;
		}
	}
	return row[n];
}

const char *text_nearest(const char *s, const char *const *names, size_t n)
{
	size_t best = strlen(s) / 3 + 2, i, d; /* a third of the letters may be wrong, and one */
	const char *name = NULL;

	for (i = 0; i < n; i++) {
		d = edit_distance(s, names[i]);
		if (d < best && d < strlen(names[i])) {
			best = d;
			name = names[i];
		}
	}
	return name;
}
