/*
 * codec.c
 *	  Pure conversions between a column's value and what stands for it in a
 *	  call, named in templates ("$tags:tags") and paths ("Tags:tags").
 *
 * A codec is a row of the table below: a function for each direction, NULL
 * where the value stays as it is.  Those marked as scalar also take arrays,
 * element by element.  A function that finds no value says so by false; what
 * comes from AWS never raises an error, while a row's value that makes no
 * sense does, so that it is not silently left out of a call.
 */
#include "postgres.h"

#include <math.h>

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/formatting.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "engine/engine.h"

typedef bool (*Convert)(JsonbValue *in, JsonbValue *out);

static bool
set_string(JsonbValue *out, const char *text)
{
	if (text == NULL)
		return false;
	out->type = jbvString;
	out->val.string.val = (char *) text;
	out->val.string.len = strlen(text);
	return true;
}

static bool
set_number(JsonbValue *out, int64 number)
{
	out->type = jbvNumeric;
	out->val.numeric = int64_to_numeric(number);
	return true;
}

/* Ends a container under construction. */
static bool
set_container(JsonbValue *out, JsonbParseState **state, JsonbIteratorToken end)
{
	jsonb_root(JsonbValueToJsonb(pushJsonbValue(state, end, NULL)), out);
	return true;
}

/* A document of a row: itself, or a string that holds it. */
static void
open_document(JsonbValue *in, JsonbValue *document)
{
	if (in->type == jbvString)
		json_parse(in->val.string.val, in->val.string.len, document);
	else
		*document = *in;
}

static void
push_key(JsonbParseState **state, const char *name)
{
	JsonbValue key;

	set_string(&key, name);
	pushJsonbValue(state, WJB_KEY, &key);
}

static void
push_member(JsonbParseState **state, const char *name, JsonbValue *value)
{
	push_key(state, name);
	pushJsonbValue(state, WJB_VALUE, value);
}

/* ------------------------------------------- maps as lists of pairs */

/* These names are AWS's and this extension's own; a user's tags never bear them. */
bool
name_is_reserved(const char *name, Size len)
{
	return (len >= 4 && pg_strncasecmp(name, "aws:", 4) == 0) || (len >= 6 && memcmp(name, "iasql:", 6) == 0);
}

/* {"k": "v"} -> [{"Key": "k", "Value": "v"}]; without a value's name only the keys, without a key's name the bare keys */
static bool
map_to_list(JsonbValue *in, JsonbValue *out, const char *key_name, const char *value_name, bool reserved)
{
	JsonbParseState *state = NULL;
	JsonbIterator *it = NULL;
	JsonbValue document, key, value;

	open_document(in, &document);
	if (!json_is_object(&document))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a JSON object was expected, but the value is of another kind")));
	if (JsonContainerSize(document.val.binary.data) == 0)
		return false;
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	while (json_next_member(&document, &it, &key, &value))
	{
		if (!reserved && name_is_reserved(key.val.string.val, key.val.string.len))
			continue;
		if (value.type == jbvBinary)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("the value of \"%s\" is not a text", json_text(&key))));
		if (key_name == NULL)
		{
			pushJsonbValue(&state, WJB_ELEM, &key);
			continue;
		}
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		push_member(&state, key_name, &key);
		if (value_name != NULL)
		{
			char *text = json_text(&value);

			set_string(&value, text == NULL ? "" : text);
			push_member(&state, value_name, &value);
		}
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	return set_container(out, &state, WJB_END_ARRAY);
}

static bool
list_to_map(JsonbValue *in, JsonbValue *out, const char *key_name, const char *value_name, bool reserved)
{
	JsonbParseState *state = NULL;
	JsonElements pairs = {.of = in};
	JsonbValue pair, name, value;
	bool any = false;

	if (!json_is_array(in))
		return false;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	while (json_next_element(&pairs, &pair))
	{
		char *text = NULL;

		if (!path_find(&pair, key_name, strlen(key_name), &name) || name.type != jbvString ||
			(!reserved && name_is_reserved(name.val.string.val, name.val.string.len)))
			continue;
		if (path_find(&pair, value_name, strlen(value_name), &value))
			text = json_text(&value);
		set_string(&value, text == NULL ? "" : text);
		pushJsonbValue(&state, WJB_KEY, &name);
		pushJsonbValue(&state, WJB_VALUE, &value);
		any = true;
	}
	set_container(out, &state, WJB_END_OBJECT);
	return any;
}

static bool
tags_to(JsonbValue *in, JsonbValue *out)
{
	return map_to_list(in, out, "Key", "Value", false);
}

static bool
tags_from(JsonbValue *in, JsonbValue *out)
{
	return list_to_map(in, out, "Key", "Value", false);
}

static bool
tags_lower_to(JsonbValue *in, JsonbValue *out)
{
	return map_to_list(in, out, "key", "value", false);
}

static bool
tags_lower_from(JsonbValue *in, JsonbValue *out)
{
	return list_to_map(in, out, "key", "value", false);
}

static bool
tag_keys_to(JsonbValue *in, JsonbValue *out)
{
	return map_to_list(in, out, "Key", NULL, false);
}

static bool
keys_to(JsonbValue *in, JsonbValue *out)
{
	return map_to_list(in, out, NULL, NULL, false);
}

static bool
env_to(JsonbValue *in, JsonbValue *out)
{
	return map_to_list(in, out, "name", "value", true);
}

static bool
env_from(JsonbValue *in, JsonbValue *out)
{
	return list_to_map(in, out, "name", "value", true);
}

/* ---------------------------------------------------- JSON in strings */

static bool
json_text_to(JsonbValue *in, JsonbValue *out)
{
	return set_string(out, json_text(in));
}

static bool
json_text_from(JsonbValue *in, JsonbValue *out)
{
	const char *why;

	if (in->type != jbvString)
	{
		*out = *in;
		return true;
	}
	return in->val.string.len > 0 && json_try(in->val.string.val, in->val.string.len, out, &why);
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9'	  ? c - '0'
		   : c >= 'a' && c <= 'f' ? c - 'a' + 10
		   : c >= 'A' && c <= 'F' ? c - 'A' + 10
								  : -1;
}

/* IAM gives its policies URL-encoded (RFC 3986), other services as they are: JSON never begins with a percent sign. */
static bool
url_json_from(JsonbValue *in, JsonbValue *out)
{
	JsonbValue decoded;
	char *text;
	Size n = 0;

	if (in->type != jbvString || in->val.string.len == 0 || in->val.string.val[0] != '%')
		return json_text_from(in, out);
	text = palloc(in->val.string.len + 1);
	for (int i = 0; i < in->val.string.len; i++)
	{
		const char *p = in->val.string.val + i;

		if (*p == '%')
		{
			int high = i + 2 < in->val.string.len ? hex_digit(p[1]) : -1;
			int low = high >= 0 ? hex_digit(p[2]) : -1;

			if (low < 0 || (high == 0 && low == 0))
				return false;
			text[n++] = high * 16 + low;
			i += 2;
		}
		else
			text[n++] = *p;
	}
	text[n] = '\0';
	if (pg_encoding_verifymbstr(PG_UTF8, text, n) != n)
		return false;
	return set_string(&decoded, pg_any_to_server(text, n, PG_UTF8)) && json_text_from(&decoded, out);
}

/* ----------------------------------------------------------- scalars */

/* The number in a JSON number, or in a string that is one. */
static bool
number_of(const JsonbValue *in, double *number)
{
	char *text = in->type == jbvNumeric || in->type == jbvString ? json_text(in) : NULL;
	char *end;

	if (text == NULL || *text == '\0')
		return false;
	*number = strtod(text, &end);
	return *end == '\0' && isfinite(*number);
}

/* Seconds since 1970 -> "2026-11-30 10:17:24.5+00", as timestamptz has it in UTC; texts are left to the column's type. */
static bool
epoch_from(JsonbValue *in, JsonbValue *out, double unit)
{
	double number;
	struct pg_tm tm;
	fsec_t fraction;
	char *text;

	if (!number_of(in, &number))
	{
		*out = *in;
		return in->type == jbvString && in->val.string.len > 0;
	}
	number *= unit;
	/* the years 1 to 9999, which both sides can write */
	if (number < -62135596800.0 || number >= 253402300800.0)
		return false;
	if (timestamp2tm(
			(Timestamp) (rint(number * USECS_PER_SEC) - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY),
			NULL, &tm, &fraction, NULL, NULL) != 0)
		return false;
	text = psprintf("%04d-%02d-%02d %02d:%02d:%02d.%06d", tm.tm_year, tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min,
					tm.tm_sec, (int) fraction);
	for (char *p = text + strlen(text) - 1; *p == '0' || *p == '.'; p--)
	{
		bool point = *p == '.';

		*p = '\0';
		if (point)
			break;
	}
	return set_string(out, psprintf("%s+00", text));
}

static bool
epoch_to(JsonbValue *in, JsonbValue *out, int64 usecs)
{
	char *text = json_text(in);
	TimestampTz t;

	if (text == NULL)
		return false;
	t = DatumGetTimestampTz(
		DirectFunctionCall3(timestamptz_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	return set_number(out, (t + (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY) / usecs);
}

static bool
epoch_ms_from(JsonbValue *in, JsonbValue *out)
{
	return epoch_from(in, out, 0.001);
}

static bool
epoch_s_from(JsonbValue *in, JsonbValue *out)
{
	return epoch_from(in, out, 1);
}

static bool
epoch_ms_to(JsonbValue *in, JsonbValue *out)
{
	return epoch_to(in, out, 1000);
}

static bool
epoch_s_to(JsonbValue *in, JsonbValue *out)
{
	return epoch_to(in, out, USECS_PER_SEC);
}

/* "80" -> 80 */
static bool
int_to(JsonbValue *in, JsonbValue *out)
{
	char *text = json_text(in);

	return text != NULL && set_number(out, pg_strtoint64(text));
}

/* 80 -> "80", true -> "true" */
static bool
as_text(JsonbValue *in, JsonbValue *out)
{
	return set_string(out, json_text(in));
}

static bool
as_bool(JsonbValue *in, JsonbValue *out)
{
	char *text = json_text(in);

	out->type = jbvBool;
	return text != NULL && parse_bool(text, &out->val.boolean);
}

static bool
after_last(JsonbValue *in, JsonbValue *out, char separator)
{
	char *text = json_text(in);
	char *last = text == NULL ? NULL : strrchr(text, separator);

	return set_string(out, last == NULL ? text : last + 1);
}

static bool
basename_of(JsonbValue *in, JsonbValue *out)
{
	return after_last(in, out, '/');
}

static bool
tail_of(JsonbValue *in, JsonbValue *out)
{
	return after_last(in, out, ':');
}

/* "com.amazonaws.us-east-1.s3" -> "s3" */
static bool
last_label_of(JsonbValue *in, JsonbValue *out)
{
	return after_last(in, out, '.');
}

static bool
upper_of(JsonbValue *in, JsonbValue *out)
{
	char *text = json_text(in);

	return text != NULL && set_string(out, asc_toupper(text, strlen(text)));
}

static bool
lower_of(JsonbValue *in, JsonbValue *out)
{
	char *text = json_text(in);

	return text != NULL && set_string(out, asc_tolower(text, strlen(text)));
}

/* ----------------------------------------------------------- Fargate */

/* "vCPU0.25-0.5GB": CPU in units of 1/1024, memory in MiB, as ECS takes them (both as text) */
static bool
fargate_to(JsonbValue *in, JsonbValue *out, bool memory)
{
	char *text = json_text(in);
	char *end = text;
	double cpu = 0, gigabytes = 0;

	if (text == NULL)
		return false;
	if (strncmp(text, "vCPU", 4) == 0)
	{
		cpu = strtod(text + 4, &end);
		if (*end == '-')
			gigabytes = strtod(end + 1, &end);
	}
	if (strcmp(end, "GB") != 0 || !(cpu > 0 && cpu < 1e6) || !(gigabytes > 0 && gigabytes < 1e6))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid size of a task: \"%s\"", text),
						errhint("A size is like \"vCPU2-8GB\".")));
	return set_string(out, psprintf("%d", (int) rint(1024 * (memory ? gigabytes : cpu))));
}

static bool
fargate_cpu_to(JsonbValue *in, JsonbValue *out)
{
	return fargate_to(in, out, false);
}

static bool
fargate_memory_to(JsonbValue *in, JsonbValue *out)
{
	return fargate_to(in, out, true);
}

/* {"cpu": "2048", "memory": "8192"} -> "vCPU2-8GB" */
static bool
fargate_size_from(JsonbValue *in, JsonbValue *out)
{
	JsonbValue v;
	double cpu, memory;

	if (!path_find(in, "cpu", 3, &v) || !number_of(&v, &cpu) || !path_find(in, "memory", 6, &v) ||
		!number_of(&v, &memory) || !(cpu > 0 && cpu < 1e9) || !(memory > 0 && memory < 1e9))
		return false;
	return set_string(out, psprintf("vCPU%g-%gGB", cpu / 1024, memory / 1024));
}

/*
 * {"targetGroupArn": …, "containers": […], "now": …} -> an ECS service's load balancer.  Traffic stays with the container
 * that has it now, if it still has a port; else it goes to the first essential one that has one.
 */
static bool
load_balancer_to(JsonbValue *in, JsonbValue *out)
{
	static const char essential[] = "[essential=true&portMappings]";
	static const char port[] = "portMappings[0].containerPort";
	JsonbParseState *state = NULL;
	JsonbValue containers, container, v;
	const char *same = essential;

	if (path_find(in, "now", 3, &v))
		same = psprintf("[name=%s&portMappings]", json_text(&v));
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	if (path_find(in, "targetGroupArn", 14, &v))
		push_member(&state, "targetGroupArn", &v);
	if (path_find(in, "containers", 10, &containers) &&
		(path_find(&containers, same, strlen(same), &container) ||
		 path_find(&containers, essential, strlen(essential), &container)))
	{
		if (path_find(&container, "name", 4, &v))
			push_member(&state, "containerName", &v);
		if (path_find(&container, port, strlen(port), &v))
			push_member(&state, "containerPort", &v);
	}
	return set_container(out, &state, WJB_END_OBJECT);
}

/* ------------------------------------------------------------ images */

/*
 * The grammar of an image reference is [host[:port]/]path[:tag][@digest]
 * (github.com/distribution/reference): a colon is a tag's only behind the
 * last slash, and no part of the name holds an at sign.
 */
void
image_split(const char *image, char **repository, char **tag, char **digest)
{
	const char *at = strchr(image, '@');
	const char *end = at == NULL ? image + strlen(image) : at;
	const char *colon = NULL;

	*digest = at == NULL || at[1] == '\0' ? NULL : pstrdup(at + 1);
	*tag = NULL;
	for (const char *p = image; p < end; p++)
		colon = *p == ':' ? p : *p == '/' ? NULL : colon;
	if (colon != NULL && colon + 1 < end)
		*tag = pnstrdup(colon + 1, end - colon - 1);
	*repository = pnstrdup(image, (colon == NULL ? end : colon) - image);
}

/* {"image": …, "tag": …, "digest": …} -> the reference: a digest decides, else a tag, else the image's own */
static bool
image_to(JsonbValue *in, JsonbValue *out)
{
	JsonbValue v;
	char *image, *more;

	if (!path_find(in, "image", 5, &v))
		return false;
	image = json_text(&v);
	if (path_find(in, "digest", 6, &v) && *(more = json_text(&v)) != '\0')
		return set_string(out, psprintf("%s@%s", image, more));
	if (path_find(in, "tag", 3, &v) && *(more = json_text(&v)) != '\0')
		return set_string(out, psprintf("%s:%s", image, more));
	return set_string(out, image);
}

/* Of a tag and a digest, the digest alone says which image it is. */
static bool
image_from(JsonbValue *in, JsonbValue *out)
{
	JsonbParseState *state = NULL;
	JsonbValue v;
	char *repository, *tag, *digest;

	if (in->type != jbvString || in->val.string.len == 0)
		return false;
	image_split(json_text(in), &repository, &tag, &digest);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	set_string(&v, repository);
	push_member(&state, "image", &v);
	if (digest != NULL)
	{
		set_string(&v, digest);
		push_member(&state, "digest", &v);
	}
	else if (tag != NULL)
	{
		set_string(&v, tag);
		push_member(&state, "tag", &v);
	}
	return set_container(out, &state, WJB_END_OBJECT);
}

static bool
image_part(JsonbValue *in, JsonbValue *out, const char *part)
{
	JsonbValue image;

	return image_from(in, &image) && path_find(&image, part, strlen(part), out);
}

static bool
image_repository_from(JsonbValue *in, JsonbValue *out)
{
	return image_part(in, out, "image");
}

static bool
image_tag_from(JsonbValue *in, JsonbValue *out)
{
	return image_part(in, out, "tag");
}

static bool
image_digest_from(JsonbValue *in, JsonbValue *out)
{
	return image_part(in, out, "digest");
}

/* ------------------------------------------------------------- table */

typedef struct Codec
{
	const char *name;
	bool scalar; /* takes arrays element by element */
	Convert to_cloud;
	Convert from_cloud;
} Codec;

static const Codec codecs[] = {
	{"tags", false, tags_to, tags_from},
	{"tags_lower", false, tags_lower_to, tags_lower_from},
	{"tag_keys", false, tag_keys_to, NULL},
	{"keys", false, keys_to, NULL},
	{"env", false, env_to, env_from},
	{"json_text", false, json_text_to, json_text_from},
	{"url_json", false, json_text_to, url_json_from},
	{"epoch_ms", true, epoch_ms_to, epoch_ms_from},
	{"epoch_s", true, epoch_s_to, epoch_s_from},
	{"int", true, int_to, as_text},
	{"text", true, as_text, as_text},
	{"bool", true, as_bool, as_bool},
	{"basename", true, basename_of, basename_of},
	{"tail", true, tail_of, tail_of},
	{"last_label", true, NULL, last_label_of},
	{"upper", true, upper_of, upper_of},
	{"lower", true, lower_of, lower_of},
	{"fargate_cpu", false, fargate_cpu_to, NULL},
	{"fargate_memory", false, fargate_memory_to, NULL},
	{"fargate_size", false, NULL, fargate_size_from},
	{"load_balancer", false, load_balancer_to, NULL},
	{"image", false, image_to, image_from},
	{"image_repository", false, NULL, image_repository_from},
	{"image_tag", false, NULL, image_tag_from},
	{"image_digest", false, NULL, image_digest_from},
};

static const Codec *
codec_by_name(const char *name)
{
	for (int i = 0; i < lengthof(codecs); i++)
		if (strcmp(codecs[i].name, name) == 0)
			return &codecs[i];
	elog(ERROR, "codec \"%s\" does not exist", name);
}

static bool
convert(const Codec *codec, Convert function, JsonbValue *in, JsonbValue *out)
{
	JsonbParseState *state = NULL;
	JsonElements elements = {.of = in};
	JsonbValue element, converted;

	if (function == NULL)
	{
		*out = *in;
		return true;
	}
	if (in->type == jbvNull)
		return false;
	if (!codec->scalar || in->type != jbvBinary)
		return function(in, out);
	if (!json_is_array(in))
		return false;
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	while (json_next_element(&elements, &element))
		if (element.type != jbvBinary && element.type != jbvNull && function(&element, &converted))
			pushJsonbValue(&state, WJB_ELEM, &converted);
	return set_container(out, &state, WJB_END_ARRAY);
}

/* Appends the converted value to 'out'; false: it has none. */
bool
codec_to_cloud(const char *codec, const char *json, StringInfo out)
{
	const Codec *found = codec_by_name(codec);
	JsonbValue in, converted;

	json_parse(json, strlen(json), &in);
	if (!convert(found, found->to_cloud, &in, &converted))
		return false;
	json_append(out, &converted);
	return true;
}

bool
codec_from_cloud(const char *codec, JsonbValue *in, JsonbValue *out)
{
	const Codec *found = codec_by_name(codec);

	return convert(found, found->from_cloud, in, out);
}

/* From the cloud and back: two lists of the same pairs become one text.  Only for codecs of documents, in both directions. */
void
codec_normalize(const char *codec, JsonbValue *value)
{
	const Codec *found = codec_by_name(codec);
	JsonbValue between, normal;

	if (!found->scalar && found->to_cloud != NULL && found->from_cloud != NULL && value->type != jbvNull &&
		found->from_cloud(value, &between) && found->to_cloud(&between, &normal))
		*value = normal;
}
