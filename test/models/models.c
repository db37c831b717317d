/*
 * models.c
 *	  Opens every compiled model, then damaged copies of some.
 *
 *	  models DIRECTORY
 *
 * Damage comes in two kinds.  As it may happen on a disk, it must be refused
 * by the checksum.  With the checksum made right again it must be refused by
 * the check of the records, or leave a model in which everything that a caller
 * can reach may be used; the sanitizers judge that.
 */
#include <dirent.h>

#include "../aws.h"
#include "aws/buffer.h"
#include "aws/error.h"
#include "use.h"

static int services;
static int operations;

/* A fixed sequence of numbers, so that every run tries the same damage. */
static uint32_t
next_random(void)
{
	static uint64_t state = 20261130;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t) (state >> 33);
}

/* Whether bytes are refused as a bad model, with a message. */
static bool
is_refused(const void *bytes, size_t len)
{
	AwsError error = {0};
	AwsModel *model = aws_model_attach(bytes, len, &error);
	bool refused = model == NULL && error.kind == AWS_BAD_MODEL && error.message != NULL;

	aws_model_close(model);
	aws_error_clear(&error);
	return refused;
}

/* Changes some words of a model in one of its parts. */
static void
damage(char *bytes, size_t len)
{
	const AwsSection *sections = &((const AwsModelHeader *) bytes)->offsets;
	int section = (int) (next_random() % 12);
	size_t start = section < 11 ? sections[section].offset : offsetof(AwsModelHeader, offsets);
	size_t end = section < 10 ? sections[section + 1].offset : section == 10 ? len : sizeof(AwsModelHeader);

	/* Sections lie in the order of the header's members; hold on to that. */
	if (end <= start || end > len)
		return;
	for (uint32_t n = next_random() % 3 + 1; n > 0; n--)
	{
		size_t at = (start + next_random() % (end - start)) & ~(size_t) 1;
		uint16_t word;

		if (at + 2 > len)
			continue;
		memcpy(&word, bytes + at, 2);
		switch (next_random() % 5)
		{
			case 0:
				word = (uint16_t) next_random();
				break;
			case 1:
				word = 0xffff;
				break;
			case 2:
				word = 0;
				break;
			case 3:
				word = (uint16_t) (word + next_random() % 9 - 4);
				break;
			case 4:
				word ^= (uint16_t) (1u << next_random() % 16);
				break;
		}
		memcpy(bytes + at, &word, 2);
	}
}

static void
try_damaged(const char *name, const char *bytes, size_t len)
{
	/* A block of exactly this size, so that reading past its end is seen. */
	char *copy = malloc(len);
	bool all = true;
	int still_good = 0;

	for (int i = 0; i <= 64 && all; i++)
	{
		size_t cut = i < 64 ? len * (size_t) i / 64 : len - 1;
		char *part = malloc(cut + 1);

		memcpy(part, bytes, cut);
		all = is_refused(part, cut);
		free(part);
	}
	check(all, "a truncated file is refused", name);

	memcpy(copy, bytes, len);
	for (int i = 0; i < 1000 && all; i++)
	{
		size_t at = i < 300 ? (size_t) i : next_random() % len;
		char bit = (char) (1 << next_random() % 8);

		copy[at] ^= bit;
		all = is_refused(copy, len);
		copy[at] ^= bit;
	}
	check(all, "a file with one bit flipped is refused", name);

	for (int i = 0; i < 4000; i++)
	{
		AwsModel *model;

		memcpy(copy, bytes, len);
		damage(copy, len);
		seal_model(copy, len);
		model = aws_model_attach(copy, len, NULL);
		if (model != NULL)
		{
			still_good++;
			use_model(model);
			aws_model_close(model);
		}
	}
	check(still_good > 0 && still_good < 3600, "damage under a right checksum is found, or does no harm", name);
	free(copy);
}

/* A fact that its shape cannot have: what is filled in as a text, of another type; any JSON, of a shape with parts. */
static void
try_wrong_flags(const char *name, const char *bytes, size_t len)
{
	char *copy = malloc(len);

	for (int document = 0; document < 2; document++)
	{
		AwsModel *model;
		uint32_t i = 0;

		memcpy(copy, bytes, len);
		model = aws_model_attach(copy, len, NULL);
		if (document)
		{
			while (model->shapes[i].type != AWS_TYPE_LIST)
				i++;
			((AwsShape *) &model->shapes[i])->flags |= AWS_SHAPE_DOCUMENT;
		}
		else
		{
			while (model->shapes[model->refs[i].shape].type != AWS_TYPE_LIST)
				i++;
			((AwsRef *) &model->refs[i])->flags |= AWS_REF_TOKEN;
		}
		aws_model_close(model);
		seal_model(copy, len);
		check(is_refused(copy, len), document ? "a list of any JSON is refused" : "a token that is a list is refused", name);
	}
	free(copy);
}

static void
try_service(const char *directory, const char *name)
{
	static const char *const damaged[] = {"sts", "sqs", "s3", "dynamodb", "elbv2"};
	AwsError error = {0};
	AwsModel *model = aws_model_open(directory, name, &error);

	if (model == NULL)
		printf("%s\n", error.message != NULL ? error.message : "");
	check(model != NULL, "opens", name);
	if (model != NULL)
	{
		services++;
		operations += (int) model->header->ops.count;
		use_model(model);
		check(strcmp(aws_model_string(model, model->header->service), name) == 0, "has its name", name);
		for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++)
			if (strcmp(damaged[i], name) == 0)
			{
				try_damaged(name, (const char *) model->header, model->header->size);
				try_wrong_flags(name, (const char *) model->header, model->header->size);
			}
	}
	aws_model_close(model);
	aws_error_clear(&error);
}

static bool
fails_with(const char *directory, const char *service, AwsErrorKind kind, const char *hint)
{
	AwsError error = {0};
	AwsModel *model = aws_model_open(directory, service, &error);
	bool good = model == NULL && error.kind == kind && error.message != NULL &&
				(hint == NULL ? error.hint == NULL : error.hint != NULL && strcmp(error.hint, hint) == 0);

	if (!good)
		printf("kind %d, message %s, hint %s\n", error.kind, error.message, error.hint);
	aws_error_clear(&error);
	aws_model_close(model);
	return good;
}

/* One fact about each sort of look-up, on models that will keep it. */
static void
try_lookups(const char *directory)
{
	AwsError error = {0};
	const AwsModel *ec2 = model_named(directory, "ec2");
	const AwsModel *elbv2 = model_named(directory, "elbv2");
	const AwsModel *s3 = model_named(directory, "s3");
	const AwsOp *op;
	const AwsRef *member;
	AwsPaginator paginator;
	AwsParts parts;
	int count;
	const AwsAcceptor *acceptors;
	const AwsShape *shape;

	op = aws_model_op(ec2, "DescribeVpcs", &error);
	check(op != NULL && aws_model_paginator(ec2, op, &paginator) &&
			  strcmp(aws_model_string(ec2, paginator.result_keys[0].text), "Vpcs") == 0 &&
			  strcmp(aws_model_string(ec2, paginator.input_tokens[0]), "NextToken") == 0 &&
			  strcmp(aws_model_string(ec2, paginator.limit_key), "MaxResults") == 0,
		  "paginator", "ec2");
	member = op != NULL ? aws_model_member_named(ec2, aws_model_shape(ec2, aws_model_ref(ec2, op->input)), "VpcIds", 6)
						: NULL;
	check(member != NULL && strcmp(aws_model_string(ec2, member->wire), "VpcId") == 0, "wire name", "ec2");
	check(aws_model_op(ec2, "DescribeVpc", &error) == NULL && error.kind == AWS_BAD_INPUT && error.hint != NULL &&
			  strncmp(error.hint, "Did you mean \"DescribeVpcs\"", 27) == 0,
		  "unknown operation", "ec2");
	check(aws_model_waiter(ec2, "InstanceRunning") != NULL && aws_model_waiter(ec2, "InstanceFlying") == NULL, "waiter",
		  "ec2");
	acceptors = aws_model_acceptors(elbv2, aws_model_waiter(elbv2, "LoadBalancerAvailable"), &count);
	check(count == 3 && acceptors[0].state == AWS_WAIT_SUCCESS && acceptors[0].matcher == AWS_MATCH_PATH_ALL &&
			  acceptors[2].matcher == AWS_MATCH_ERROR,
		  "acceptors", "elbv2");
	op = aws_model_op(elbv2, "DeleteTargetGroup", &error);
	shape = op != NULL ? aws_model_error(elbv2, op, "ResourceInUse") : NULL;
	check(shape != NULL && aws_model_fact(elbv2, AWS_FACT_ERROR, (uint32_t) (shape - elbv2->shapes))->a == 400, "error",
		  "elbv2");
	op = aws_model_op(s3, "GetObject", &error);
	if (op != NULL)
		aws_model_parts(s3, op, &parts);
	check(op != NULL && parts.uri_count == 4 && parts.uri[3].kind == AWS_PART_GREEDY &&
			  strcmp(aws_model_string(s3, parts.uri[3].string), "Key") == 0 && op->flags & AWS_OP_STREAM_OUTPUT,
		  "URI template", "s3");
	aws_error_clear(&error);
	model_named(NULL, NULL);
}

typedef struct Names
{
	int count;
	bool sorted;
	char last[128];
} Names;

static void
take_name(void *arg, const char *name)
{
	Names *names = arg;

	names->sorted &= names->count++ == 0 || strcmp(names->last, name) < 0;
	snprintf(names->last, sizeof(names->last), "%s", name);
}

/* What the client tells of its models. */
static void
try_catalog(const char *directory)
{
	static const struct
	{
		const char *service, *operation;
		bool input;
		const char *path, *type;
	} members[] = {
		{"ec2", "DescribeSecurityGroups", false, "SecurityGroups[].IpPermissions[].FromPort", "integer"},
		{"ec2", "DescribeSecurityGroups", false, "SecurityGroups[]", "structure"},
		{"ec2", "DescribeSecurityGroups", true, "GroupIds", "list"},
		{"ec2", "DescribeSecurityGroups", true, "GroupIds[]", "string"},
		{"ec2", "DescribeSecurityGroups", true, "", "structure"},
		{"logs", "CreateLogGroup", true, "tags", "map"},
		{"logs", "CreateLogGroup", true, "tags{}", "string"},
		{"iam", "ListRoles", false, "Roles[].CreateDate", "timestamp"},
		{"logs", "CreateLogGroup", true, "tags[]", NULL},
		{"logs", "CreateLogGroup", true, "tags.a", NULL},
		{"logs", "CreateLogGroup", false, "tags", NULL},
		{"ec2", "DescribeSecurityGroups", true, "GroupIds.", NULL},
		{"ec2", "DescribeSecurityGroups", true, "groupids", NULL},
		{"ec2", "DescribeSecurity", true, "GroupIds", NULL},
		{"ec3", "DescribeSecurityGroups", true, "GroupIds", NULL},
	};
	AwsError error = {0};
	AwsClient *client = aws_client_new(directory, &error);
	AwsServiceInfo service;
	AwsOperationInfo operation;
	Names names = {.sorted = true};
	bool tokens = false, pages = false;

	check(client != NULL, "a client", "catalog");
	if (client == NULL)
		return;
	check(aws_services(client, take_name, &names, &error) && names.count == 439 && names.sorted, "all services",
		  "catalog");
	check(aws_service_info(client, "ec2", &service, &error) && strcmp(service.protocol, "ec2") == 0 &&
			  strcmp(service.service_id, "EC2") == 0 && strcmp(service.api_version, "2016-11-15") == 0 &&
			  service.operations == 830,
		  "of the service", "ec2");
	for (int n = 0; aws_operation_info(client, "ec2", n, &operation, &error); n++)
	{
		tokens |= strcmp(operation.name, "RunInstances") == 0 && operation.has_token && !operation.paginated;
		pages |= strcmp(operation.name, "DescribeVpcs") == 0 && !operation.has_token && operation.paginated &&
				 strcmp(operation.result_key, "Vpcs") == 0 && strcmp(operation.page_size_key, "MaxResults") == 0;
	}
	check(tokens && pages && error.kind == AWS_OK, "of the operations", "ec2");
	check(!aws_service_info(client, "ec3", &service, &error) && error.kind == AWS_BAD_INPUT, "of no service", "ec3");
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
	{
		const char *type =
			aws_member_type(client, members[i].service, members[i].operation, members[i].input, members[i].path);

		check(type == NULL || members[i].type == NULL ? type == members[i].type : strcmp(type, members[i].type) == 0,
			  members[i].path, members[i].operation);
	}
	aws_error_clear(&error);
	aws_client_free(client);
}

/* Encodings of the buffer: input, as JSON, as URL, as base64. */
static void
try_buffer(void)
{
	static const char *const cases[][4] = {
		{"", "\"\"", "", ""},
		{"a", "\"a\"", "a", "YQ=="},
		{"ab", "\"ab\"", "ab", "YWI="},
		{"a/b", "\"a/b\"", "a/b", "YS9i"},
		{"a \"\\\n\x01~", "\"a \\\"\\\\\\n\\u0001~\"", "a%20%22%5C%0A%01~", "YSAiXAoBfg=="},
		{"\xc3\xa9+", "\"\xc3\xa9+\"", "%C3%A9%2B", "w6kr"},
	};
	static const char *const not_base64[] = {"a", "YQ=", "YQ===", "Y!==", "=YQ=", "YWI=YWI="};
	AwsBuffer buffer = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const char *text = cases[i][0];
		size_t len = strlen(text);

		aws_buffer_json(&buffer, text, len);
		check(strcmp(aws_buffer_text(&buffer), cases[i][1]) == 0, "JSON string", text);
		aws_buffer_cut(&buffer, 0);
		aws_buffer_url(&buffer, text, len, "/");
		check(strcmp(aws_buffer_text(&buffer), cases[i][2]) == 0, "URL encoding", text);
		aws_buffer_cut(&buffer, 0);
		aws_buffer_base64(&buffer, text, len);
		check(strcmp(aws_buffer_text(&buffer), cases[i][3]) == 0, "base64", text);
		aws_buffer_cut(&buffer, 0);
		check(aws_buffer_unbase64(&buffer, cases[i][3], strlen(cases[i][3])) && buffer.len == len &&
				  memcmp(aws_buffer_text(&buffer), text, len) == 0,
			  "base64 back", text);
		aws_buffer_cut(&buffer, 0);
	}
	for (size_t i = 0; i < sizeof(not_base64) / sizeof(not_base64[0]); i++)
		check(!aws_buffer_unbase64(&buffer, not_base64[i], strlen(not_base64[i])) && buffer.len == 0, "no base64",
			  not_base64[i]);
	for (int i = 0; i < 1000; i++)
		aws_buffer_format(&buffer, "%d,", i);
	check(buffer.len == 3890 && !buffer.failed, "format", "buffer");
	check(!aws_buffer_reserve(&buffer, SIZE_MAX) && buffer.failed && buffer.len == 3890, "overflow", "buffer");
	aws_buffer_string(&buffer, "more");
	check(buffer.len == 3890 && aws_buffer_take(&buffer) == NULL && buffer.len == 0, "failure is kept", "buffer");
	aws_buffer_free(&buffer);
}

int
main(int argc, char **argv)
{
	const char *directory = argc > 1 ? argv[1] : ".";
	DIR *listing = opendir(directory);
	char path[4096];
	FILE *file;

	for (struct dirent *entry; listing != NULL && (entry = readdir(listing)) != NULL;)
	{
		char *suffix = strstr(entry->d_name, ".amb");

		if (suffix == NULL)
			continue;
		*suffix = '\0';
		try_service(directory, entry->d_name);
	}
	if (listing != NULL)
		closedir(listing);
	check(services == 439 && operations == 19796, "all services and operations of botocore 1.44.5", directory);
	try_lookups(directory);
	try_catalog(directory);
	try_buffer();

	check(fails_with(directory, "ec3", AWS_BAD_INPUT, "Did you mean \"ec2\", \"ecr\" or \"ecs\"?"), "unknown service",
		  "ec3");
	check(fails_with(directory, "zzzzzzzzzzzz", AWS_BAD_INPUT, NULL), "unknown service", "zzzzzzzzzzzz");
	check(fails_with(directory, "../models/ec2", AWS_BAD_INPUT, NULL), "a path is no service", "../models/ec2");
	check(fails_with(directory, "", AWS_BAD_INPUT, NULL), "an empty name is no service", "");
	check(fails_with("/nonexistent", "ec2", AWS_BAD_MODEL, NULL), "no directory", "/nonexistent");
	for (int empty = 0; empty < 2; empty++)
	{
		snprintf(path, sizeof(path), "%s/damaged.amb", directory);
		file = fopen(path, "w");
		if (file != NULL && !empty)
			fputs("AMB\n and nothing else", file);
		if (file != NULL)
			fclose(file);
		check(fails_with(directory, "damaged", AWS_BAD_MODEL, NULL), "a damaged file", path);
		remove(path);
	}
	return result();
}
