/*
 * execute.c
 *	  Runs a plan: every action whose predecessors have ended, at once.
 *
 * An action is a list of steps; a step becomes one or more requests (one an
 * element, or one shared by many actions: a batch), or a wait.  A request is
 * written to the journal, and sent when that is durable.  One loop drives it
 * all: it starts what is ready, sends what is durable, polls what is waited
 * for, and takes what has ended.  There are no phases and no threads.
 *
 * A failed action takes along those that need it; everything else goes on.
 * If this loop is left by an error (a cancel, say), requests in flight stay in
 * the journal without outcome, and the next operation settles them.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "aws/aws.h"
#include "engine/engine.h"

#define FIRST_POLL_MS 100
#define LAST_POLL_MS 5000

/* An action under way. */
typedef struct Run
{
	List *steps;		 /* of const Call * */
	int at;				 /* the step under way */
	int outstanding;	 /* requests of it that have not ended */
	TimestampTz poll_at; /* of a wait */
	TimestampTz wait_since;
	int polls;
	CloudError *error;
	Value *values;		/* effective */
	const char *lookup; /* what Resource.lookup found, as JSON */
} Run;

/* What a call in flight is for: the first member of Request and Poll. */
typedef enum Flight
{
	FLIGHT_REQUEST,
	FLIGHT_POLL
} Flight;

/* One API call, for one action or a batch of them. */
typedef struct Request
{
	Flight flight;
	List *actions;
	List *intents; /* of int64 *, one an action */
	const Call *call;
	const char *service;
	const char *operation;
	char *input;
	char *token;
	bool sent;
	TimestampTz not_before; /* a repeat waits until then */
	TimestampTz first;		/* when it was first tried */
	int repeats;
} Request;

/* Objects of one kind and region that are looked at together. */
typedef struct Poll
{
	Flight flight;
	List *actions;
	List *objects;
} Poll;

typedef struct Executor
{
	Session *session;
	Plan *plan;
	List *ready;	/* of Action */
	List *batches;	/* of Action: at a batched step, until the tick's end */
	List *requests; /* of Request: not in flight */
	List *polling;	/* of Action: at a wait, between two looks */
	int in_flight;
	int unfinished;
	int finished;
	int total;
	TimestampTz last_notice;
	TimestampTz last_report; /* of progress */
} Executor;

static void start_step(Executor *ex, Action *action);

static TimestampTz
after_ms(TimestampTz from, long ms)
{
	return TimestampTzPlusMilliseconds(from, ms);
}

/* The smaller of two waits; negative: none. */
static long
sooner(long a, long b)
{
	if (a < 0)
		return b;
	return b < 0 ? a : Min(a, b);
}

/* Delay before the n-th repeat: doubled from the first to the last. */
static long
poll_delay(int n)
{
	return n > 5 ? LAST_POLL_MS : Min(FIRST_POLL_MS << n, LAST_POLL_MS);
}

/* ------------------------------------------------------------- elements */

/* Cloud ids of a reference set, as they are known now. */
static List *
reference_ids(const Value *value)
{
	List *ids = NIL;

	if (value->nrefs == 0)
		return value->text ? json_array_strings(value->text) : NIL;
	for (int i = 0; i < value->nrefs; i++)
		if (value->refs[i]->cloud_id != NULL)
			ids = lappend(ids, (void *) value->refs[i]->cloud_id);
	return ids;
}

/* A jsonb object's keys, and one of its members as text. */
static List *
map_keys(const char *map)
{
	Jsonb *doc = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(map)));
	JsonbIterator *it = JsonbIteratorInit(&doc->root);
	JsonbIteratorToken token;
	JsonbValue value;
	List *keys = NIL;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
		if (token == WJB_KEY)
			keys = lappend(keys, pnstrdup(value.val.string.val, value.val.string.len));
	return keys;
}

static const char *
map_member(const char *map, const char *key)
{
	Jsonb *doc = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(map)));
	JsonbValue buffer;
	JsonbValue *value = getKeyJsonValueFromContainer(&doc->root, key, strlen(key), &buffer);

	return value != NULL && value->type == jbvString ? pnstrdup(value->val.string.val, value->val.string.len) : "";
}

static List *
strings_of(const Kind *kind, int attribute, const Value *value)
{
	const Attribute *attr = &kind->res->attributes[attribute];

	if (value == NULL || (value->text == NULL && value->nrefs == 0))
		return NIL;
	if (attr->form == FORM_JOIN || attr->form == FORM_IDS)
		return reference_ids(value);
	if (attr->form == FORM_MAP)
		return map_keys(value->text);
	return json_array_strings(value->text);
}

static bool
has_string(const List *strings, const char *string)
{
	ListCell *cell;

	foreach (cell, strings)
		if (strcmp(lfirst(cell), string) == 0)
			return true;
	return false;
}

List *
action_elements(const Action *action, const Value *values, const char *column)
{
	const Kind *kind = action->object->kind;
	int len = strlen(column);
	char sign = column[len - 1];
	int i;
	const Value *from = NULL;
	List *now;
	List *then;
	List *result = NIL;
	ListCell *cell;

	if (sign == '+' || sign == '-')
		len--;
	i = attribute_index(kind->res, column, len);
	if (i < 0)
		elog(ERROR, "resource \"%s\" has no attribute \"%s\"", kind->res->name, column);
	foreach (cell, action->deltas)
		if (((Delta *) lfirst(cell))->attribute == i)
			from = &((Delta *) lfirst(cell))->from;
	now = strings_of(kind, i, &values[i]);
	then = strings_of(kind, i, from);
	foreach (cell, sign == '-' ? then : now)
	{
		bool same = (sign == '+' && has_string(then, lfirst(cell))) || (sign == '-' && has_string(now, lfirst(cell)));

		/* a map's entry with a new value is set again */
		if (same && sign == '+' && kind->res->attributes[i].form == FORM_MAP &&
			strcmp(map_member(from->text, lfirst(cell)), map_member(values[i].text, lfirst(cell))) != 0)
			same = false;
		if (!same)
		{
			StringInfoData json;

			initStringInfo(&json);
			escape_json(&json, lfirst(cell));
			result = lappend(result, json.data);
		}
	}
	return result;
}

/* ------------------------------------------------------------- progress */

static void
tell(Executor *ex, const Action *action)
{
	static const char *const verbs[] = {"created", "updated", "replaced", "deleted"};
	TimestampTz now = GetCurrentTimestamp();

	ex->finished++;
	if (!action->reported || (ex->finished > 100 && !TimestampDifferenceExceeds(ex->last_notice, now, 1000)))
		return;
	ex->last_notice = now;
	if (action->state == ACTION_FAILED)
		ereport(NOTICE, (errmsg("%d/%d %s failed: %s", ex->finished, ex->total, object_describe(action->object),
								action->error)));
	else if (action->state == ACTION_DONE)
		ereport(NOTICE,
				(errmsg("%d/%d %s %s", ex->finished, ex->total, verbs[action->kind], object_describe(action->object))));
}

/* What a running action waits for. */
static const char *
doing(const Action *action)
{
	const Run *run = action->run;
	const Call *call = run != NULL && run->at < list_length(run->steps) ? list_nth(run->steps, run->at) : NULL;

	if (call == NULL)
		return "its end";
	return call->until != NULL ? psprintf("waits until %s", call->until) : call->operation;
}

/* ------------------------------------------------------------ action end */

static void
release(Executor *ex, Action *action)
{
	ListCell *cell;

	foreach (cell, action->after)
	{
		Action *next = lfirst(cell);

		if (action->state != ACTION_DONE && next->state == ACTION_WAITING)
		{
			next->state = ACTION_SKIPPED;
			next->error = psprintf("not tried, since %s %s", object_describe(action->object),
								   action->state == ACTION_FAILED ? "failed" : "was not done");
			ex->unfinished--;
			tell(ex, next);
			release(ex, next);
		}
		else if (--next->pending == 0 && next->state == ACTION_WAITING)
			ex->ready = lappend(ex->ready, next);
	}
}

static void
action_done(Executor *ex, Action *action)
{
	action->state = ACTION_DONE;
	ex->unfinished--;
	tell(ex, action);
	release(ex, action);
}

static void
action_fail(Executor *ex, Action *action, const CloudError *error)
{
	action->state = ACTION_FAILED;
	action->error = error->code ? psprintf("%s: %s", error->code, error->message ? error->message : "")
								: pstrdup(error->message ? error->message : "unknown error");
	if (error->request_id != NULL)
		action->error = psprintf("%s (request %s)", action->error, error->request_id);
	action->error_code = error->code;
	action->sqlstate = sqlstate_of(error);
	ex->unfinished--;
	tell(ex, action);
	release(ex, action);
}

static void
step_done(Executor *ex, Action *action)
{
	Run *run = action->run;

	run->at++;
	run->wait_since = 0;
	run->polls = 0;
	start_step(ex, action);
}

/* -------------------------------------------------------------- requests */

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
	for (int b = 0; b < (int) lengthof(res->born); b++)
		if (call == &res->born[b].remove)
			return 0;
	return MAX_CALLS;
}

/* Expands a request, journals its intents and queues it. */
static void
request_new(Executor *ex, List *actions, const Call *call, const char *element, const char *gathered)
{
	Action *first = linitial(actions);
	Request *request = palloc0(sizeof(Request));
	TemplateArgs args = {0};
	char *masked;
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
	request->input = template_expand(call->input ? call->input : "{}", &args, false);
	masked = template_expand(call->input ? call->input : "{}", &args, true);
	test_stop("intent");
	foreach (cell, actions)
	{
		Action *action = lfirst(cell);
		int64 *intent = palloc(sizeof(int64));

		*intent = journal_intent(ex->session, action, step_number(action), request->service, request->operation, masked,
								 request->token);
		request->intents = lappend(request->intents, intent);
		action->run->outstanding++;
	}
	ex->requests = lappend(ex->requests, request);
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
static long
send_requests(Executor *ex)
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
		if (!is_durable(ex, request))
			continue;
		test_stop("durable");
		cloud_start(ex->session, request->service, request->operation,
					asked_region(first->object->kind, first->object->region), request->input, NULL,
					creates && !request->call->token_ok, request);
		request->sent = true;
		ex->in_flight++;
		ex->requests = foreach_delete_current(ex->requests, cell);
	}
	return next;
}

/* The values of one action's created object, for the journal and for what follows. */
static void
take_item(Executor *ex, Action *action, const char *json)
{
	Object *object = action->object;

	if (!object_set_actual(ex->session, object, json, strlen(json)))
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
take_batch_items(Executor *ex, Request *request, const char *reply)
{
	Jsonb *doc = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(reply)));
	JsonbValue list;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue value;
	Action *first = linitial(request->actions);

	if (!path_get(doc, request->call->reply_items, &list) || list.type != jbvBinary)
		return;
	it = JsonbIteratorInit(list.val.binary.data);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		Object *seen;
		const char *key;
		char *text;
		ListCell *cell;

		if (token != WJB_ELEM || value.type != jbvBinary)
			continue;
		text = JsonbToCString(NULL, value.val.binary.data, value.val.binary.len);
		seen = object_scratch(first->object->kind, first->object->region);
		if (!object_set_actual(ex->session, seen, text, strlen(text)))
			continue;
		object_resolve_actual(ex->session, seen);
		key = object_natural_key(seen, seen->actual);
		foreach (cell, request->actions)
		{
			Action *action = lfirst(cell);

			if (key != NULL && action->object->natural_key != NULL && action->object->cloud_id == NULL &&
				strcmp(key, action->object->natural_key) == 0)
			{
				take_item(ex, action, text);
				break;
			}
		}
	}
}

static void
request_succeeded(Executor *ex, Request *request, CloudCall *cloud, bool was_done)
{
	const char *reply = was_done ? NULL : cloud_result(cloud);
	const char *request_id = cloud_request_id(cloud);
	Action *first = linitial(request->actions);
	ListCell *cell;

	foreach (cell, request->actions)
		know_id(lfirst(cell));
	if (reply != NULL && request->call->reply_items != NULL)
		take_batch_items(ex, request, reply);
	else if (reply != NULL && request->call->item != NULL)
	{
		Jsonb *doc = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(reply)));
		char *item = path_text(doc, request->call->item);

		if (request->call == &first->object->kind->res->lookup)
			first->run->lookup = item;
		else if (item != NULL)
			take_item(ex, first, item);
	}
	foreach (cell, request->actions)
	{
		Action *action = lfirst(cell);
		Run *run = action->run;
		int64 intent = *(int64 *) list_nth(request->intents, foreach_current_index(cell));
		bool last = run->outstanding == 1 && run->at + 1 >= list_length(run->steps);

		journal_outcome(ex->session, intent, action->object->cloud_id, request_id, NULL, NULL, last);
		if (--run->outstanding > 0)
			continue;
		if (run->error != NULL)
			action_fail(ex, action, run->error);
		else
			step_done(ex, action);
	}
}

static void
request_failed(Executor *ex, Request *request, const CloudError *error)
{
	ListCell *cell;

	/* what may have been executed stays in doubt: the journal gets no outcome */
	foreach (cell, request->actions)
	{
		Action *action = lfirst(cell);
		Run *run = action->run;
		int64 intent = *(int64 *) list_nth(request->intents, foreach_current_index(cell));

		if (!error->maybe_executed)
			journal_outcome(ex->session, intent, NULL, error->request_id, error->code ? error->code : "",
							error->message, false);
		if (run->error == NULL)
			run->error = (CloudError *) error;
		if (--run->outstanding == 0)
			action_fail(ex, action, run->error);
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

static void
request_ended(Executor *ex, Request *request, CloudCall *cloud)
{
	const CloudError *error = cloud_error(cloud);
	TimestampTz now = GetCurrentTimestamp();

	ex->in_flight--;
	test_stop("answer");
	if (error == NULL)
		error = failure_inside(request, cloud);
	if (error == NULL)
		request_succeeded(ex, request, cloud, false);
	/* of a batch only one element may be what is done already */
	else if (list_length(request->actions) == 1 && codes_match(request->call->done, error->code, error->message))
		request_succeeded(ex, request, cloud, true);
	else if (codes_match(request->call->retry, error->code, error->message) &&
			 !TimestampDifferenceExceeds(request->first, now, iasql_wait_timeout))
	{
		request->not_before = after_ms(now, poll_delay(++request->repeats));
		ex->requests = lappend(ex->requests, request);
	}
	else if (list_length(request->actions) > 1 && !error->maybe_executed)
	{
		/* one refused element refuses the whole batch: find out which */
		ListCell *cell;

		foreach (cell, request->actions)
		{
			Action *action = lfirst(cell);
			TemplateArgs args = {
				.session = ex->session, .object = action->object, .values = action->run->values, .action = action};
			char *element = template_expand(request->call->element, &args, false);

			journal_outcome(ex->session, *(int64 *) list_nth(request->intents, foreach_current_index(cell)), NULL,
							error->request_id, error->code ? error->code : "", error->message, false);
			action->run->outstanding--;
			request_new(ex, list_make1(action), request->call, NULL, psprintf("[%s]", element));
		}
	}
	else
		request_failed(ex, request, error);
	cloud_free(cloud);
	test_stop("outcome");
}

/* --------------------------------------------------------------- batches */

/* Whether two actions may share a call: same call, region and batch columns. */
static bool
same_batch(const Action *a, const Action *b)
{
	const Call *call = list_nth(a->run->steps, a->run->at);
	const Resource *res = a->object->kind->res;

	if (list_nth(b->run->steps, b->run->at) != call || strcmp(a->object->region, b->object->region) != 0)
		return false;
	for (int i = 0; i < a->object->kind->nattributes; i++)
	{
		const Value *x = &a->run->values[i];
		const Value *y = &b->run->values[i];

		if (list_names(call->batch, res->attributes[i].column) && !value_equal(&res->attributes[i], x, y))
			return false;
	}
	return true;
}

/* At the end of a tick: makes one request of those that wait for company. */
static void
flush_batches(Executor *ex)
{
	while (ex->batches != NIL)
	{
		Action *first = linitial(ex->batches);
		const Call *call = list_nth(first->run->steps, first->run->at);
		List *together = NIL;
		StringInfoData gathered;
		ListCell *cell;

		initStringInfo(&gathered);
		appendStringInfoChar(&gathered, '[');
		foreach (cell, ex->batches)
		{
			Action *action = lfirst(cell);
			TemplateArgs args = {
				.session = ex->session, .object = action->object, .values = action->run->values, .action = action};

			if (action != first && !same_batch(first, action))
				continue;
			if (call->batch_max > 0 && list_length(together) >= call->batch_max)
				break;
			appendStringInfo(&gathered, "%s%s", together ? "," : "", template_expand(call->element, &args, false));
			together = lappend(together, action);
			ex->batches = foreach_delete_current(ex->batches, cell);
		}
		appendStringInfoChar(&gathered, ']');
		request_new(ex, together, call, NULL, gathered.data);
	}
}

/* ----------------------------------------------------------------- steps */

/* Starts the step that an action is at, skipping those that do not apply. */
static void
start_step(Executor *ex, Action *action)
{
	Run *run = action->run;

	while (run->at < list_length(run->steps))
	{
		const Call *call = list_nth(run->steps, run->at);

		if (call->until != NULL)
		{
			ex->polling = lappend(ex->polling, action);
			run->wait_since = GetCurrentTimestamp();
			run->poll_at = run->wait_since;
			return;
		}
		if (pattern_matches_row(action->object, run->values, call->when) &&
			(call->needs == NULL || action_elements(action, run->values, call->needs) != NIL))
		{
			if (call->batch != NULL)
			{
				ex->batches = lappend(ex->batches, action);
				return;
			}
			if (call->each == NULL)
			{
				request_new(ex, list_make1(action), call, NULL, NULL);
				return;
			}
			else
			{
				List *elements = action_elements(action, run->values, call->each);
				ListCell *cell;

				foreach (cell, elements)
					request_new(ex, list_make1(action), call, lfirst(cell), NULL);
				if (elements != NIL)
					return;
			}
		}
		run->at++;
	}
	action_done(ex, action);
}

/* Whether it refers to what AWS makes along with another object, whose id no reply gave; not if it comes along itself. */
static bool
needs_unknown(const Action *action)
{
	const Object *object = action->object;

	if (action->born || object->desired == NULL)
		return false;
	for (int i = 0; i < object->kind->nattributes; i++)
		for (int r = 0; r < object->desired[i].nrefs; r++)
		{
			const Object *other = object->desired[i].refs[r];

			if (other->action != NULL && other->action->born && other->cloud_id == NULL)
				return true;
		}
	return false;
}

static void
start_action(Executor *ex, Action *action)
{
	Object *object = action->object;
	Run *run = palloc0(sizeof(Run));

	if (needs_unknown(action))
	{
		action->state = ACTION_SKIPPED;
		action->reported = false;
		ex->unfinished--;
		ereport(NOTICE,
				(errmsg("%s is left to the next iasql_apply()", object_describe(object)),
				 errdetail("The id of what it refers to, made by AWS along with something else, is not known.")));
		release(ex, action);
		return;
	}
	action->state = ACTION_RUNNING;
	action->run = run;
	run->steps = action_steps(ex->session, ex->plan, action);
	if ((action->kind == ACTION_CREATE && !action->adopted) || action->kind == ACTION_REPLACE)
	{
		object->actual = NULL;
		object->cloud_id = NULL;
		object->presence = PRESENCE_ABSENT;
	}
	if (object->desired != NULL)
		object_refresh(ex->session, object);
	run->values = effective_values(object);
	start_step(ex, action);
}

/* ----------------------------------------------------------------- waits */

/* Starts the looks that are due, many objects in one; returns ms until the next, -1 for none. */
static long
start_polls(Executor *ex)
{
	TimestampTz now = GetCurrentTimestamp();
	List *due = NIL;
	long next = -1;
	ListCell *cell;

	foreach (cell, ex->polling)
	{
		Action *action = lfirst(cell);

		if (action->run->poll_at > now)
		{
			next = sooner(next, TimestampDifferenceMilliseconds(now, action->run->poll_at));
			continue;
		}
		due = lappend(due, action);
		ex->polling = foreach_delete_current(ex->polling, cell);
	}
	while (due != NIL)
	{
		Action *first = linitial(due);
		Poll *poll = palloc0(sizeof(Poll));
		int max = Max(first->object->kind->res->get_batch, 1);

		foreach (cell, due)
		{
			Action *action = lfirst(cell);

			if (action->object->kind != first->object->kind ||
				strcmp(action->object->region, first->object->region) != 0 || list_length(poll->actions) >= max)
				continue;
			poll->actions = lappend(poll->actions, action);
			poll->objects = lappend(poll->objects, action->object);
			due = foreach_delete_current(due, cell);
		}
		poll->flight = FLIGHT_POLL;
		cloud_read_start(ex->session, poll->objects, poll);
		ex->in_flight++;
	}
	return next;
}

static void
poll_ended(Executor *ex, Poll *poll, CloudCall *cloud)
{
	const CloudError *error = cloud_error(cloud);
	TimestampTz now = GetCurrentTimestamp();
	ListCell *cell;

	ex->in_flight--;
	cloud_read_finish(ex->session, cloud, poll->objects);
	foreach (cell, poll->actions)
	{
		Action *action = lfirst(cell);
		Object *object = action->object;
		Run *run = action->run;
		const Call *call = list_nth(run->steps, run->at);
		bool gone = object->presence == PRESENCE_ABSENT;
		CloudError failure = {.kind = error ? error->kind : AWS_REFUSED};

		if (strcmp(call->until, "gone") == 0 ? gone
											 : object->presence == PRESENCE_PRESENT && object->item != NULL &&
												   pattern_matches(object->item, call->until))
		{
			if (!gone)
				run->values = effective_values(object);
			step_done(ex, action);
			continue;
		}
		if (object->presence == PRESENCE_PRESENT && object->item != NULL && call->bad != NULL &&
			pattern_matches(object->item, call->bad))
			failure.message = psprintf("it ended in a state from which it does not become ready (%s)", call->bad);
		else if (TimestampDifferenceExceeds(run->wait_since, now, iasql_wait_timeout))
			failure.message = error ? error->message : "it did not become ready within iasql.wait_timeout";
		if (failure.message != NULL)
		{
			action_fail(ex, action, &failure);
			continue;
		}
		ex->polling = lappend(ex->polling, action);
		run->poll_at = after_ms(now, poll_delay(run->polls++));
	}
	cloud_free(cloud);
}

/* ------------------------------------------------------------------ loop */

/*
 * Runs all actions of the plan that call AWS.  Afterwards each is done, failed
 * or skipped.  Raises only for a cancel, a lost journal and the like.
 */
void
execute_plan(Session *session, Plan *plan)
{
	Executor ex = {.session = session, .plan = plan, .last_notice = GetCurrentTimestamp()};
	ListCell *cell;

	foreach (cell, plan->actions)
	{
		Action *action = lfirst(cell);

		if (action->row_only)
		{
			action->state = ACTION_DONE;
			continue;
		}
		ex.unfinished++;
		if (action->reported)
			ex.total++;
		if (action->pending == 0)
			ex.ready = lappend(ex.ready, action);
	}
	if (ex.unfinished == 0)
		return;
	journal_open(session);
	while (ex.unfinished > 0)
	{
		long timeout;
		CloudCall *cloud;

		CHECK_FOR_INTERRUPTS();
		while (ex.ready != NIL)
		{
			Action *action = linitial(ex.ready);

			ex.ready = list_delete_first(ex.ready);
			start_action(&ex, action);
		}
		flush_batches(&ex);
		if (ex.ready != NIL)
			continue;
		if (ex.unfinished == 0)
			break;
		progress_report(session, plan, &ex.last_report, doing);
		progress_wait(plan, &ex.last_notice, doing);
		timeout = sooner(sooner(send_requests(&ex), start_polls(&ex)), PROGRESS_SILENCE_MS);
		while ((cloud = cloud_next(session, timeout)) != NULL)
		{
			void *user = cloud_user(cloud);

			if (*(Flight *) user == FLIGHT_POLL)
				poll_ended(&ex, user, cloud);
			else
				request_ended(&ex, user, cloud);
			timeout = 0;
		}
		if (ex.in_flight > 0)
			test_stop("sent");
	}
	ex.last_report = 0;
	progress_report(session, plan, &ex.last_report, doing);
	journal_flush(session);
}
