/*
 * cloud.c
 *	  Lists all that AWS has.
 *
 * A Scan is the listing of one kind in one region.  All scans run at once:
 * every call is started as soon as what it needs is there, and its end starts
 * the next ones.
 *
 *	list, also		pages of items, or of ids that are described in batches as
 *					they come; per object of a parent, as soon as that
 *					parent's scan has ended
 *	joins			other bulk listings beside the first, or calls per item
 *					after it; their items are put into the first's
 *	end				items become Objects; scans per object of this kind begin
 *
 * A failure never looks like an empty answer.  A scan whose listing failed
 * says why (kind_listed); one call per parent that failed concerns only that
 * parent's children; a join that failed makes its attributes unknown.
 */
#include "postgres.h"

#include <ctype.h>

#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "engine/engine.h"

/* An item of a reply, on its way to become an Object. */
typedef struct Found
{
	struct Scan *scan;
	Jsonb *doc;
	const char *why;	/* its texts had to be changed: the table cannot hold it */
	Object *object;		/* that was read; NULL: to be found or made */
	Bitmapset *unknown; /* attributes whose join failed */
} Found;

/* An item of a join, sorted by key. */
typedef struct Joined
{
	const char *key;
	Jsonb *doc;
} Joined;

/* A parent whose children could not be listed. */
typedef struct Lost
{
	const Object *parent;
	const char *why;
} Lost;

typedef struct Scan
{
	Session *session;
	Kind *kind;
	const char *region;									/* of the objects */
	const char *asked;									/* region that is asked */
	List *found;										/* of Found */
	List *joined[lengthof(((Resource *) NULL)->joins)]; /* of Joined */
	const char *join_why[lengthof(((Resource *) NULL)->joins)];
	List *lost;		   /* of Lost */
	List *waiting;	   /* of Task: listings per object of this kind */
	const char *why;   /* the listing failed */
	CloudError *error; /* by this answer */
	int pending;	   /* calls and listings that have not ended */
	bool listing;	   /* else its Objects were read by id, and it only joins */
	bool ended;
} Scan;

/* What a call is for. */
typedef struct Task
{
	Scan *scan;
	const Listing *listing;
	const Object *parent;
	List *ids;	 /* of char *, JSON: listed and not yet described */
	List *batch; /* the same, of a call that describes */
	int join;
} Task;

static void scan_step(Scan *scan);

/* --------------------------------------------------------------- calls */

/* "service:Operation", or an operation of the resource's own service. */
static CloudCall *
start_call(Scan *scan, const char *operation, const char *input, const TemplateArgs *args, const char *items)
{
	const char *colon = strchr(operation, ':');
	const char *service = colon ? pnstrdup(operation, colon - operation) : scan->kind->res->service;
	TemplateArgs here = *args;

	here.region = scan->asked;
	return cloud_start(scan->session, service, colon ? colon + 1 : operation, scan->asked,
					   template_expand(input ? input : "{}", &here, NULL), items, false, NULL);
}

/* The region that is asked for a kind's objects of a region. */
const char *
asked_region(const Kind *kind, const char *region)
{
	const World *world = kind->world;

	if (kind->res->region != NULL)
		return kind->res->region;
	return kind->has_region ? region : world->nregions > 0 ? world->regions[0] : "us-east-1";
}

static Scan *
scan_new(Session *session, Kind *kind, const char *region, bool listing)
{
	Scan *scan = palloc0(sizeof(Scan));

	scan->session = session;
	scan->kind = kind;
	scan->region = kind->has_region ? region : "";
	scan->asked = asked_region(kind, region);
	scan->listing = listing;
	return scan;
}

/* The listing failed, or the part of it that is about one parent. */
static void
scan_fail(Scan *scan, const Object *parent, const CloudError *error)
{
	MemoryContext old = MemoryContextSwitchTo(scan->session->memory);
	const char *why = cloud_error_text(error);

	if (parent != NULL)
	{
		Lost *lost = palloc0(sizeof(Lost));

		lost->parent = parent;
		lost->why = why;
		scan->lost = lappend(scan->lost, lost);
	}
	else if (scan->why == NULL)
	{
		scan->why = why;
		scan->error = palloc(sizeof(CloudError));
		*scan->error = *error;
		scan->error->code = error->code ? pstrdup(error->code) : NULL;
		scan->error->message = pstrdup(error->message);
		scan->error->service = pstrdup(error->service);
		scan->error->operation = pstrdup(error->operation);
		scan->error->request_id = error->request_id ? pstrdup(error->request_id) : NULL;
		scan->error->hint = error->hint ? pstrdup(error->hint) : NULL;
	}
	MemoryContextSwitchTo(old);
}

static Found *
found_add(Scan *scan, Jsonb *doc, const char *why)
{
	MemoryContext old = MemoryContextSwitchTo(scan->session->memory);
	Found *found = palloc0(sizeof(Found));

	found->scan = scan;
	found->doc = doc;
	found->why = why;
	scan->found = lappend(scan->found, found);
	MemoryContextSwitchTo(old);
	return found;
}

/* An item of a listing, or of what describes it. */
static void
take_item(void *arg, const char *json, Size len)
{
	Task *task = arg;
	const char *why;
	Jsonb *doc = item_parse(task->scan->session->world, json, len, &why);

	if (doc == NULL)
	{
		CloudError error = {.service = task->scan->kind->res->service,
							.operation = task->listing->operation,
							.message = "an item of the answer cannot be read"};

		scan_fail(task->scan, task->parent, &error);
	}
	else if (pattern_matches(doc, task->listing->only))
		(void) found_add(task->scan, doc, why);
}

/* Takes the whole result of a call as one item. */
static void
take_result(CloudCall *call, CallItem take, void *arg)
{
	const char *result = cloud_result(call);

	take(arg, result, strlen(result));
}

static void describe(Task *task, List *ids);

static void
describe_ended(void *arg, CloudCall *call)
{
	Task *task = arg;
	Scan *scan = task->scan;
	const CloudError *error = cloud_error(call);

	if (error != NULL && !codes_match(scan->kind->res->gone, error->code, error->message))
		scan_fail(scan, task->parent, error);
	else if (error != NULL && list_length(task->batch) > 1)
	{
		/* one of them has gone meanwhile: find out which */
		int half = list_length(task->batch) / 2;

		describe(task, list_truncate(list_copy(task->batch), half));
		describe(task, list_copy_tail(task->batch, half));
	}
	else if (error == NULL && items_whole(task->listing->describe_items))
		take_result(call, take_item, task);
	cloud_free(call);
	scan->pending--;
	scan_step(scan);
}

/* Reads listed ids. */
static void
describe(Task *task, List *ids)
{
	MemoryContext old = MemoryContextSwitchTo(task->scan->session->memory);
	Task *next = palloc0(sizeof(Task));
	const Listing *listing = task->listing;
	StringInfoData gathered;
	CloudCall *call;
	ListCell *cell;

	Assert(listing->describe != NULL);
	initStringInfo(&gathered);
	foreach (cell, ids)
		appendStringInfo(&gathered, "%c%s", gathered.len ? ',' : '[', (char *) lfirst(cell));
	appendStringInfoChar(&gathered, ']');
	*next = *task;
	next->ids = NIL;
	next->batch = ids;
	task->scan->pending++;
	call = start_call(task->scan, listing->describe, listing->describe_input,
					  &(TemplateArgs){.session = task->scan->session,
									  .parent = task->parent,
									  .gathered = gathered.data,
									  .element = linitial(ids)},
					  items_whole(listing->describe_items) ? NULL
					  : listing->describe_items			   ? listing->describe_items
														   : "");
	cloud_each(call, take_item, next);
	cloud_on_end(call, describe_ended, next);
	MemoryContextSwitchTo(old);
}

static void
take_id(void *arg, const char *json, Size len)
{
	Task *task = arg;
	MemoryContext old = MemoryContextSwitchTo(task->scan->session->memory);

	task->ids = lappend(task->ids, pnstrdup(json, len));
	if (!task->listing->newest && list_length(task->ids) >= Max(task->listing->describe_batch, 1))
	{
		List *ids = task->ids;

		task->ids = NIL;
		describe(task, ids);
	}
	MemoryContextSwitchTo(old);
}

/* How long an id, which is JSON, is without the number at its end. */
static int
thing_len(const char *id)
{
	int len = strlen(id) - 1;

	while (len > 0 && isdigit((unsigned char) id[len - 1]))
		len--;
	return len;
}

/* Whether two ids are versions of one thing: 0, or its order. */
static int
compare_things(const char *a, const char *b)
{
	int len = thing_len(a);

	return len == thing_len(b) ? memcmp(a, b, len) : len - thing_len(b);
}

static int
compare_versions(const ListCell *a, const ListCell *b)
{
	int order = compare_things(lfirst(a), lfirst(b));
	long first = strtol((char *) lfirst(a) + thing_len(lfirst(a)), NULL, 10);
	long second = strtol((char *) lfirst(b) + thing_len(lfirst(b)), NULL, 10);

	return order != 0 ? order : (first > second) - (first < second);
}

/* Whether what has this id never changes and is known from an earlier look: then it is found. */
static bool
found_before(Task *task, const char *json)
{
	Scan *scan = task->scan;
	List *id = scan->kind->res->versioned ? json_array_strings(psprintf("[%s]", json)) : NIL;
	const Object *object = id != NIL ? object_by_cloud_id(scan->kind, scan->region, linitial(id)) : NULL;

	if (object == NULL || object->kept == NULL)
		return false;
	if (pattern_matches(object->kept, task->listing->only))
		(void) found_add(scan, object->kept, NULL);
	return true;
}

/* Reads the newest of each thing's versions, unless it is known. */
static void
describe_newest(Task *task)
{
	const char *newer = NULL;

	list_sort(task->ids, compare_versions);
	for (int i = list_length(task->ids) - 1; i >= 0; i--)
	{
		char *id = list_nth(task->ids, i);

		if ((newer == NULL || compare_things(id, newer) != 0) && !found_before(task, id))
			describe(task, list_make1(id));
		newer = id;
	}
}

static void
list_ended(void *arg, CloudCall *call)
{
	Task *task = arg;
	Scan *scan = task->scan;
	const CloudError *error = cloud_error(call);
	bool gone = error != NULL && task->parent != NULL &&
				codes_match(task->listing->per_parent_gone, error->code, error->message);

	if (error != NULL && !gone)
		scan_fail(scan, task->parent, error);
	else if (error == NULL && items_whole(task->listing->items))
		take_result(call, task->listing->describe ? take_id : take_item, task);
	if (task->listing->newest)
		describe_newest(task);
	else if (task->ids != NIL)
		describe(task, task->ids);
	cloud_free(call);
	scan->pending--;
	scan_step(scan);
}

/* Starts one listing, or the part of it that is about one parent. */
static void
list_start(Scan *scan, const Listing *listing, const Object *parent)
{
	MemoryContext old = MemoryContextSwitchTo(scan->session->memory);
	Task *task = palloc0(sizeof(Task));
	CloudCall *call;

	task->scan = scan;
	task->listing = listing;
	task->parent = parent;
	scan->pending++;
	call = start_call(scan, listing->operation, listing->input,
					  &(TemplateArgs){.session = scan->session, .parent = parent},
					  items_whole(listing->items) ? NULL
					  : listing->items			  ? listing->items
												  : "");
	cloud_each(call, listing->describe ? take_id : take_item, task);
	cloud_on_end(call, list_ended, task);
	MemoryContextSwitchTo(old);
}

static Scan *
scan_of(const Kind *kind, const char *region)
{
	ListCell *cell;

	foreach (cell, kind->scans)
	{
		Scan *scan = lfirst(cell);

		if (!kind->has_region || strcmp(scan->region, region) == 0)
			return scan;
	}
	return NULL;
}

/* A scan of parents has ended: lists the children of each. */
static void
list_per_parent(Scan *scan, const Listing *listing, const Scan *parents)
{
	int known_by = attribute_index(parents->kind->res, listing->known_by, -1);
	struct HTAB *known = multimap_of_texts();
	ListCell *cell;

	if (parents->why != NULL)
	{
		if (scan->why == NULL)
			scan->why = parents->why;
		return;
	}
	if (known_by >= 0)
		foreach (cell, scan->found)
			multimap_add(known, item_id(scan->kind, ((Found *) lfirst(cell))->doc), lfirst(cell));
	foreach (cell, parents->kind->objects)
	{
		Object *parent = lfirst(cell);
		const char *id = known_by >= 0 && parent->actual ? parent->actual[known_by].text : NULL;

		if (parent->actual == NULL || (parents->kind->has_region && strcmp(parent->region, parents->region) != 0) ||
			multimap_get(known, id) != NIL)
			continue;
		multimap_add(known, id, parent);
		list_start(scan, listing, parent);
	}
}

/* Starts a listing, at once or as soon as its parents are listed. */
static void
list_begin(Scan *scan, const Listing *listing)
{
	Kind *kind;
	Scan *parents;
	Task *task;

	if (listing->operation == NULL)
		return;
	if (listing->per == NULL)
	{
		list_start(scan, listing, NULL);
		return;
	}
	kind = kind_by_name(scan->session->world, listing->per);
	parents = kind ? scan_of(kind, scan->region) : NULL;
	if (parents == NULL)
		elog(ERROR, "resource \"%s\" is listed per \"%s\", which is not listed", scan->kind->res->name, listing->per);
	if (parents->ended)
	{
		list_per_parent(scan, listing, parents);
		return;
	}
	task = palloc0(sizeof(Task));
	task->scan = scan;
	task->listing = listing;
	parents->waiting = lappend(parents->waiting, task);
	scan->pending++;
}

/* --------------------------------------------------------------- joins */

/* The object with one more member. */
static Jsonb *
with_member(World *world, Jsonb *object, const char *name, Jsonb *doc)
{
	JsonbParseState *state = NULL;
	JsonbValue key = {.type = jbvString, .val.string = {.val = unconstify(char *, name), .len = strlen(name)}};
	JsonbValue value;
	Jsonb *member;

	jsonb_root(doc, &value);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	pushJsonbValue(&state, WJB_KEY, &key);
	pushJsonbValue(&state, WJB_VALUE, &value);
	member = JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
	return world_jsonb(
		world, DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(object), JsonbPGetDatum(member))));
}

static void
take_joined(void *arg, const char *json, Size len)
{
	Task *task = arg;
	Scan *scan = task->scan;
	World *world = scan->session->world;
	const char *why;
	Jsonb *doc = item_parse(world, json, len, &why);
	char *key;
	MemoryContext old;
	Joined *joined;

	if (doc == NULL)
	{
		scan->join_why[task->join] = "an item of the answer cannot be read";
		return;
	}
	key = path_text(doc, scan->kind->res->joins[task->join].key);
	if (key == NULL)
		return;
	old = MemoryContextSwitchTo(scan->session->memory);
	joined = palloc(sizeof(Joined));
	joined->key = world_text(world, key, strlen(key));
	joined->doc = doc;
	scan->joined[task->join] = lappend(scan->joined[task->join], joined);
	MemoryContextSwitchTo(old);
}

static void
join_ended(void *arg, CloudCall *call)
{
	Task *task = arg;
	const CloudError *error = cloud_error(call);

	if (error != NULL)
		task->scan->join_why[task->join] = MemoryContextStrdup(task->scan->session->memory, cloud_error_text(error));
	cloud_free(call);
	task->scan->pending--;
	scan_step(task->scan);
}

static void
joins_start(Scan *scan)
{
	MemoryContext old = MemoryContextSwitchTo(scan->session->memory);
	const Join *joins = scan->kind->res->joins;

	for (int j = 0; j < (int) lengthof(scan->kind->res->joins) && joins[j].operation != NULL; j++)
	{
		Task *task = palloc0(sizeof(Task));
		CloudCall *call = start_call(scan, joins[j].operation, joins[j].input,
									 &(TemplateArgs){.session = scan->session}, joins[j].items ? joins[j].items : "");

		task->scan = scan;
		task->join = j;
		scan->pending++;
		cloud_each(call, take_joined, task);
		cloud_on_end(call, join_ended, task);
	}
	MemoryContextSwitchTo(old);
}

static int
compare_joined(const ListCell *a, const ListCell *b)
{
	return strcmp(((Joined *) lfirst(a))->key, ((Joined *) lfirst(b))->key);
}

/* The first document with this key, of a sorted list; NULL: none. */
static Jsonb *
joined_by_key(const List *sorted, const char *key)
{
	int low = 0;
	int high = list_length(sorted);
	const Joined *found;

	while (low < high)
	{
		int middle = (low + high) / 2;

		if (strcmp(((Joined *) list_nth(sorted, middle))->key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	found = low < list_length(sorted) ? list_nth(sorted, low) : NULL;
	return found != NULL && strcmp(found->key, key) == 0 ? found->doc : NULL;
}

/* Puts the items of joins into the found ones. */
static void
join_found(Scan *scan)
{
	const Join *joins = scan->kind->res->joins;

	for (int j = 0; j < (int) lengthof(scan->kind->res->joins) && joins[j].operation != NULL; j++)
	{
		ListCell *cell;

		list_sort(scan->joined[j], compare_joined);
		foreach (cell, scan->found)
		{
			Found *found = lfirst(cell);
			char *key = path_text(found->doc, joins[j].match);
			Jsonb *doc = key ? joined_by_key(scan->joined[j], key) : NULL;

			if (scan->join_why[j] != NULL)
				found->unknown = join_attributes(scan->kind, &joins[j], found->unknown);
			else if (doc != NULL)
				found->doc = with_member(scan->session->world, found->doc, joins[j].as, doc);
		}
	}
}

/* ---------------------------------------------------------------- scans */

/* All that belongs to the items is there: they become Objects. */
static void
scan_end(Scan *scan)
{
	Kind *kind = scan->kind;
	int nest = pin_formats();
	ListCell *cell;

	scan->ended = true;
	join_found(scan);
	foreach (cell, scan->found)
	{
		Found *found = lfirst(cell);
		Object *object = found->object;

		if (object == NULL)
		{
			const char *id = item_id(kind, found->doc);

			if (kind->res->absent != NULL && pattern_matches(found->doc, kind->res->absent))
				continue;
			object = id ? object_by_cloud_id(kind, scan->region, id) : NULL;
			if (object == NULL)
				object = object_new(kind, scan->region);
		}
		(void) object_take_item(object, found->doc, found->unknown, found->why);
		if (found->object != NULL)
			object_resolve_actual(scan->session, object);
		object_index(object);
	}
	unpin_settings(nest);
	scan->found = NIL;
	foreach (cell, scan->waiting)
	{
		Task *task = lfirst(cell);

		list_per_parent(task->scan, task->listing, scan);
		task->scan->pending--;
		scan_step(task->scan);
	}
}

/* Something ended: goes on when it was the last that the scan waited for. */
static void
scan_step(Scan *scan)
{
	MemoryContext old;

	if (scan->pending > 0 || scan->ended)
		return;
	old = MemoryContextSwitchTo(scan->session->memory);
	scan_end(scan);
	MemoryContextSwitchTo(old);
}

/* Begins a scan's calls; what it waits for counts as one until all are begun. */
static void
scan_begin(Scan *scan)
{
	scan->pending++;
	if (scan->listing)
	{
		list_begin(scan, &scan->kind->res->list);
		list_begin(scan, &scan->kind->res->also);
	}
	joins_start(scan);
	scan->pending--;
	scan_step(scan);
}

/* Says what could not be listed.  If that is all there was: an error. */
static void
report_failures(const List *scans)
{
	const CloudError *first = NULL;
	bool any = false;
	ListCell *cell;

	foreach (cell, scans)
	{
		Scan *scan = lfirst(cell);

		if (scan->why == NULL)
			any = true;
		else if (first == NULL)
			first = scan->error;
	}
	if (!any && first != NULL)
		cloud_raise(first);
	foreach (cell, scans)
	{
		Scan *scan = lfirst(cell);
		ListCell *lost;

		if (scan->error != NULL)
			ereport(WARNING, (errcode(sqlstate_of(scan->error)),
							  errmsg("could not list table \"%s\"%s%s", scan->kind->res->name,
									 *scan->region ? " in " : "", scan->region),
							  errdetail_internal("%s", scan->why)));
		foreach (lost, scan->lost)
			ereport(WARNING, (errmsg("could not list table \"%s\" of %s", scan->kind->res->name,
									 object_describe(((Lost *) lfirst(lost))->parent)),
							  errdetail_internal("%s", ((Lost *) lfirst(lost))->why)));
		for (int j = 0; j < (int) lengthof(scan->join_why); j++)
			if (scan->join_why[j] != NULL)
				ereport(WARNING, (errmsg("could not read all of table \"%s\"", scan->kind->res->name),
								  errdetail_internal("%s", scan->join_why[j])));
	}
}

/* Adds a kind and what it is listed per. */
static Bitmapset *
with_parents(World *world, Bitmapset *kinds, const Kind *kind)
{
	const char *per[] = {kind->res->list.per, kind->res->also.per};

	for (int i = 0; i < (int) lengthof(per); i++)
	{
		const Kind *parent = per[i] ? kind_by_name(world, per[i]) : NULL;

		if (parent != NULL)
			kinds = with_parents(world, kinds, parent);
	}
	return bms_add_member(kinds, kind->index);
}

/*
 * Starts to list the given kinds, and those that they are listed per, in all
 * enabled regions.  Nothing is taken before cloud_list_end, so rows may be read
 * meanwhile.
 */
void
cloud_list_begin(Session *session, const Bitmapset *kinds)
{
	World *world = session->world;
	MemoryContext old = MemoryContextSwitchTo(session->memory);
	Bitmapset *wanted = NULL;
	ListCell *cell;

	for (int k = 0; k < world->nkinds; k++)
		if (bms_is_member(k, kinds))
			wanted = with_parents(world, wanted, world->kinds[k]);
	for (int k = 0; k < world->nkinds; k++)
	{
		Kind *kind = world->kinds[k];
		int regions = kind->has_region ? world->nregions : 1;

		for (int r = 0; bms_is_member(k, wanted) && kind->res->list.operation != NULL && r < regions; r++)
		{
			Scan *scan = scan_new(session, kind, kind->has_region ? world->regions[r] : "", true);

			kind->scans = lappend(kind->scans, scan);
			world->scans = lappend(world->scans, scan);
		}
	}
	foreach (cell, world->scans)
		scan_begin(lfirst(cell));
	if (world->scans != NIL)
		cloud_send();
	MemoryContextSwitchTo(old);
}

/*
 * Takes what the listings answer, after rows and state were read.  Objects have
 * their actual values afterwards, references unresolved.  A failed listing is a
 * WARNING; it is an error if none succeeded.
 */
void
cloud_list_end(Session *session)
{
	MemoryContext old = MemoryContextSwitchTo(session->memory);
	TimestampTz told = GetCurrentTimestamp();
	ListCell *cell;

	foreach (cell, session->world->scans)
	{
		const Scan *scan = lfirst(cell);

		while (!scan->ended)
		{
			cloud_turn();
			if (!TimestampDifferenceExceeds(told, GetCurrentTimestamp(), PROGRESS_SILENCE_MS))
				continue;
			told = GetCurrentTimestamp();
			ereport(NOTICE, (errmsg("waiting for the list of table \"%s\"%s%s", scan->kind->res->name,
									*scan->region ? " in " : "", scan->region)));
		}
	}
	report_failures(session->world->scans);
	MemoryContextSwitchTo(old);
}

/*
 * Whether the listing of a kind in a region tells what is there, so that what
 * it did not show is absent; else *why says what failed.  For a kind that is
 * listed per parent, 'parent' is the object's, if it has one.
 */
bool
kind_listed(const Kind *kind, const char *region, const Object *parent, const char **why)
{
	const Scan *scan = scan_of(kind, region);
	ListCell *cell;

	if (scan == NULL)
	{
		*why = kind->scans != NIL || kind->world->nregions == 0 ? psprintf("region \"%s\" is not enabled", region)
																: "it was not listed";
		return false;
	}
	*why = scan->why;
	if (parent != NULL && parent->actual == NULL && parent->frozen != NULL)
		*why = parent->frozen;
	foreach (cell, scan->lost)
	{
		const Lost *lost = lfirst(cell);

		if (parent != NULL && (lost->parent == parent || (lost->parent->cloud_id != NULL && parent->cloud_id != NULL &&
														  strcmp(lost->parent->cloud_id, parent->cloud_id) == 0)))
			*why = lost->why;
	}
	return *why == NULL;
}

/* Puts into the objects, just read, what only a join knows. */
void
cloud_join(Session *session, List *objects)
{
	List *scans = NIL;
	ListCell *cell;
	ListCell *other;

	foreach (cell, objects)
	{
		Object *object = lfirst(cell);
		Scan *scan = NULL;

		if (object->presence != PRESENCE_PRESENT || object->item == NULL ||
			object->kind->res->joins[0].operation == NULL)
			continue;
		foreach (other, scans)
			if (((Scan *) lfirst(other))->kind == object->kind &&
				strcmp(((Scan *) lfirst(other))->region, object->region) == 0)
				scan = lfirst(other);
		if (scan == NULL)
		{
			scan = scan_new(session, object->kind, object->region, false);
			scans = lappend(scans, scan);
		}
		found_add(scan, object->item, object->unmanaged)->object = object;
	}
	foreach (cell, scans)
		scan_begin(lfirst(cell));
	foreach (cell, scans)
		while (!((Scan *) lfirst(cell))->ended)
			cloud_turn();
}
