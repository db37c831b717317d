/*
 * engine.c
 *	  The pure parts of the engine as SQL functions, for cases.sql: a module of
 *	  its own, linked from the engine's sources and a made-up resource "thing"
 *	  that has an attribute of every form.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "utils/builtins.h"

#include "engine/engine.h"
#include "engine/execute.h"

PG_MODULE_MAGIC;

/* ------------------------------------------------ a made-up resource */

static const Parts part = {
	.table = "part",
	.key = "name",
	.key_path = "name",
	.template_ = "{'name': '$name', 'cpu': '$cpu', 'essential': '$essential',"
				 " 'image': {'$:image': {'image': '$image|repository->arn', 'tag': '$tag', 'digest': '$digest'}},"
				 " 'env': '$env:env',"
				 " 'ports': [{'port': '$port!', 'host': '$host', 'protocol': '$protocol'}],"
				 " 'log': {'driver': 'awslogs', 'options': {'group': '$log_group!', 'prefix': 'logs-$name',"
				 " 'region': '$!region', 'carrier': '$^name'}}}",
	.defaults = "cpu=0&ports[].protocol=tcp&ports[].host=$port",
	.refs = "repository=thing",
};

static const Resource thing = {
	.name = "thing",
	.attributes =
		{
			{"thing_id", "Id", FORM_SCALAR, ATTR_ID | ATTR_COMPUTED},
			{"name", "Name", FORM_SCALAR, ATTR_KEY},
			{"arn", "Arn", FORM_SCALAR, ATTR_COMPUTED},
			{"size", "Size", FORM_SCALAR},
			{"ratio", "Ratio", FORM_SCALAR},
			{"enabled", "Enabled", FORM_SCALAR},
			{"created", "Created", FORM_SCALAR, ATTR_COMPUTED},
			{"range", "Range", FORM_SCALAR},
			{"mood", "Mood", FORM_SCALAR},
			{"zones", "Zones", FORM_SET},
			{"ports", "Ports", FORM_SET},
			{"tags", "Tags:tags", FORM_MAP},
			{"doc", "Doc", FORM_JSON, .clear = "{}"},
			{"env", "Env", FORM_JSON},
			{"policy", "Policy", FORM_POLICY},
			{"parent", "ParentId", FORM_REF, .refers = "thing"},
			{"friends", "Friends", FORM_JOIN, .refers = "thing"},
			{"subnets", "Subnets", FORM_IDS, .refers = "thing"},
			{"password", NULL, FORM_SCALAR, ATTR_SECRET},
			{"parts", "Parts", FORM_PARTS, .parts = &part},
		},
};

static const Resource *const resources[] = {&thing, NULL};
static const Module module = {.name = "aws_things", .tables = {"thing", "part"}, .resources = resources};
const Module *const iasql_modules[] = {&module, NULL};

static Kind *
thing_kind(void)
{
	static const char *const types[][2] = {
		{"size", "int4"},  {"ratio", "float8"}, {"enabled", "bool"}, {"created", "timestamptz"},
		{"range", "cidr"}, {"mood", "mood"},	{"zones", "_text"},	 {"ports", "_int4"},
		{"tags", "jsonb"}, {"doc", "jsonb"},	{"env", "text"},	 {"policy", "jsonb"},
	};
	Kind *kind = palloc0(sizeof(Kind));

	kind->res = &thing;
	kind->nattributes = attribute_count(&thing);
	for (int i = 0; i < kind->nattributes; i++)
		kind->type[i] = TypenameGetTypid("text");
	for (int i = 0; i < lengthof(types); i++)
		kind->type[attribute_index(&thing, types[i][0], -1)] = TypenameGetTypid(types[i][1]);
	return kind;
}

static Object *thing_object(Kind *kind, const JsonbValue *row);

/* The members of a row that refer to things are rows themselves; "was" is the id that the value's text has for them. */
static void
set_refs(Kind *kind, const JsonbValue *rows, Value *value)
{
	JsonElements elements = {.of = rows};
	JsonbValue row, was;
	List *texts = NIL;

	while (json_next_element(&elements, &row))
		if (path_find(&row, "was", 3, &was))
			texts = lappend(texts, json_text(&was));
	elements = (JsonElements){.of = rows};
	value->text = texts == NIL ? "" : sorted_json_array(texts);
	value->refs = palloc(sizeof(Object *) * 8);
	while (json_next_element(&elements, &row))
		value->refs[value->nrefs++] = thing_object(kind, &row);
}

static void
set_parts(Kind *kind, Object *object, const JsonbValue *rows)
{
	JsonElements elements = {.of = rows};
	JsonbValue row, repository;

	object->parts = palloc0(sizeof(PartRow) * 8);
	while (json_next_element(&elements, &row))
	{
		PartRow *one = &object->parts[object->nparts++];

		one->row = JsonbValueToJsonb(&row);
		one->refs = palloc0(sizeof(Object *));
		if (path_find(&row, "repository", 10, &repository))
			one->refs[0] = thing_object(kind, &repository);
	}
}

/* A row as an object; "id" is the cloud id that AWS gave, "actual" what AWS answers, if not "absent". */
static Object *
thing_object(Kind *kind, const JsonbValue *row)
{
	Object *object = palloc0(sizeof(Object));
	JsonbIterator *it = NULL;
	JsonbValue key, value;

	object->kind = kind;
	object->region = "eu-west-1";
	object->desired = palloc0(sizeof(Value) * kind->nattributes);
	while (json_next_member(row, &it, &key, &value))
	{
		char *column = json_text(&key);
		int i = attribute_index(&thing, column, -1);
		const char *why;

		if (strcmp(column, "id") == 0)
			object->cloud_id = json_text(&value);
		else if (strcmp(column, "absent") == 0)
			object->presence = PRESENCE_ABSENT;
		else if (strcmp(column, "was") == 0)
			continue;
		else if (strcmp(column, "actual") == 0)
			object->actual = thing_object(kind, &value)->desired;
		else if (i < 0)
			elog(ERROR, "no such column: %s", column);
		else if (thing.attributes[i].form == FORM_PARTS)
			set_parts(kind, object, &value);
		else if (value.type == jbvBinary && thing.attributes[i].refers != NULL && thing.attributes[i].form != FORM_IDS)
			set_refs(kind, &value, &object->desired[i]);
		else
		{
			object->desired[i].text = value_from_json(kind, i, &value, NULL, &why);
			if (why != NULL)
				elog(ERROR, "%s", why);
		}
	}
	for (int i = 0; i < kind->nattributes; i++)
		if (thing.attributes[i].form == FORM_PARTS)
			object->desired[i].text = parts_from_rows(NULL, object, &part, false);
	return object;
}

static Object *
object_of(Jsonb *row)
{
	JsonbValue root;

	jsonb_root(row, &root);
	return thing_object(thing_kind(), &root);
}

static Datum
result(FunctionCallInfo fcinfo, const char *text)
{
	if (text == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(text));
}

static char *
text_arg(FunctionCallInfo fcinfo, int i)
{
	return text_to_cstring(PG_GETARG_TEXT_PP(i));
}

/* ---------------------------------------------------------- functions */

PG_FUNCTION_INFO_V1(iasql_test_path);
Datum
iasql_test_path(PG_FUNCTION_ARGS)
{
	JsonbValue found;
	StringInfoData out;

	if (!path_get(PG_GETARG_JSONB_P(0), text_arg(fcinfo, 1), &found))
		PG_RETURN_NULL();
	initStringInfo(&out);
	json_append(&out, &found);
	return result(fcinfo, out.data);
}

PG_FUNCTION_INFO_V1(iasql_test_pattern);
Datum
iasql_test_pattern(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(pattern_matches(PG_GETARG_JSONB_P(0), text_arg(fcinfo, 1)));
}

PG_FUNCTION_INFO_V1(iasql_test_row_pattern);
Datum
iasql_test_row_pattern(PG_FUNCTION_ARGS)
{
	Object *object = object_of(PG_GETARG_JSONB_P(0));

	PG_RETURN_BOOL(pattern_matches_row(object, object->desired, text_arg(fcinfo, 1)));
}

PG_FUNCTION_INFO_V1(iasql_test_to);
Datum
iasql_test_to(PG_FUNCTION_ARGS)
{
	StringInfoData out;

	initStringInfo(&out);
	return result(fcinfo, codec_to_cloud(text_arg(fcinfo, 0), text_arg(fcinfo, 1), &out) ? out.data : NULL);
}

PG_FUNCTION_INFO_V1(iasql_test_from);
Datum
iasql_test_from(PG_FUNCTION_ARGS)
{
	JsonbValue in, converted;
	StringInfoData out;

	initStringInfo(&out);
	jsonb_root(PG_GETARG_JSONB_P(1), &in);
	if (!codec_from_cloud(text_arg(fcinfo, 0), &in, &converted))
		PG_RETURN_NULL();
	json_append(&out, &converted);
	return result(fcinfo, out.data);
}

PG_FUNCTION_INFO_V1(iasql_test_policy);
Datum
iasql_test_policy(PG_FUNCTION_ARGS)
{
	return result(fcinfo, policy_canonical(text_arg(fcinfo, 0)));
}

PG_FUNCTION_INFO_V1(iasql_test_image);
Datum
iasql_test_image(PG_FUNCTION_ARGS)
{
	char *repository, *tag, *digest;

	image_split(text_arg(fcinfo, 0), &repository, &tag, &digest);
	return result(fcinfo, psprintf("%s %s %s", repository, tag ? tag : "-", digest ? digest : "-"));
}

/* The canonical text of a column's value, or why there is none. */
PG_FUNCTION_INFO_V1(iasql_test_value);
Datum
iasql_test_value(PG_FUNCTION_ARGS)
{
	JsonbValue value;
	const char *why, *text;

	jsonb_root(PG_GETARG_JSONB_P(1), &value);
	text = value_from_json(thing_kind(), attribute_index(&thing, text_arg(fcinfo, 0), -1), &value, NULL, &why);
	return result(fcinfo, why != NULL ? psprintf("why: %s", why) : text);
}

PG_FUNCTION_INFO_V1(iasql_test_equal);
Datum
iasql_test_equal(PG_FUNCTION_ARGS)
{
	int i = attribute_index(&thing, text_arg(fcinfo, 0), -1);
	Value a = {.text = PG_ARGISNULL(1) ? NULL : text_arg(fcinfo, 1)};
	Value b = {.text = PG_ARGISNULL(2) ? NULL : text_arg(fcinfo, 2)};

	PG_RETURN_BOOL(value_equal(&thing.attributes[i], &a, &b));
}

/* What the child rows of a row send. */
PG_FUNCTION_INFO_V1(iasql_test_parts);
Datum
iasql_test_parts(PG_FUNCTION_ARGS)
{
	return result(fcinfo, object_of(PG_GETARG_JSONB_P(0))->desired[attribute_index(&thing, "parts", -1)].text);
}

static const char *
setting(Jsonb *settings, const char *name)
{
	return path_text(settings, name);
}

/*
 * Expands a template over a row.  Settings: token, mark, region, account,
 * element, gathered, mask, parent (a row); was (a row): an update from it.
 */
PG_FUNCTION_INFO_V1(iasql_test_template);
Datum
iasql_test_template(PG_FUNCTION_ARGS)
{
	Jsonb *settings = PG_GETARG_JSONB_P(2);
	Object *object = object_of(PG_GETARG_JSONB_P(1));
	World world = {.account = setting(settings, "account")};
	Session session = {.world = &world};
	Action action = {.kind = ACTION_UPDATE, .object = object};
	char *text;
	char *masked;
	JsonbValue row;
	TemplateArgs args = {
		.session = &session,
		.object = object,
		.values = object->desired,
		.element = setting(settings, "element"),
		.gathered = setting(settings, "gathered"),
		.token = setting(settings, "token"),
		.mark = setting(settings, "mark"),
		.region = setting(settings, "region"),
	};

	if (path_get(settings, "parent", &row))
		args.parent = thing_object(object->kind, &row);
	if (path_get(settings, "was", &row))
	{
		Object *was = thing_object(object->kind, &row);

		for (int i = 0; i < object->kind->nattributes; i++)
			if (!value_equal(&thing.attributes[i], &was->desired[i], &object->desired[i]))
			{
				Delta *delta = palloc0(sizeof(Delta));

				*delta = (Delta){.attribute = i, .from = was->desired[i], .to = object->desired[i], .push = true};
				action.deltas = lappend(action.deltas, delta);
			}
		args.action = &action;
	}
	text = template_expand(text_arg(fcinfo, 0), &args, &masked);
	return result(fcinfo, setting(settings, "mask") != NULL ? masked : text);
}

static const char *
known_name(void *arg, int i)
{
	static const char *const names[] = {"aws_ecr", "aws_ecs_fargate", "aws_elb", "aws_security_group", "aws_vpc", NULL};

	return names[i];
}

PG_FUNCTION_INFO_V1(iasql_test_nearest);
Datum
iasql_test_nearest(PG_FUNCTION_ARGS)
{
	return result(fcinfo, nearest_names(text_arg(fcinfo, 0), known_name, NULL));
}

PG_FUNCTION_INFO_V1(iasql_test_list_names);
Datum
iasql_test_list_names(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(list_names(text_arg(fcinfo, 0), text_arg(fcinfo, 1)));
}

/* Look-ups in the registry: which module has a table, and whether a resource and a module are there. */
PG_FUNCTION_INFO_V1(iasql_test_registry);
Datum
iasql_test_registry(PG_FUNCTION_ARGS)
{
	char *name = text_arg(fcinfo, 0);
	const Module *found = module_of_table(name);

	return result(fcinfo, psprintf("%s %s %s", found ? found->name : "-", resource_by_name(name) ? "resource" : "-",
								   module_by_name(name) ? "module" : "-"));
}

/* How a wait goes whose object becomes ready after so many ms: by a clock that only looks, round trips and delays move on. */
PG_FUNCTION_INFO_V1(iasql_test_looks);
Datum
iasql_test_looks(PG_FUNCTION_ARGS)
{
	long ready = PG_GETARG_INT32(0);
	long round_trip = PG_GETARG_INT32(1);
	long now = 0;
	int looks = 1;

	for (; now < ready; looks++)
		now += round_trip + look_delay(now + round_trip, PG_GETARG_INT32(2));
	return result(fcinfo, psprintf("%d looks, %ld ms late", looks, now + round_trip - ready));
}
