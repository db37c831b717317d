/*
 * execute_request.c
 *	  The requests of steps: written to the journal, sent when that is durable,
 *	  and what their answers mean for the actions that they are for.
 *
 * A step becomes one request, one an element, or shares one with other
 * actions: a batch.  If execution is left by an error (a cancel, say),
 * requests in flight stay in the journal without outcome, and the next
 * operation settles them.  One that was refused and waits to be repeated has
 * its refusal as outcome, and gets another intent when it is due.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "engine/execute.h"

static char *
new_token(void)
{
	pg_uuid_t uuid;

	if (!pg_strong_random(&uuid, sizeof(uuid)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random values")));
	uuid.data[6] = (uuid.data[6] & 0x0f) | 0x40;
	uuid.data[8] = (uuid.data[8] & 0x3f) | 0x80;
	return DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&uuid)));
}

static void
split_operation(const Resource *res, const char *operation, const char **service, const char **name)
{
	const char *colon = strchr(operation, ':');

	*service = colon ? pnstrdup(operation, colon - operation) : res->service;
	*name = colon ? colon + 1 : operation;
}

/* Whether a call removes what AWS makes along with a new object. */
bool
removes_born(const Resource *res, const Call *call)
{
	for (int b = 0; b < (int) lengthof(res->born); b++)
		if (call == &res->born[b].remove)
			return true;
	return false;
}

/*
 * The number of the step under way, by which an interrupted creation is
 * resumed: its call's place in Resource.create.  What is done to what AWS makes
 * along belongs to the first; a change, of an object that was taken over, is
 * behind them all.
 */
static int
step_number(const Action *action)
{
	const Resource *res = action->object->kind->res;
	const Call *call = list_nth(action->run->steps, action->run->at);

	if (call == &res->lookup)
		return -1;
	for (int c = 0; c < MAX_CALLS; c++)
		if (call == &res->create[c])
			return c;
	return removes_born(res, call) ? 0 : MAX_CALLS;
}

/* Journals that a request will be sent. */
static void
write_intents(Executor *ex, Request *request)
{
	ListCell *cell;

	test_stop("intent");
	foreach (cell, request->actions)
	{
		Action *action = lfirst(cell);
		int64 *intent = palloc(sizeof(int64));

		*intent = journal_intent(ex->session, action, step_number(action), request->service, request->operation,
								 request->masked, request->token);
		request->intents = lappend(request->intents, intent);
	}
}

/* Journals that AWS refused it; where it may have been executed all the same it stays in doubt. */
static void
write_refusals(Executor *ex, Request *request, const CloudError *error)
{
	ListCell *cell;

	if (error->maybe_executed)
		return;
	foreach (cell, request->intents)
		journal_outcome(ex->session, *(int64 *) lfirst(cell), NULL, error->request_id, error->code ? error->code : "",
						error->message, false);
	request->intents = NIL;
}

/* Expands a request, journals its intents and queues it. */
void
request_new(Executor *ex, List *actions, const Call *call, const char *element, const char *gathered)
{
	Action *first = linitial(actions);
	Request *request = palloc0(sizeof(Request));
	TemplateArgs args = {0};
	ListCell *cell;

	split_operation(first->object->kind->res, call->operation, &request->service, &request->operation);
	request->actions = actions;
	request->call = call;
	request->token = new_token();
	request->first = GetCurrentTimestamp();
	args.session = ex->session;
	args.object = first->object;
	args.values = first->run->values;
	args.action = first;
	args.element = element;
	args.gathered = gathered ? gathered : first->run->lookup;
	args.token = request->token;
	args.mark = iasql_mark_objects ? request->token : NULL;
	request->input = template_expand(call->input ? call->input : "{}", &args, &request->masked);
	write_intents(ex, request);
	foreach (cell, actions)
		((Action *) lfirst(cell))->run->outstanding++;
	ex->requests = lappend(ex->requests, request);
}

/* What one action adds to a batch's input. */
static char *
action_part(Executor *ex, const Action *action, const Call *call)
{
	TemplateArgs args = {
		.session = ex->session, .object = action->object, .values = action->run->values, .action = action};

	return template_expand(call->element, &args, NULL);
}

/* One request of actions whose parts of the input are gathered in an array. */
static void
batch_request(Executor *ex, List *actions, const Call *call)
{
	StringInfoData gathered;
	ListCell *cell;

	initStringInfo(&gathered);
	foreach (cell, actions)
		appendStringInfo(&gathered, "%c%s", cell == list_head(actions) ? '[' : ',',
						 action_part(ex, lfirst(cell), call));
	appendStringInfoChar(&gathered, ']');
	request_new(ex, actions, call, NULL, gathered.data);
}

static bool
is_durable(Executor *ex, const Request *request)
{
	ListCell *cell;

	foreach (cell, request->intents)
		if (!journal_is_durable(ex->session, *(int64 *) lfirst(cell)))
			return false;
	return true;
}

/* Sends what is durable and due; returns ms until the next is due, -1 for none. */
long
requests_send(Executor *ex)
{
	TimestampTz now = GetCurrentTimestamp();
	long next = -1;
	ListCell *cell;

	foreach (cell, ex->requests)
	{
		Request *request = lfirst(cell);
		Action *first = linitial(request->actions);
		bool creates = first->kind == ACTION_CREATE || first->kind == ACTION_REPLACE;

		if (request->not_before > now)
		{
			long ms = TimestampDifferenceMilliseconds(now, request->not_before);

			next = next < 0 ? ms : Min(next, ms);
			continue;
		}
		if (ex->sent >= iasql_max_concurrency)
			return 0;
		if (request->intents == NIL)
			write_intents(ex, request);
		if (!is_durable(ex, request))
			continue;
		Assert(list_length(request->intents) == list_length(request->actions));
		test_stop("durable");
		cloud_start(ex->session, request->service, request->operation,
					asked_region(first->object->kind, first->object->region), request->input, NULL,
					creates && !request->call->token_ok, request);
		ex->in_flight++;
		ex->sent++;
		ex->requests_sent++;
		ex->waited += Max(now - Max(request->first, request->not_before), 0);
		ex->requests = foreach_delete_current(ex->requests, cell);
	}
	return next;
}

/* The values of one action's created object, for the journal and for what follows. */
static void
take_item(Action *action, Jsonb *item, const char *why)
{
	Object *object = action->object;

	if (!object_take_item(object, item, join_attributes(object->kind, NULL, NULL), why))
		return;
	object->presence = PRESENCE_PRESENT;
	object_index(object);
	action->run->values = effective_values(object);
}

/* Where AWS knows an object by a name of the row, that is known without a reply. */
static void
know_id(Action *action)
{
	Object *object = action->object;
	int id = object->kind->id_attribute;

	if (object->desired == NULL || object->cloud_id != NULL || id < 0 ||
		(object->kind->res->attributes[id].flags & ATTR_COMPUTED))
		return;
	object->cloud_id = action->run->values[id].text;
	object_index(object);
}

/* A batch's reply lists its objects: matched by natural key, over references as the rows have them. */
static void
take_batch_items(Executor *ex, Request *request, const JsonbValue *list, const char *why)
{
	Action *first = linitial(request->actions);
	JsonElements elements = {list};
	JsonbValue item;

	while (json_next_element(&elements, &item))
	{
		Object *seen = object_scratch(first->object->kind, first->object->region);
		Jsonb *doc = JsonbValueToJsonb(&item);
		const char *key;
		ListCell *cell;

		if (!json_is_object(&item) || !object_take_item(seen, doc, NULL, why))
			continue;
		object_resolve_actual(ex->session, seen);
		key = object_natural_key(seen, seen->actual);
		foreach (cell, request->actions)
		{
			Action *action = lfirst(cell);

			if (key != NULL && action->object->natural_key != NULL && action->object->cloud_id == NULL &&
				strcmp(key, action->object->natural_key) == 0)
			{
				take_item(action, doc, why);
				break;
			}
		}
	}
}

/* Takes what a reply says of the objects. */
static void
take_reply(Executor *ex, Request *request, const char *reply)
{
	Action *first = linitial(request->actions);
	const Call *call = request->call;
	const char *path = call->reply_items ? call->reply_items : call->item;
	JsonbValue found;
	const char *why;
	Jsonb *doc;
	int nest;

	if (reply == NULL || path == NULL)
		return;
	doc = item_parse(ex->session->world, reply, strlen(reply), &why);
	if (doc == NULL || !path_get(doc, path, &found))
		return;
	nest = pin_formats();
	if (call->reply_items != NULL)
		take_batch_items(ex, request, &found, why);
	else if (call == &first->object->kind->res->lookup)
		first->run->lookup = json_text(&found);
	else if (json_is_object(&found))
		take_item(first, JsonbValueToJsonb(&found), why);
	unpin_settings(nest);
}

static void
request_succeeded(Executor *ex, Request *request, CloudCall *cloud, bool was_done)
{
	const char *request_id = cloud_request_id(cloud);
	ListCell *cell;

	foreach (cell, request->actions)
		know_id(lfirst(cell));
	take_reply(ex, request, was_done ? NULL : cloud_result(cloud));
	foreach (cell, request->actions)
	{
		Action *action = lfirst(cell);
		Run *run = action->run;
		int64 intent = *(int64 *) list_nth(request->intents, foreach_current_index(cell));
		bool last = run->outstanding == 1 && run->at + 1 >= list_length(run->steps);

		journal_outcome(ex->session, intent, action->object->cloud_id, request_id, NULL, NULL, last);
		if (--run->outstanding > 0)
			continue;
		if (action->error != NULL)
			action_fail(ex, action);
		else
			step_done(ex, action);
	}
}

#define HOLDERS_SHOWN 5

/* "network interface eni-1 (Status in-use, ...)": what an error says of one holder. */
static void
describe_holder(StringInfo text, const Holders *holders, Jsonb *item)
{
	char *paths = pstrdup(holders->shown);
	char *rest = NULL;
	char *path = strtok_r(paths, ",", &rest);
	const char *between = " (";
	char *value = path_text(item, path);

	appendStringInfo(text, "%s%s %s", text->len > 0 ? ", " : "", holders->what, value ? value : "");
	while ((path = strtok_r(NULL, ",", &rest)) != NULL)
	{
		value = path_text(item, path);
		if (value == NULL || *value == '\0')
			continue;
		appendStringInfo(text, "%s%s %s", between, path, value);
		between = ", ";
	}
	if (*between == ',')
		appendStringInfoChar(text, ')');
}

/* Those that stay are named, or all of them if none does. */
static void
holders_found(void *arg, CloudCall *call)
{
	Action *action = arg;
	Run *run = action->run;
	const Holders *holders = &action->object->kind->res->holders;
	World *world = action->object->kind->world;
	MemoryContext old = MemoryContextSwitchTo(world->memory);
	StringInfoData text;
	int found = 0;
	ListCell *cell;

	initStringInfo(&text);
	foreach (cell, cloud_items(call))
	{
		const char *json = lfirst(cell);
		const char *why;
		Jsonb *item = item_parse(world, json, strlen(json), &why);
		bool stays = item != NULL && pattern_matches(item, holders->stays);

		if (item == NULL || (run->held_for_good && !stays))
			continue;
		if (stays && !run->held_for_good)
		{
			run->held_for_good = true;
			resetStringInfo(&text);
			found = 0;
		}
		if (found++ < HOLDERS_SHOWN)
			describe_holder(&text, holders, item);
	}
	if (found > HOLDERS_SHOWN)
		appendStringInfo(&text, " and %d more", found - HOLDERS_SHOWN);
	if (found > 0)
		run->held_by = text.data;
	MemoryContextSwitchTo(old);
	cloud_free(call);
}

/* Asks what holds an object that cannot be deleted yet; meanwhile its deletion is repeated. */
static void
holders_ask(Executor *ex, Action *action)
{
	const Kind *kind = action->object->kind;
	const Holders *holders = &kind->res->holders;
	TemplateArgs args = {
		.session = ex->session, .object = action->object, .values = action->run->values, .action = action};

	cloud_on_end(cloud_start(ex->session, kind->res->service, holders->operation,
							 asked_region(kind, action->object->region), template_expand(holders->input, &args, NULL),
							 holders->items, false, NULL),
				 holders_found, action);
}

static void
request_failed(Executor *ex, Request *request, const CloudError *error)
{
	ListCell *cell;

	write_refusals(ex, request, error);
	foreach (cell, request->actions)
	{
		Action *action = lfirst(cell);

		action_take_error(action, error);
		if (action->run->held_by != NULL)
		{
			action->error = psprintf("%s; it is held by %s", action->error, action->run->held_by);
			action->hint = action->object->kind->res->holders.hint;
		}
		if (--action->run->outstanding == 0)
			action_fail(ex, action);
	}
}

/* Failures that stand inside a 200 answer: the first one's code and message. */
static CloudError *
failure_inside(Request *request, CloudCall *cloud)
{
	const char *reply = cloud_result(cloud);
	Jsonb *doc;
	char *text;
	CloudError *error;
	Jsonb *first;

	if (request->call->fail == NULL || reply == NULL)
		return NULL;
	doc = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(reply)));
	text = path_text(doc, psprintf("%s[0]", request->call->fail));
	if (text == NULL)
		return NULL;
	error = palloc0(sizeof(CloudError));
	error->service = request->service;
	error->operation = request->operation;
	error->http_status = 200;
	error->request_id = cloud_request_id(cloud);
	first = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
	error->code = path_text(first, "Error.Code|code|Code|reason|ErrorCode|failureCode");
	error->message = path_text(first, "Error.Message|message|Message|detail|reason|ErrorMessage|failureReason");
	if (error->message == NULL)
		error->message = text;
	return error;
}

void
request_ended(Executor *ex, Request *request, CloudCall *cloud)
{
	const CloudError *error = cloud_error(cloud);
	TimestampTz now = GetCurrentTimestamp();
	Action *first = linitial(request->actions);

	ex->in_flight--;
	test_stop("answer");
	if (error == NULL)
		error = failure_inside(request, cloud);
	if (error == NULL)
		request_succeeded(ex, request, cloud, false);
	/* of a batch only one element may be what is done already */
	else if (list_length(request->actions) == 1 && codes_match(request->call->done, error->code, error->message))
		request_succeeded(ex, request, cloud, true);
	else if (codes_match(request->call->retry, error->code, error->message) && !first->run->held_for_good &&
			 !TimestampDifferenceExceeds(request->first, now, iasql_wait_timeout))
	{
		ListCell *cell;

		foreach (cell, request->actions)
			((Action *) lfirst(cell))->run->refusal = psprintf("%s: %s", error->code, error->message);
		write_refusals(ex, request, error);
		request->not_before = TimestampTzPlusMilliseconds(now, repeat_delay(++request->repeats));
		ex->requests = lappend(ex->requests, request);
		/* what goes together with its owner has mostly gone before the second refusal */
		if (request->repeats == 2 && first->kind == ACTION_DELETE &&
			first->object->kind->res->holders.operation != NULL)
			holders_ask(ex, first);
	}
	else if (list_length(request->actions) > 1 && !error->maybe_executed)
	{
		/* one refused element refuses the whole batch: find out which */
		ListCell *cell;

		write_refusals(ex, request, error);
		foreach (cell, request->actions)
		{
			Action *action = lfirst(cell);

			action->run->outstanding--;
			batch_request(ex, list_make1(action), request->call);
		}
	}
	else
		request_failed(ex, request, error);
	cloud_free(cloud);
	test_stop("outcome");
}

/* Equal for actions that may share a call: the call, the region and the batch columns. */
static char *
batch_key(const Action *action)
{
	const Kind *kind = action->object->kind;
	const Call *call = list_nth(action->run->steps, action->run->at);
	StringInfoData key;

	initStringInfo(&key);
	appendStringInfo(&key, "%p %s", call, action->object->region);
	for (int i = 0; i < kind->nattributes; i++)
		if (list_names(call->batch, kind->res->attributes[i].column))
			appendStringInfo(&key, "\n%s", action->run->values[i].text ? action->run->values[i].text : "");
	return key.data;
}

void
batches_flush(Executor *ex)
{
	HTAB *batches;
	List *keys = NIL;
	ListCell *cell;

	if (ex->batches == NIL)
		return;
	batches = multimap_of_texts();
	foreach (cell, ex->batches)
	{
		char *key = batch_key(lfirst(cell));

		if (multimap_get(batches, key) == NIL)
			keys = lappend(keys, key);
		multimap_add(batches, key, lfirst(cell));
	}
	ex->batches = NIL;
	foreach (cell, keys)
	{
		List *actions = multimap_get(batches, lfirst(cell));
		Action *first = linitial(actions);
		const Call *call = list_nth(first->run->steps, first->run->at);
		int max = call->batch_max > 0 ? call->batch_max : list_length(actions);

		for (int from = 0; from < list_length(actions); from += max)
			batch_request(ex, list_copy_head(list_copy_tail(actions, from), max), call);
	}
	hash_destroy(batches);
}
