/*
 * endpoint.c
 *	  Evaluates endpoint rules and reads their outcome.
 *
 * A value is a json-c value that its holder owns a reference to; NULL means
 * 'not set'.  Conditions of a rule are tried in order, each may assign its
 * value to a variable; the first rule of a list whose conditions all hold
 * decides.  The specification forbids to assign a variable twice on one path
 * and to read one that no condition before has assigned, so variables need no
 * scopes.  model_check.c has proved the trees.
 */
#include "aws/endpoint.h"

#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/buffer.h"
#include "aws/error.h"
#include "aws/jmespath.h"
#include "aws/trees.h"

typedef struct AwsPartition
{
	const char *name;
	const char *dns_suffix;
	const char *dual_stack_dns_suffix;
	const char *global_region; /* signs for services that have no region */
	bool supports_fips;
	bool supports_dual_stack;
	const char *prefixes[16]; /* of region names; NULL ends */
	const char *regions[4];	  /* names of another form; NULL ends */
} AwsPartition;

#include "aws/partitions.h"

typedef struct Run
{
	const AwsModel *model;
	json_object *variables[RULE_MAX_VARIABLES];
	bool failed; /* out of memory */
} Run;

static json_object *run_value(Run *run, uint16_t offset);

/* A value just made; NULL is lack of memory. */
static json_object *
run_made(Run *run, json_object *value)
{
	if (value == NULL)
		run->failed = true;
	return value;
}

static json_object *
run_boolean(Run *run, bool value)
{
	return run_made(run, json_object_new_boolean(value));
}

static json_object *
run_text(Run *run, const char *text, size_t len)
{
	return run_made(run, json_object_new_string_len(text, (int) len));
}

/* Adds a member; takes the reference of 'value'. */
static void
run_put(Run *run, json_object *object, const char *key, json_object *value)
{
	if (object == NULL || json_object_object_add(object, key, value) != 0)
	{
		json_object_put(value);
		run->failed = true;
	}
}

static void
run_put_text(Run *run, json_object *object, const char *key, const char *text, size_t len)
{
	run_put(run, object, key, run_text(run, text, len));
}

static void
run_put_string(Run *run, json_object *object, const char *key, const char *string)
{
	run_put_text(run, object, key, string, strlen(string));
}

/* A condition holds unless its value is not set or false. */
static bool
run_holds(const json_object *value)
{
	return value != NULL && !(json_object_is_type(value, json_type_boolean) && !json_object_get_boolean(value));
}

/* A string's bytes, or NULL for any other value. */
static const char *
run_string(json_object *value)
{
	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

/* ---- what rules know of hosts, URLs, ARNs and partitions ---- */

/* One label of a host name: RFC 1123. */
static bool
is_host_label(const char *label, size_t len)
{
	if (len == 0 || len > 63 || label[0] == '-' || label[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char) label[i]) && label[i] != '-')
			return false;
	return true;
}

static bool
is_host_labels(const char *name, bool dots)
{
	size_t len;

	if (!dots)
		return is_host_label(name, strlen(name));
	for (;; name += len + 1)
	{
		len = strcspn(name, ".");
		if (!is_host_label(name, len))
			return false;
		if (name[len] == '\0')
			return true;
	}
}

static bool
is_ipv4(const char *text, size_t len)
{
	int numbers = 0;
	size_t digits = 0;

	for (size_t i = 0; i <= len; i++)
	{
		if (i < len && isdigit((unsigned char) text[i]))
			digits++;
		else if (digits >= 1 && digits <= 3 && (i == len || text[i] == '.'))
		{
			numbers++;
			digits = 0;
		}
		else
			return false;
	}
	return numbers == 4;
}

/* Whether a region's name is one of the partition's: listed, or PREFIX-WORD-NUMBER. */
static bool
is_region_of(const AwsPartition *partition, const char *region)
{
	for (const char *const *name = partition->regions; *name != NULL; name++)
		if (strcmp(region, *name) == 0)
			return true;
	for (const char *const *prefix = partition->prefixes; *prefix != NULL; prefix++)
	{
		const char *rest = region + strlen(*prefix);
		size_t word;

		if (strncmp(region, *prefix, strlen(*prefix)) != 0 || *rest++ != '-')
			continue;
		for (word = 0; isalnum((unsigned char) rest[word]) || rest[word] == '_'; word++)
			;
		if (word > 0 && rest[word] == '-' && rest[word + 1] != '\0' &&
			strspn(rest + word + 1, "0123456789") == strlen(rest + word + 1))
			return true;
	}
	return false;
}

/* The value at a path "a.b[0]" inside a value; not a new reference. */
static json_object *
attribute(json_object *value, const char *path)
{
	while (value != NULL && *path != '\0')
	{
		size_t len = strcspn(path, ".[");

		if (len > 0)
		{
			char name[64]; /* what functions give has no longer ones */

			snprintf(name, sizeof(name), "%.*s", (int) len, path);
			value = json_object_is_type(value, json_type_object) ? json_object_object_get(value, name) : NULL;
			path += len;
		}
		else if (*path == '[')
		{
			char *end;
			size_t index = strtoul(path + 1, &end, 10);

			value = json_object_is_type(value, json_type_array) && index < json_object_array_length(value)
						? json_object_array_get_idx(value, index)
						: NULL;
			path = *end == ']' ? end + 1 : end;
			if (*path != '\0' && *path != '.' && *path != '[')
				return NULL;
		}
		if (*path == '.')
			path++;
	}
	return value;
}

/* ---- the functions of rules; arguments stay the caller's, the result is a new reference ---- */

/* substring(text, start, stop, from the end?): only of ASCII text that is long enough. */
static json_object *
rule_substring(Run *run, const char *text, json_object **arguments)
{
	int start = json_object_get_int(arguments[1]);
	int stop = json_object_get_int(arguments[2]);
	int len = json_object_get_string_len(arguments[0]);

	if (start < 0 || start >= stop || stop > len)
		return NULL;
	for (int i = 0; i < len; i++)
		if ((unsigned char) text[i] > 127)
			return NULL;
	return run_text(run, text + (json_object_get_boolean(arguments[3]) ? len - stop : start), (size_t) (stop - start));
}

static json_object *
rule_uri_encode(Run *run, const char *text)
{
	AwsBuffer encoded = {0};
	json_object *result;

	aws_buffer_url(&encoded, text, strlen(text), "");
	run->failed |= encoded.failed;
	result = run_text(run, aws_buffer_text(&encoded), encoded.len);
	aws_buffer_free(&encoded);
	return result;
}

/* parseURL(text): http or https, without a query; else not set. */
static json_object *
rule_parse_url(Run *run, const char *url)
{
	const char *authority;
	const char *path;
	const char *port;
	size_t scheme_len;
	size_t authority_len;
	size_t host_len;
	size_t path_len;
	AwsBuffer normalized = {0};
	json_object *result;

	if (strchr(url, '?') != NULL)
		return NULL;
	scheme_len = strncmp(url, "https://", 8) == 0 ? 5 : strncmp(url, "http://", 7) == 0 ? 4 : 0;
	authority = url + scheme_len + 3;
	if (scheme_len == 0 || *authority == '\0')
		return NULL;
	authority_len = strcspn(authority, "/#");
	path = authority + authority_len;
	path_len = strcspn(path, "#");

	/* The port comes after the last colon that is not inside [an IPv6 address]. */
	host_len = authority_len;
	for (port = path; port > authority && isdigit((unsigned char) port[-1]); port--)
		;
	if (port > authority && port[-1] == ':')
		host_len = (size_t) (port - 1 - authority);
	else if (memchr(authority, ':', authority_len) != NULL && authority[authority_len - 1] != ']')
		return NULL;

	aws_buffer_append(&normalized, path, path_len);
	if (path_len == 0 || path[path_len - 1] != '/')
		aws_buffer_char(&normalized, '/');
	run->failed |= normalized.failed;
	result = run_made(run, json_object_new_object());
	run_put_text(run, result, "scheme", url, scheme_len);
	run_put_text(run, result, "authority", authority, authority_len);
	run_put_text(run, result, "path", path, path_len);
	run_put_text(run, result, "normalizedPath", aws_buffer_text(&normalized), normalized.len);
	run_put(run, result, "isIp",
			run_boolean(run, is_ipv4(authority, host_len) ||
								 (host_len > 2 && authority[0] == '[' && authority[host_len - 1] == ']')));
	aws_buffer_free(&normalized);
	return result;
}

/* aws.partition(region): of an unknown region, the first partition. */
static json_object *
rule_partition(Run *run, const char *region)
{
	const AwsPartition *partition = partitions;
	json_object *result;

	for (size_t i = 0; i < sizeof(partitions) / sizeof(partitions[0]); i++)
		if (is_region_of(&partitions[i], region))
		{
			partition = &partitions[i];
			break;
		}
	result = run_made(run, json_object_new_object());
	run_put_string(run, result, "name", partition->name);
	run_put_string(run, result, "dnsSuffix", partition->dns_suffix);
	run_put_string(run, result, "dualStackDnsSuffix", partition->dual_stack_dns_suffix);
	run_put_string(run, result, "implicitGlobalRegion", partition->global_region);
	run_put(run, result, "supportsFIPS", run_boolean(run, partition->supports_fips));
	run_put(run, result, "supportsDualStack", run_boolean(run, partition->supports_dual_stack));
	return result;
}

/* aws.parseArn(text): arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE, the resource split at ':' and '/'. */
static json_object *
rule_parse_arn(Run *run, const char *arn)
{
	static const char *const names[] = {"partition", "service", "region", "accountId"};
	const char *fields[5]; /* where each begins; the last one is the resource */
	json_object *result;
	json_object *resource;

	if (strncmp(arn, "arn:", 4) != 0)
		return NULL;
	fields[0] = arn + 4;
	for (int i = 1; i < 5; i++)
	{
		const char *colon = strchr(fields[i - 1], ':');

		if (colon == NULL)
			return NULL;
		fields[i] = colon + 1;
	}
	if (*fields[0] == ':' || *fields[1] == ':' || *fields[4] == '\0')
		return NULL;
	result = run_made(run, json_object_new_object());
	for (int i = 0; i < 4; i++)
		run_put_text(run, result, names[i], fields[i], (size_t) (fields[i + 1] - 1 - fields[i]));
	resource = run_made(run, json_object_new_array());
	for (const char *part = fields[4]; resource != NULL; part++)
	{
		size_t len = strcspn(part, ":/");

		run->failed |= json_object_array_add(resource, run_text(run, part, len)) != 0;
		part += len;
		if (*part == '\0')
			break;
	}
	run_put(run, result, "resourceId", resource);
	return result;
}

/* Whether a bucket's name can be part of a host name. */
static bool
is_virtual_hostable(const char *bucket, bool dots)
{
	bool valid = strlen(bucket) >= 3 && !is_ipv4(bucket, strlen(bucket)) && is_host_labels(bucket, dots);

	for (const char *c = bucket; valid && *c != '\0'; c++)
		valid = !isupper((unsigned char) *c);
	return valid;
}

static json_object *
call_function(Run *run, uint16_t function, json_object **arguments)
{
	const char *text = run_string(arguments[0]); /* what most functions are about; not set if it is no string */
	const char *other = run_string(arguments[1]);
	bool flag = json_object_get_boolean(arguments[1]);

	switch (function)
	{
		case RULE_IS_SET:
			return run_boolean(run, arguments[0] != NULL);
		case RULE_NOT:
			return run_boolean(run, !run_holds(arguments[0]));
		case RULE_GET_ATTR:
			return json_object_get(attribute(arguments[0], other));
		case RULE_SUBSTRING:
			return text != NULL ? rule_substring(run, text, arguments) : NULL;
		case RULE_STRING_EQUALS:
			return run_boolean(run, text != NULL && other != NULL && strcmp(text, other) == 0);
		case RULE_BOOLEAN_EQUALS:
			return run_boolean(run, json_object_is_type(arguments[0], json_type_boolean) &&
										json_object_equal(arguments[0], arguments[1]));
		case RULE_URI_ENCODE:
			return text != NULL ? rule_uri_encode(run, text) : NULL;
		case RULE_PARSE_URL:
			return text != NULL ? rule_parse_url(run, text) : NULL;
		case RULE_IS_VALID_HOST_LABEL:
			return run_boolean(run, text != NULL && is_host_labels(text, flag));
		case RULE_PARTITION:
			return text != NULL ? rule_partition(run, text) : NULL;
		case RULE_PARSE_ARN:
			return text != NULL ? rule_parse_arn(run, text) : NULL;
		case RULE_IS_VIRTUAL_HOSTABLE:
			return run_boolean(run, text != NULL && is_virtual_hostable(text, flag));
		default:
			return NULL;
	}
}

/* ---- values and rules ---- */

static json_object *
run_function(Run *run, const uint16_t *node)
{
	json_object *arguments[4] = {0}; /* no function has more */
	json_object *result = NULL;

	for (uint16_t i = 0; i < node[3]; i++)
		arguments[i] = run_value(run, node[4 + i]);
	if (!run->failed)
		result = call_function(run, node[1], arguments);
	for (uint16_t i = 0; i < node[3]; i++)
		json_object_put(arguments[i]);
	if (node[2] != 0)
	{
		json_object_put(run->variables[node[2] - 1]);
		run->variables[node[2] - 1] = json_object_get(result);
	}
	return result;
}

/*
 * Whether a value may follow in a text.  Some rules put a member of the input
 * into a URL's host name without a test of their own; a value that ends the
 * name would send the request to another host.
 */
static bool
keeps_host(const AwsBuffer *text, const char *value)
{
	const char *host = strstr(aws_buffer_text(text), "://");

	if (host == NULL || strchr(host + 3, '/') != NULL)
		return true;
	while (isalnum((unsigned char) *value) || (*value != '\0' && strchr("-._", *value) != NULL))
		value++;
	return *value == '\0';
}

/* A string with variables' values in it; not set if one of those is not, or cannot be part of a host name. */
static json_object *
run_template(Run *run, const uint16_t *node)
{
	AwsBuffer text = {0};
	json_object *result = NULL;
	const uint16_t *piece = node + 2;

	for (uint16_t i = 0; i < node[1]; i++, piece += 3)
	{
		const char *value;

		if (piece[0] == 0)
		{
			aws_buffer_string(&text, aws_model_string(run->model, piece[1]));
			continue;
		}
		value = run_string(attribute(run->variables[piece[1]], aws_model_string(run->model, piece[2])));
		/* attributes are what a function has parsed, the user's own host and port among them */
		if (value == NULL || (piece[2] == 0 && !keeps_host(&text, value)))
			goto done;
		aws_buffer_string(&text, value);
	}
	run->failed |= text.failed;
	result = run_text(run, aws_buffer_text(&text), text.len);
done:
	aws_buffer_free(&text);
	return result;
}

static json_object *
run_value(Run *run, uint16_t offset)
{
	const uint16_t *node = run->model->rules + offset;
	json_object *result = NULL;

	switch (node[0])
	{
		case RULE_BOOLEAN:
			return run_boolean(run, node[1] != 0);
		case RULE_INTEGER:
			return run_made(run, json_object_new_int(node[1]));
		case RULE_STRING:
			return run_text(run, aws_model_string(run->model, node[1]), aws_model_string_len(run->model, node[1]));
		case RULE_TEMPLATE:
			return run_template(run, node);
		case RULE_REFERENCE:
			return json_object_get(run->variables[node[1]]);
		case RULE_FUNCTION:
			return run_function(run, node);
		case RULE_ARRAY:
			result = run_made(run, json_object_new_array());
			for (uint16_t i = 0; i < node[1] && result != NULL; i++)
				run->failed |= json_object_array_add(result, run_value(run, node[2 + i])) != 0;
			break;
		case RULE_OBJECT:
			result = run_made(run, json_object_new_object());
			for (uint16_t i = 0; i < node[1]; i++)
				run_put(run, result, aws_model_string(run->model, node[2 + 2 * i]), run_value(run, node[3 + 2 * i]));
			break;
	}
	return result;
}

/*
 * Tries a list of rules: the outcome of the first whose conditions hold, as
 * {"url": ...} or {"error": ...}, or NULL when none does.
 */
static json_object *
run_rules(Run *run, uint16_t offset)
{
	const uint16_t *list = run->model->rules + offset;

	for (uint16_t i = 0; i < list[1] && !run->failed; i++)
	{
		const uint16_t *rule = run->model->rules + list[2 + i];
		const uint16_t *conditions = rule + (rule[0] == RULE_ENDPOINT ? 4 : 2);
		json_object *outcome;
		bool holds = true;

		for (uint16_t k = 0; k < conditions[0] && holds; k++)
		{
			json_object *value = run_value(run, conditions[1 + k]);

			holds = run_holds(value);
			json_object_put(value);
		}
		if (!holds)
			continue;
		if (rule[0] == RULE_TREE)
			return run_rules(run, rule[1]);
		outcome = run_made(run, json_object_new_object());
		if (rule[0] == RULE_ERROR)
			run_put(run, outcome, "error", run_value(run, rule[1]));
		else
		{
			run_put(run, outcome, "url", run_value(run, rule[1]));
			if (rule[2] != 0)
				run_put(run, outcome, "properties", run_value(run, rule[2]));
			if (rule[3] != 0)
				run_put(run, outcome, "headers", run_value(run, rule[3]));
		}
		return outcome;
	}
	return NULL;
}

/* Gives the parameters' variables their values; false if a required one has none. */
static bool
run_parameters(Run *run, json_object *parameters, AwsError *error)
{
	const uint16_t *words = run->model->rules + run->model->header->rule_parameters;

	for (uint16_t i = 0; i < words[0]; i++)
	{
		const uint16_t *parameter = words + 1 + 5 * i; /* name, built-in, required, default's kind, default */
		const char *name = aws_model_string(run->model, parameter[0]);
		json_object *value = NULL;

		if (json_object_object_get_ex(parameters, name, &value) && value != NULL)
			run->variables[i] = json_object_get(value);
		else if (parameter[3] == AWS_EXPECT_BOOLEAN)
			run->variables[i] = run_boolean(run, parameter[4] != 0);
		else if (parameter[3] == AWS_EXPECT_STRING)
			run->variables[i] = run_text(run, aws_model_string(run->model, parameter[4]),
										 aws_model_string_len(run->model, parameter[4]));
		else if (parameter[2] != 0)
			return aws_error_set(error, AWS_NO_ENDPOINT, "endpoint parameter \"%s\" is missing", name);
	}
	return true;
}

struct json_object *
aws_endpoint_evaluate(const AwsModel *model, struct json_object *parameters, AwsError *error)
{
	Run run = {.model = model};
	json_object *outcome = NULL;
	json_object *reason = NULL;

	if (model->header->rule_root == 0)
		aws_error_set(error, AWS_NO_ENDPOINT, "AWS service \"%s\" has no endpoint rules",
					  aws_model_string(model, model->header->service));
	else if (run_parameters(&run, parameters, error))
	{
		outcome = run_rules(&run, model->header->rule_root);
		if (run.failed)
			aws_error_memory(error);
		else if (json_object_object_get_ex(outcome, "error", &reason))
			aws_error_set(error, AWS_NO_ENDPOINT, "%s", json_object_get_string(reason));
		else if (outcome == NULL || run_string(json_object_object_get(outcome, "url")) == NULL)
			aws_error_set(error, AWS_NO_ENDPOINT, "the endpoint rules give no URL for these parameters");
		else
			goto done;
		json_object_put(outcome);
		outcome = NULL;
	}
done:
	for (int i = 0; i < RULE_MAX_VARIABLES; i++)
		json_object_put(run.variables[i]);
	return outcome;
}

/* ---- parameters of a call ---- */

/* The text of a fact as a value: a boolean if it reads like one. */
static json_object *
run_constant(Run *run, const char *text)
{
	if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
		return run_boolean(run, text[0] == 't');
	return run_text(run, text, strlen(text));
}

struct json_object *
aws_endpoint_parameters(const AwsModel *model, const AwsOp *op, struct json_object *built_ins,
						struct json_object *input)
{
	Run run = {.model = model};
	json_object *parameters = run_made(&run, json_object_new_object());
	const uint16_t *words = model->rules + model->header->rule_parameters;
	const AwsRef *root = aws_model_ref(model, op->input);
	json_object *value;

	/* From the weakest to the strongest: each replaces what is there. */
	for (uint16_t i = 0; model->header->rule_parameters != 0 && i < words[0]; i++)
	{
		const char *built_in = aws_model_string(model, words[2 + 5 * i]);

		if (json_object_object_get_ex(built_ins, built_in, &value))
			run_put(&run, parameters, aws_model_string(model, words[1 + 5 * i]), json_object_get(value));
	}
	for (const AwsFact *fact = aws_model_fact(model, AWS_FACT_OPERATION_CONTEXT, (uint32_t) (op - model->ops));
		 fact != NULL; fact = aws_model_next_fact(model, fact))
	{
		run.failed |= !aws_jmespath(model, fact->b, input, &value);
		if (value != NULL)
			run_put(&run, parameters, aws_model_string(model, fact->a), value);
	}
	for (uint32_t i = 0; root != NULL && i < aws_model_shape(model, root)->count; i++)
	{
		uint32_t number = aws_model_shape(model, root)->first + i;
		const AwsRef *member = &model->refs[number];

		if (member->flags & AWS_REF_CONTEXT &&
			json_object_object_get_ex(input, aws_model_string(model, member->name), &value) && value != NULL)
			run_put(&run, parameters, aws_model_string(model, aws_model_fact(model, AWS_FACT_CONTEXT, number)->a),
					json_object_get(value));
	}
	for (const AwsFact *fact = aws_model_fact(model, AWS_FACT_STATIC_CONTEXT, (uint32_t) (op - model->ops));
		 fact != NULL; fact = aws_model_next_fact(model, fact))
		run_put(&run, parameters, aws_model_string(model, fact->a),
				run_constant(&run, aws_model_string(model, fact->b)));

	if (run.failed)
	{
		json_object_put(parameters);
		parameters = NULL;
	}
	return parameters;
}

/* The built-in parameters, of those that have no default which serves. */
static json_object *
make_built_ins(Run *run, const char *region, const char *endpoint_url)
{
	json_object *built_ins = run_made(run, json_object_new_object());

	run_put_string(run, built_ins, "AWS::Region", region);
	if (endpoint_url != NULL)
		run_put_string(run, built_ins, "SDK::Endpoint", endpoint_url);
	/* A server of one's own has seldom a host name for each bucket. */
	run_put(run, built_ins, "AWS::S3::ForcePathStyle", run_boolean(run, endpoint_url != NULL));
	run_put(run, built_ins, "AWS::S3::UseArnRegion", run_boolean(run, true));
	/* Directory buckets are signed like others, rather than by sessions. */
	run_put(run, built_ins, "AWS::S3::DisableS3ExpressSessionAuth", run_boolean(run, true));
	return built_ins;
}

static char *
member_string(json_object *object, const char *key, const char *otherwise)
{
	json_object *value = NULL;

	if (json_object_is_type(object, json_type_object))
		json_object_object_get_ex(object, key, &value);
	return strdup(run_string(value) != NULL ? run_string(value) : otherwise);
}

/* Reads how to sign from an outcome's properties; Signature Version 4 is all that is spoken. */
static bool
read_signing(const AwsModel *model, const char *region, json_object *properties, AwsEndpoint *endpoint, AwsError *error)
{
	json_object *schemes = NULL;
	json_object *scheme = NULL;
	json_object *value;

	if (json_object_is_type(properties, json_type_object))
		json_object_object_get_ex(properties, "authSchemes", &schemes);
	if (json_object_is_type(schemes, json_type_array) && json_object_array_length(schemes) > 0)
	{
		for (size_t i = 0; i < json_object_array_length(schemes) && scheme == NULL; i++)
		{
			json_object *candidate = json_object_array_get_idx(schemes, i);

			value = NULL;
			if (json_object_is_type(candidate, json_type_object) &&
				json_object_object_get_ex(candidate, "name", &value) && run_string(value) != NULL &&
				strcmp(run_string(value), "sigv4") == 0)
				scheme = candidate;
		}
		if (scheme == NULL)
			return aws_error_set(error, AWS_NO_ENDPOINT,
								 "the endpoint wants a signature of another kind than Version 4");
		if (json_object_object_get_ex(scheme, "disableDoubleEncoding", &value))
			endpoint->disable_double_encoding = json_object_get_boolean(value);
	}
	endpoint->signing_name = member_string(scheme, "signingName", aws_model_string(model, model->header->signing_name));
	endpoint->signing_region = member_string(scheme, "signingRegion", region);
	return (endpoint->signing_name != NULL && endpoint->signing_region != NULL) || aws_error_memory(error);
}

bool
aws_endpoint_resolve(const AwsModel *model, const AwsOp *op, const char *region, const char *endpoint_url,
					 struct json_object *input, AwsEndpoint *endpoint, AwsError *error)
{
	Run run = {.model = model};
	json_object *built_ins;
	json_object *parameters;
	json_object *outcome = NULL;
	json_object *value = NULL;
	bool done = false;

	*endpoint = (AwsEndpoint){0};
	/* The region becomes part of a host name, so it must not be able to name another host. */
	if (!is_host_labels(region, false))
		return aws_error_set(error, AWS_BAD_INPUT, "\"%s\" cannot be an AWS region", region);
	built_ins = make_built_ins(&run, region, endpoint_url);
	parameters = aws_endpoint_parameters(model, op, built_ins, input);
	if (run.failed || parameters == NULL)
		aws_error_memory(error);
	else
		outcome = aws_endpoint_evaluate(model, parameters, error);
	if (outcome != NULL)
	{
		endpoint->url = strdup(json_object_get_string(json_object_object_get(outcome, "url")));
		json_object_object_get_ex(outcome, "properties", &value);
		done =
			(endpoint->url != NULL || aws_error_memory(error)) && read_signing(model, region, value, endpoint, error);
		value = NULL;
		json_object_object_get_ex(outcome, "headers", &value);
		endpoint->headers = json_object_get(value);
	}
	json_object_put(outcome);
	json_object_put(parameters);
	json_object_put(built_ins);
	if (!done)
		aws_endpoint_free(endpoint);
	return done;
}

void
aws_endpoint_free(AwsEndpoint *endpoint)
{
	free(endpoint->url);
	free(endpoint->signing_name);
	free(endpoint->signing_region);
	json_object_put(endpoint->headers);
	*endpoint = (AwsEndpoint){0};
}
