#include "bridge/directory/dn.h"
#include <ctype.h>
#include <string.h>
#include "bridge/base/text.h"

bool dn_is_within(const char *below, const char *above)
{
	size_t n = strlen(below), m = strlen(above);

	while (m && n) {
		char a = below[n - 1], b = above[m - 1];

		if (a == ' ' && n > 1 && below[n - 2] == ',')
			n--;
		else if (b == ' ' && m > 1 && above[m - 2] == ',')
			m--;
		else if (tolower((unsigned char)a) == tolower((unsigned char)b))
			n--, m--;
		else
			return false;
	}
	while (n && below[n - 1] == ' ')
		n--;
	return m == 0 && (n == 0 || !*above || below[n - 1] == ',');
}

/* Between the two stands a DC= then, right before ${base}. */
bool dn_is_of_child(const char *dn, const char *base)
{
	size_t n = strlen(dn), m = strlen(base), i;

	if (m == 0 || n <= m || !text_ieq(dn + n - m, base))
		return false;
	for (i = n - m - 1; i > 0 && !(dn[i - 1] == ',' && (i < 2 || dn[i - 2] != '\\')); i--)
		;
	return text_istarts(dn + i, "DC=");
}

const char *dn_domain(const char *dn)
{
	for (size_t i = 0; dn[i]; i++)
		if ((i == 0 || (dn[i - 1] == ',' && (i < 2 || dn[i - 2] != '\\'))) && text_istarts(dn + i, "DC="))
			return dn + i;
	return "";
}
