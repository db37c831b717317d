/*
 * object.c
 *	  Objects: where they are kept, how they are found, how messages name them.
 *
 * A world may hold a hundred thousand objects with a dozen texts each, so
 * they are carved from blocks rather than palloc'd one by one.
 *
 * Look-ups are hash tables of one kind, built when first asked for.  An entry
 * holds nothing but the Object: keys are read from it when they are compared.
 * A value that changed therefore leaves an entry that no look-up can match;
 * object_index adds the one for the new value.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "engine/engine.h"

#define BLOCK_SIZE (256 * 1024)

void *
world_alloc(World *world, Size size)
{
	char *piece;

	size = MAXALIGN(size);
	if (size > BLOCK_SIZE / 8)
		return MemoryContextAllocZero(world->memory, size);
	if (size > world->block_left)
	{
		world->block = MemoryContextAllocZero(world->memory, BLOCK_SIZE);
		world->block_left = BLOCK_SIZE;
	}
	piece = world->block;
	world->block += size;
	world->block_left -= size;
	return piece;
}

/* A copy of 'len' bytes, terminated. */
char *
world_text(World *world, const char *text, Size len)
{
	char *copy = world_alloc(world, len + 1);

	memcpy(copy, text, len);
	return copy;
}

const char *
lasting_text(World *world, const char *same, const char *text, Size len)
{
	if (same != NULL && strncmp(same, text, len) == 0 && same[len] == '\0')
		return same;
	return world_text(world, text, len);
}

/* --------------------------------------------------------------- look-ups */

typedef enum LookupSort
{
	BY_ROW_KEY,
	BY_CLOUD_ID, /* and region */
	BY_ROW,		 /* columns of rows, and region */
	BY_ATTRIBUTE /* one attribute on whichever side knows it, and region */
} LookupSort;

#define MAX_LOOKUP_COLUMNS 4

typedef struct ObjectEntry
{
	Object *object;
	uint32 hash;
	char status;
} ObjectEntry;

struct objects_hash;

typedef struct Lookup
{
	LookupSort sort;
	int ncolumns;
	const char *column[MAX_LOOKUP_COLUMNS];
	const char *probe[MAX_LOOKUP_COLUMNS + 1]; /* of the look-up at hand: the key of the "object" NULL */
	struct objects_hash *hash;
	struct Lookup *next;
} Lookup;

static uint32 lookup_hash(const Lookup *lookup, const Object *object);
static bool lookup_equal(const Lookup *lookup, const Object *a, const Object *b);

#define SH_PREFIX objects
#define SH_ELEMENT_TYPE ObjectEntry
#define SH_KEY_TYPE Object *
#define SH_KEY object
#define SH_HASH_KEY(tb, key) lookup_hash((const Lookup *) (tb)->private_data, key)
#define SH_EQUAL(tb, a, b) lookup_equal((const Lookup *) (tb)->private_data, a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* How many texts a key has. */
static int
lookup_width(const Lookup *lookup)
{
	return lookup->sort == BY_ROW_KEY ? 1 : lookup->sort == BY_CLOUD_ID ? 2 : lookup->ncolumns + 1;
}

/* A row's column; 'buffer' (MAXINT8LEN + 1) takes the text of a number. */
static const char *
row_column(const Object *object, const char *column, char *buffer)
{
	const Kind *kind = object->kind;

	if (kind->has_id && strcmp(column, "id") == 0)
	{
		if (object->row_id < 0)
			return NULL;
		pg_lltoa(object->row_id, buffer);
		return buffer;
	}
	if (object->desired != NULL)
	{
		int i = attribute_index(kind->res, column, strlen(column));

		if (i >= 0 && kind->res->attributes[i].form == FORM_SCALAR)
			return object->desired[i].text;
	}
	for (int k = 0; k < kind->key_columns; k++)
		if (strcmp(kind->key_column[k], column) == 0 && object->row_key != NULL)
			return list_nth(json_array_strings(object->row_key), k);
	return NULL;
}

static const char *
lookup_text(const Lookup *lookup, const Object *object, int k, char *buffer)
{
	const Value *values;
	int i;

	if (object == NULL)
		return lookup->probe[k];
	switch (lookup->sort)
	{
		case BY_ROW_KEY:
			/* what a row left behind in another region keeps its key, but is not the row */
			return object->moved_to == NULL || object->desired != NULL ? object->row_key : NULL;
		case BY_CLOUD_ID:
			return k == 0 ? object->cloud_id : object->region;
		case BY_ROW:
			return k == lookup->ncolumns ? object->region : row_column(object, lookup->column[k], buffer);
		case BY_ATTRIBUTE:
			break;
	}
	if (k == lookup->ncolumns)
		return object->region;
	values = object->actual ? object->actual : object->desired ? object->desired : object->base;
	i = attribute_index(object->kind->res, lookup->column[k], strlen(lookup->column[k]));
	return values != NULL && i >= 0 ? values[i].text : NULL;
}

static uint32
lookup_hash(const Lookup *lookup, const Object *object)
{
	uint32 hash = 0;

	for (int k = 0; k < lookup_width(lookup); k++)
	{
		char buffer[MAXINT8LEN + 1];
		const char *text = lookup_text(lookup, object, k, buffer);

		if (text != NULL)
			hash = hash_combine(hash, hash_bytes((const unsigned char *) text, strlen(text)));
	}
	return hash;
}

static bool
lookup_equal(const Lookup *lookup, const Object *a, const Object *b)
{
	for (int k = 0; k < lookup_width(lookup); k++)
	{
		char buffer[2][MAXINT8LEN + 1];
		const char *first = lookup_text(lookup, a, k, buffer[0]);
		const char *second = lookup_text(lookup, b, k, buffer[1]);

		if (first == NULL || second == NULL || strcmp(first, second) != 0)
			return false;
	}
	return true;
}

static void
lookup_add(Lookup *lookup, Object *object)
{
	ObjectEntry *entry;
	bool found;

	for (int k = 0; k < lookup_width(lookup); k++)
	{
		char buffer[MAXINT8LEN + 1];

		if (lookup_text(lookup, object, k, buffer) == NULL)
			return;
	}
	entry = objects_insert(lookup->hash, object, &found);
	entry->object = object;
}

/* The look-up of that sort over these columns, built if there is none yet. */
static Lookup *
lookup_of(Kind *kind, LookupSort sort, int ncolumns, const char *const *columns)
{
	Lookup *lookup;
	ListCell *cell;

	for (lookup = kind->lookups; lookup != NULL; lookup = lookup->next)
	{
		int k = 0;

		if (lookup->sort != sort || lookup->ncolumns != ncolumns)
			continue;
		while (k < ncolumns && strcmp(lookup->column[k], columns[k]) == 0)
			k++;
		if (k == ncolumns)
			return lookup;
	}

	Assert(ncolumns <= MAX_LOOKUP_COLUMNS);
	lookup = world_alloc(kind->world, sizeof(Lookup));
	lookup->sort = sort;
	lookup->ncolumns = ncolumns;
	for (int k = 0; k < ncolumns; k++)
		lookup->column[k] = world_text(kind->world, columns[k], strlen(columns[k]));
	lookup->hash = objects_create(kind->world->memory, list_length(kind->objects) + 16, lookup);
	lookup->next = kind->lookups;
	kind->lookups = lookup;
	foreach (cell, kind->objects)
		lookup_add(lookup, lfirst(cell));
	return lookup;
}

static Object *
lookup_find(Lookup *lookup)
{
	ObjectEntry *entry;

	for (int k = 0; k < lookup_width(lookup); k++)
		if (lookup->probe[k] == NULL)
			return NULL;
	entry = objects_lookup(lookup->hash, NULL);
	return entry ? entry->object : NULL;
}

Object *
object_by_row(Kind *kind, int ncolumns, const char *const *columns, const char *const *values, const char *region)
{
	Lookup *lookup = lookup_of(kind, BY_ROW, ncolumns, columns);

	for (int k = 0; k < ncolumns; k++)
		lookup->probe[k] = values[k];
	lookup->probe[ncolumns] = kind->has_region ? region : "";
	return lookup_find(lookup);
}

Object *
object_by_row_key(Kind *kind, const char *row_key)
{
	Lookup *lookup = lookup_of(kind, BY_ROW_KEY, 0, NULL);

	lookup->probe[0] = row_key;
	return lookup_find(lookup);
}

Object *
object_by_cloud_id(Kind *kind, const char *region, const char *cloud_id)
{
	Lookup *lookup = lookup_of(kind, BY_CLOUD_ID, 0, NULL);

	lookup->probe[0] = cloud_id;
	lookup->probe[1] = kind->has_region ? region : "";
	return lookup_find(lookup);
}

Object *
object_by_attribute(Kind *kind, const char *region, const char *column, const char *text)
{
	Lookup *lookup = lookup_of(kind, BY_ATTRIBUTE, 1, &column);

	lookup->probe[0] = text;
	lookup->probe[1] = kind->has_region ? region : "";
	return lookup_find(lookup);
}

void
object_index(Object *object)
{
	for (Lookup *lookup = object->kind->lookups; lookup != NULL; lookup = lookup->next)
		lookup_add(lookup, object);
}

const char *
object_column(const Object *object, const char *column)
{
	char buffer[MAXINT8LEN + 1];
	const char *text = row_column(object, column, buffer);

	if (text == NULL && object->kind->has_region && strcmp(column, "region") == 0)
		return object->region;
	return text == buffer ? pstrdup(buffer) : text;
}

/* ---------------------------------------------------------------- objects */

/* A new Object of its kind, known by nothing but its region yet. */
Object *
object_new(Kind *kind, const char *region)
{
	World *world = kind->world;
	Object *object = world_alloc(world, sizeof(Object));
	MemoryContext old = MemoryContextSwitchTo(world->memory);

	object->kind = kind;
	object->region = "";
	if (kind->has_region)
	{
		/* regions are few: one copy of each */
		for (int i = 0; i < world->nregions && *object->region == '\0'; i++)
			if (strcmp(world->regions[i], region) == 0)
				object->region = world->regions[i];
		if (*object->region == '\0')
			object->region = world_text(world, region, strlen(region));
	}
	object->row_id = -1;
	kind->objects = lappend(kind->objects, object);
	MemoryContextSwitchTo(old);
	return object;
}

bool
object_is_one(const Object *object)
{
	return object->desired != NULL && object->base == object->desired && object->actual == object->desired;
}

Value *
values_copy(const Kind *kind, const Value *values)
{
	Value *copy = world_alloc(kind->world, sizeof(Value) * kind->nattributes);

	memcpy(copy, values, sizeof(Value) * kind->nattributes);
	return copy;
}

void
object_part(Object *object)
{
	if (object->desired == NULL || object->base != object->desired)
		return;
	object->base = values_copy(object->kind, object->desired);
	if (object->actual == object->desired)
		object->actual = values_copy(object->kind, object->desired);
}

bool
object_is_enabled(const Object *object)
{
	const World *world = object->kind->world;

	for (int i = 0; i < world->nregions; i++)
		if (strcmp(world->regions[i], object->region) == 0)
			return true;
	return !object->kind->has_region;
}

Kind *
kind_by_name(World *world, const char *resource)
{
	for (int k = 0; k < world->nkinds; k++)
		if (strcmp(world->kinds[k]->res->name, resource) == 0)
			return world->kinds[k];
	return NULL;
}

/* The names that people know an object by: its key's own texts, or what its row's key says. */
static char *
object_name(const Object *object)
{
	const Kind *kind = object->kind;
	const Value *values = object->desired ? object->desired : object->actual ? object->actual : object->base;
	StringInfoData name;

	initStringInfo(&name);
	for (int i = 0; values != NULL && i < kind->nattributes; i++)
		if ((kind->res->attributes[i].flags & ATTR_KEY) && kind->res->attributes[i].form == FORM_SCALAR &&
			values[i].text != NULL)
			appendStringInfo(&name, "%s%s", name.len ? ", " : "", values[i].text);
	if (name.len == 0 && object->row_id >= 0)
		appendStringInfo(&name, "with id " INT64_FORMAT, object->row_id);
	else if (name.len == 0 && object->row_key != NULL)
		appendStringInfoString(&name, object->row_key);
	return name.data;
}

const char *
object_describe(const Object *object)
{
	char *name = object_name(object);
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoString(&text, object->kind->res->name);
	if (*name != '\0')
		appendStringInfo(&text, " %s", name);
	if (object->cloud_id != NULL && strcmp(object->cloud_id, name) != 0)
		appendStringInfo(&text, *name ? " (%s)" : " %s", object->cloud_id);
	if (object->kind->world->nregions > 1 && *object->region != '\0')
		appendStringInfo(&text, " in %s", object->region);
	return text.data;
}

/*
 * What a plan shows: AWS's id for what exists; for a row that is to be
 * created its own id, or its key where the table has none.
 */
const char *
object_description(const Object *object, ActionKind kind)
{
	StringInfoData text;
	List *key;

	if (kind != ACTION_CREATE || object->imported || object->row_key == NULL)
		return object->cloud_id ? object->cloud_id : object_name(object);
	initStringInfo(&text);
	key = json_array_strings(object->row_key);
	for (int k = 0; k < object->kind->key_columns && k < list_length(key); k++)
		if (strcmp(object->kind->key_column[k], "region") != 0)
			appendStringInfo(&text, "%s%s", text.len ? "|" : "", (char *) list_nth(key, k));
	return text.data;
}
