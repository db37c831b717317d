/*
 * multimap.c
 *	  From a text, or a pointer, to a list of pointers: dynahash for the
 *	  engine's joins.  Keys are not copied.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "engine/engine.h"

typedef struct Entry
{
	const void *key; /* the text itself is compared, or the pointer */
	List *values;
} Entry;

static uint32
text_hash(const void *key, Size size)
{
	const char *text = *(const char *const *) key;

	return hash_bytes((const unsigned char *) text, strlen(text));
}

static int
text_match(const void *a, const void *b, Size size)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

HTAB *
multimap_of_texts(void)
{
	HASHCTL control = {.keysize = sizeof(char *),
					   .entrysize = sizeof(Entry),
					   .hash = text_hash,
					   .match = text_match,
					   .hcxt = CurrentMemoryContext};

	return hash_create("values by text", 256, &control, HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}

HTAB *
multimap_of_pointers(void)
{
	HASHCTL control = {.keysize = sizeof(void *), .entrysize = sizeof(Entry), .hcxt = CurrentMemoryContext};

	return hash_create("values by pointer", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

void
multimap_add(HTAB *map, const void *key, void *value)
{
	bool found;
	Entry *entry;

	if (key == NULL)
		return;
	entry = hash_search(map, &key, HASH_ENTER, &found);
	entry->values = found ? lappend(entry->values, value) : list_make1(value);
}

List *
multimap_get(HTAB *map, const void *key)
{
	Entry *entry = key ? hash_search(map, &key, HASH_FIND, NULL) : NULL;

	return entry ? entry->values : NIL;
}

void
multimap_remove(HTAB *map, const void *key)
{
	(void) hash_search(map, &key, HASH_REMOVE, NULL);
}
