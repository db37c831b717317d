/*
 * reread.c
 *	  Reads known objects again, by cloud id or by their parents.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "engine/engine.h"

#define LATE_TRIES 5	  /* looks for a new object that AWS does not show yet */
#define FIRST_LATE_MS 100 /* wait before the second one; doubles */

/*
 * What is known of an object: what AWS said, what was agreed on, what its row
 * says.  One that this run makes is no more as it was agreed on.
 */
static Value *
known_values(const Object *object)
{
	Value *values = palloc0(sizeof(Value) * object->kind->nattributes);
	const Action *action = object->action;
	bool made = action != NULL && action->run != NULL && action->kind != ACTION_UPDATE && action->kind != ACTION_DELETE;

	for (int i = 0; i < object->kind->nattributes; i++)
	{
		const Value *sides[] = {object->actual, made ? object->desired : object->base, object->desired};

		for (int s = 0; s < (int) lengthof(sides); s++)
			if (values[i].text == NULL && values[i].nrefs == 0 && sides[s] != NULL)
				values[i] = sides[s][i];
	}
	if (object->cloud_id != NULL)
		values[object->kind->id_attribute].text = object->cloud_id;
	return values;
}

/* Whether objects are read by calls of their own, rather than found in a listing. */
static bool
reads_singly(const Resource *res)
{
	return res->get != NULL && res->get_batch <= 1;
}

/* The object that a kind is listed per. */
static const Object *
listing_parent(const Object *object)
{
	const Resource *res = object->kind->res;
	Value *values;

	if (res->list.per == NULL)
		return NULL;
	values = known_values(object);
	for (int i = 0; i < object->kind->nattributes; i++)
		if (res->attributes[i].form == FORM_REF && strcmp(res->attributes[i].refers, res->list.per) == 0 &&
			values[i].nrefs == 1)
			return values[i].refs[0];
	return NULL;
}

/*
 * Starts the call that reads objects of one kind and region again: at most
 * .get_batch of them, or where there is no operation for that, those with the
 * parent of the first.  Its end belongs to cloud_read_finish.
 */
CloudCall *
cloud_read_start(Session *session, List *objects, void *user)
{
	Object *first = linitial(objects);
	const Resource *res = first->kind->res;
	const Listing *listing = &res->list;
	TemplateArgs args = {.session = session, .object = first};
	bool describes = res->get == NULL && listing->describe != NULL && first->cloud_id != NULL;
	const char *operation = res->get ? res->get : describes ? listing->describe : listing->operation;
	const char *input = res->get ? res->get_input : describes ? listing->describe_input : listing->input;
	const char *items = res->get ? res->get_items : describes ? listing->describe_items : listing->items;
	const char *colon = strchr(operation, ':');
	List *ids = NIL;
	ListCell *cell;

	foreach (cell, objects)
		if (((Object *) lfirst(cell))->cloud_id != NULL)
			ids = lappend(ids, (void *) ((Object *) lfirst(cell))->cloud_id);
	args.values = known_values(first);
	args.gathered = ids ? sorted_json_array(ids) : "[]";
	args.parent = listing_parent(first);
	return cloud_start(session, colon ? pnstrdup(operation, colon - operation) : res->service,
					   colon ? colon + 1 : operation, asked_region(first->kind, first->region),
					   template_expand(input ? input : "{}", &args, NULL),
					   reads_singly(res) || items_whole(items) ? NULL
					   : items								   ? items
															   : "",
					   false, user);
}

static void
set_absent(Object *object)
{
	object->presence = PRESENCE_ABSENT;
	object->actual = NULL;
	object->item = NULL;
}

/* What stands at a path of a reply, as JSON; NULL: nothing. */
static const char *
reply_at(const char *reply, const char *path)
{
	JsonbValue root;
	JsonbValue value;
	const char *why;
	StringInfoData out;

	if (path == NULL || items_whole(path))
		return reply;
	if (!json_try(reply, strlen(reply), &root, &why) || !path_find(&root, path, strlen(path), &value) ||
		value.type == jbvNull)
		return NULL;
	initStringInfo(&out);
	json_append(&out, &value);
	return out.data;
}

/* The one of 'objects' that an item is about: by cloud id, or for want of one by natural key. */
static Object *
match_item(Session *session, const List *objects, Jsonb *doc, const char *why)
{
	Object *first = linitial(objects);
	const char *id = item_id(first->kind, doc);
	Object *known = id ? object_by_cloud_id(first->kind, first->region, id) : NULL;
	Object *seen;
	const char *key;
	ListCell *cell;

	if (known != NULL)
		return list_member_ptr(objects, known) ? known : NULL;
	seen = object_scratch(first->kind, first->region);
	(void) object_take_item(seen, doc, NULL, why);
	object_resolve_actual(session, seen);
	key = object_natural_key(seen, seen->actual);
	foreach (cell, objects)
	{
		Object *object = lfirst(cell);

		if (key != NULL && object->natural_key != NULL && (id == NULL || object->cloud_id == NULL) &&
			strcmp(key, object->natural_key) == 0)
			return object;
	}
	return NULL;
}

/* Takes an item that item_parse gave, under pinned formats. */
static void
take_object(Session *session, Object *object, Jsonb *doc, const char *why)
{
	if (doc == NULL)
		object->unmanaged = "AWS's answer cannot be read";
	else
		(void) object_take_item(object, doc, join_attributes(object->kind, NULL, NULL), why);
	object_resolve_actual(session, object);
	object_index(object);
}

/* Takes the answer to a read that is no error. */
static void
take_read(Session *session, CloudCall *call, List *objects)
{
	Object *first = linitial(objects);
	const Resource *res = first->kind->res;
	List *items = cloud_items(call);
	List *missing = list_copy(objects);
	const char *why;
	int nest = pin_formats();
	ListCell *cell;

	if (reads_singly(res) || (res->get == NULL && items_whole(res->list.items)))
	{
		const char *item = reply_at(cloud_result(call), res->get ? res->get_items : ".");

		if (item == NULL)
			set_absent(first);
		else
			take_object(session, first, item_parse(session->world, item, strlen(item), &why), why);
		unpin_settings(nest);
		return;
	}
	foreach (cell, items)
	{
		Jsonb *doc = item_parse(session->world, lfirst(cell), strlen(lfirst(cell)), &why);
		Object *object = missing && doc ? match_item(session, missing, doc, why) : NULL;

		if (object == NULL)
			continue;
		take_object(session, object, doc, why);
		missing = list_delete_ptr(missing, object);
	}
	foreach (cell, missing)
		if (listing_parent(lfirst(cell)) == listing_parent(first))
			set_absent(lfirst(cell));
	unpin_settings(nest);
}

/* Takes the answer to cloud_read_start's call, which stays the caller's to free. */
void
cloud_read_finish(Session *session, CloudCall *call, List *objects)
{
	const CloudError *error = cloud_error(call);
	const Resource *res = ((Object *) linitial(objects))->kind->res;
	ListCell *cell;

	if (error == NULL)
		take_read(session, call, objects);
	else if (codes_match(res->get ? res->gone : res->list.per_parent_gone, error->code, error->message))
	{
		if (list_length(objects) == 1)
			set_absent(linitial(objects));
		else
			cloud_read(session, objects); /* one of them has gone: which? */
	}
	else
		foreach (cell, objects)
			((Object *) lfirst(cell))->presence = PRESENCE_UNKNOWN;
}

/* Objects that are read by one call, for cloud_read. */
typedef struct Reading
{
	Session *session;
	List *objects;
	int *pending;
} Reading;

static void read_begin(Session *session, List *objects, int *pending);

static void
read_ended(void *arg, CloudCall *call)
{
	Reading *reading = arg;
	Object *first = linitial(reading->objects);
	const CloudError *error = cloud_error(call);
	MemoryContext old = MemoryContextSwitchTo(reading->session->memory);
	int n = list_length(reading->objects);
	ListCell *cell;

	if (error != NULL && n > 1 && codes_match(first->kind->res->gone, error->code, error->message))
	{
		read_begin(reading->session, list_truncate(list_copy(reading->objects), n / 2), reading->pending);
		read_begin(reading->session, list_copy_tail(reading->objects, n / 2), reading->pending);
	}
	else
	{
		cloud_read_finish(reading->session, call, reading->objects);
		foreach (cell, reading->objects)
		{
			Object *object = lfirst(cell);

			if (object->presence == PRESENCE_UNKNOWN && error != NULL)
				object->frozen = psprintf("it could not be read: %s%s%s", error->code ? error->code : "",
										  error->code ? ": " : "", error->message);
		}
	}
	(*reading->pending)--;
	cloud_free(call);
	MemoryContextSwitchTo(old);
}

static void
read_begin(Session *session, List *objects, int *pending)
{
	Reading *reading = palloc(sizeof(Reading));

	reading->session = session;
	reading->objects = objects;
	reading->pending = pending;
	(*pending)++;
	cloud_on_end(cloud_read_start(session, objects, NULL), read_ended, reading);
}

/* How many objects of a kind one call reads. */
static int
most_per_call(const Resource *res)
{
	if (res->get != NULL)
		return Max(res->get_batch, 1);
	if (res->list.describe != NULL)
		return Max(res->list.describe_batch, 1);
	return items_whole(res->list.items) ? 1 : PG_INT32_MAX;
}

/* Whether two objects may be read by one call. */
static bool
read_together(const Object *a, const Object *b)
{
	return a->kind == b->kind && strcmp(a->region, b->region) == 0 &&
		   (a->kind->res->get != NULL || listing_parent(a) == listing_parent(b));
}

/* Reads each object once. */
static void
read_once(Session *session, List *objects)
{
	List *open = NIL; /* of List: batches that have room */
	int pending = 0;
	ListCell *cell;

	foreach (cell, objects)
	{
		Object *object = lfirst(cell);
		List *batch = NIL;
		ListCell *other;

		if (!object_is_enabled(object))
		{
			object->presence = PRESENCE_UNKNOWN;
			object->frozen = psprintf("region \"%s\" is not enabled", object->region);
			continue;
		}
		foreach (other, open)
			if (batch == NIL && read_together(linitial(lfirst(other)), object))
			{
				batch = lfirst(other);
				open = foreach_delete_current(open, other);
			}
		batch = lappend(batch, object);
		if (list_length(batch) < most_per_call(object->kind->res))
			open = lappend(open, batch);
		else
			read_begin(session, batch, &pending);
	}
	foreach (cell, open)
		read_begin(session, lfirst(cell), &pending);
	while (pending > 0)
		cloud_turn();
	cloud_join(session, objects);
}

static void
sleep_ms(long ms)
{
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ms);

	for (;;)
	{
		long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until);

		CHECK_FOR_INTERRUPTS();
		if (left <= 0)
			return;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, left, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}

/* Whether what an object was last known to belong to has gone, or is known no more, and so the object with it. */
static bool
parent_has_gone(const Object *object)
{
	const Kind *kind = object->kind;

	for (int i = 0; object->base != NULL && i < kind->nattributes; i++)
	{
		const Attribute *attr = &kind->res->attributes[i];
		const Value *parent = &object->base[i];

		if (attr->form == FORM_REF && parent->text != NULL && kind_by_name(kind->world, attr->refers) != NULL &&
			(parent->nrefs == 0 || parent->refs[0]->presence == PRESENCE_ABSENT))
			return true;
	}
	return false;
}

const char *
object_is_late(const Session *session, const Object *object)
{
	if (object->presence != PRESENCE_ABSENT || !object->base_created || object->base_time == 0 ||
		TimestampDifferenceExceeds(object->base_time, GetCurrentTimestamp(), iasql_consistency_window) ||
		parent_has_gone(object) || settle_was_ending(session, object))
		return NULL;
	return "AWS does not show it, though it was made less than iasql.consistency_window ago";
}

/*
 * Reads objects again, by cloud id and in batches, with what their joins say.
 * Sets presence, actual and item; where the answer tells nothing, presence is
 * unknown and .frozen says why.  One that may come yet is asked for again
 * before it counts as absent.
 */
void
cloud_read(Session *session, List *objects)
{
	MemoryContext old = MemoryContextSwitchTo(session->memory);

	for (int try = 0; objects != NIL; try++)
	{
		List *late = NIL;
		ListCell *cell;

		read_once(session, objects);
		foreach (cell, objects)
		{
			Object *object = lfirst(cell);

			if (object_is_late(session, object) != NULL)
				late = lappend(late, object);
		}
		if (late == NIL || try == LATE_TRIES)
			break;
		sleep_ms((long) FIRST_LATE_MS << try);
		objects = late;
	}
	MemoryContextSwitchTo(old);
}

/* The Object of an item: known by cloud id, or one of the nameless by natural key, or a new one; NULL: unreadable. */
static Object *
take_found(Session *session, Kind *kind, const char *region, const char *json, List **nameless)
{
	const char *why;
	Jsonb *doc = item_parse(session->world, json, strlen(json), &why);
	const char *id = doc ? item_id(kind, doc) : NULL;
	Object *object = id ? object_by_cloud_id(kind, region, id) : NULL;
	int nest;

	if (doc == NULL)
		return NULL;
	nest = pin_formats();
	if (object == NULL)
	{
		Object *seen = object_scratch(kind, region);
		const char *key;
		ListCell *cell;

		(void) object_take_item(seen, doc, NULL, why);
		object_resolve_actual(session, seen);
		key = object_natural_key(seen, seen->actual);
		foreach (cell, *nameless)
			if (object == NULL && key != NULL && strcmp(((Object *) lfirst(cell))->natural_key, key) == 0)
				object = lfirst(cell);
		*nameless = list_delete_ptr(*nameless, object);
		if (object == NULL)
			object = object_new(kind, region);
	}
	take_object(session, object, doc, why);
	unpin_settings(nest);
	return object;
}

/*
 * Finds objects by their parents (.find_input): each item of the answers is an
 * object known by cloud id, else one without cloud id whose row has its natural
 * key, else a new Object.  Returns them all, references resolved.  A call that
 * failed is a WARNING.
 */
List *
cloud_find(Session *session, Kind *kind, List *parents)
{
	const Resource *res = kind->res;
	MemoryContext old = MemoryContextSwitchTo(session->memory);
	List *rest = list_copy(parents);
	List *result = NIL;

	while (rest != NIL)
	{
		Object *first = linitial(rest);
		List *ids = NIL;
		List *nameless = NIL;
		ListCell *cell;
		CloudCall *call;

		foreach (cell, rest)
		{
			Object *parent = lfirst(cell);

			if (strcmp(parent->region, first->region) != 0 || list_length(ids) >= Max(res->get_batch, 1))
				continue;
			if (parent->cloud_id != NULL)
				ids = lappend(ids, (void *) parent->cloud_id);
			rest = foreach_delete_current(rest, cell);
		}
		if (ids == NIL)
			continue;
		foreach (cell, kind->objects)
		{
			Object *object = lfirst(cell);

			if (object->desired != NULL && object->cloud_id == NULL && strcmp(object->region, first->region) == 0)
			{
				object->natural_key = object_natural_key(object, object->desired);
				if (object->natural_key != NULL)
					nameless = lappend(nameless, object);
			}
		}
		call =
			cloud_call(session, res->service, res->get, asked_region(kind, first->region),
					   template_expand(res->find_input,
									   &(TemplateArgs){.session = session, .gathered = sorted_json_array(ids)}, NULL),
					   res->get_items ? res->get_items : "", NULL, NULL);
		if (cloud_error(call) != NULL)
			ereport(WARNING, (errcode(sqlstate_of(cloud_error(call))),
							  errmsg("could not look for new objects of table \"%s\"", res->name),
							  errdetail_internal("%s", cloud_error_text(cloud_error(call)))));
		foreach (cell, cloud_items(call))
		{
			Object *object = take_found(session, kind, first->region, lfirst(cell), &nameless);

			if (object != NULL)
				result = lappend(result, object);
		}
		cloud_free(call);
	}
	MemoryContextSwitchTo(old);
	return result;
}
