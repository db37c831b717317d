/*
 * registry.c
 *	  Look-ups in the modules' static tables.
 *
 * The tables are small (tens of modules, tens of attributes), so that a walk
 * over them costs less than any index; those that repeat are kept by index
 * in Kind.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/varlena.h"

#include "engine/engine.h"

const Module *
module_by_name(const char *name)
{
	for (const Module *const *m = iasql_modules; *m != NULL; m++)
		if (strcmp((*m)->name, name) == 0)
			return *m;
	return NULL;
}

const Resource *
resource_by_name(const char *name)
{
	for (const Module *const *m = iasql_modules; *m != NULL; m++)
		for (const Resource *const *r = (*m)->resources; r != NULL && *r != NULL; r++)
			if (strcmp((*r)->name, name) == 0)
				return *r;
	return NULL;
}

const Module *
module_of_table(const char *table)
{
	for (const Module *const *m = iasql_modules; *m != NULL; m++)
		for (int i = 0; i < lengthof((*m)->tables) && (*m)->tables[i] != NULL; i++)
			if (strcmp((*m)->tables[i], table) == 0)
				return *m;
	return NULL;
}

int
attribute_index(const Resource *res, const char *column, int len)
{
	if (column == NULL)
		return -1;
	if (len < 0)
		len = strlen(column);
	for (int i = 0; i < MAX_ATTRIBUTES && res->attributes[i].column != NULL; i++)
		if (strncmp(res->attributes[i].column, column, len) == 0 && res->attributes[i].column[len] == '\0')
			return i;
	return -1;
}

int
attribute_count(const Resource *res)
{
	int n = 0;

	while (n < MAX_ATTRIBUTES && res->attributes[n].column != NULL)
		n++;
	return n;
}

/* A NULL list has no elements; blanks around an element do not count. */
bool
list_names(const char *list, const char *name)
{
	Size len = strlen(name);

	while (list != NULL && *list != '\0')
	{
		Size n;

		list += strspn(list, " ,");
		n = strcspn(list, " ,");
		if (n == len && len > 0 && strncmp(list, name, len) == 0)
			return true;
		list += n;
	}
	return false;
}

/*
 * Near is a name that contains the wrong one, or that is reached by editing
 * at most a third of it, but no less than two letters.  The nearest come
 * first, and equally near ones in their own order.  The text is palloc'd.
 */
char *
nearest_names(const char *name, const char *(*next)(void *arg, int i), void *arg)
{
	const char *best[3];
	int distance[3];
	int n = 0;
	Size len = strlen(name);
	int limit = Max(2, (int) len / 3);
	StringInfoData out;

	if (len == 0 || len >= NAMEDATALEN)
		return NULL;
	for (int i = 0;; i++)
	{
		const char *known = next(arg, i);
		int d, at;

		if (known == NULL)
			break;
		if (strlen(known) >= NAMEDATALEN)
			continue;
		if (len >= 3 && strstr(known, name) != NULL)
			d = 1;
		else
			d = varstr_levenshtein_less_equal(name, len, known, strlen(known), 1, 1, 1, limit, true);
		if (d > limit)
			continue;
		for (at = n; at > 0 && distance[at - 1] > d; at--)
			;
		if (at == lengthof(best))
			continue;
		if (n < lengthof(best))
			n++;
		memmove(best + at + 1, best + at, sizeof(best[0]) * (n - at - 1));
		memmove(distance + at + 1, distance + at, sizeof(distance[0]) * (n - at - 1));
		best[at] = known;
		distance[at] = d;
	}
	if (n == 0)
		return NULL;
	initStringInfo(&out);
	for (int i = 0; i < n; i++)
		appendStringInfo(&out, "%s\"%s\"", i == 0 ? "" : i == n - 1 ? " or " : ", ", best[i]);
	return out.data;
}
