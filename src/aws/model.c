/*
 * model.c
 *	  Opens compiled service models and looks things up in them.
 *
 * A file is mapped read-only and shared; what differs from process to process
 * is one AwsModel of pointers into the mapping.  The header, the size of each
 * section and the digest are checked here, the records in model_check.c.
 */
#include "aws/model.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/buffer.h"
#include "aws/error.h"

#define SUFFIX ".amb"

/* The public part first; the rest is only of use for closing. */
typedef struct OpenModel
{
	AwsModel model;
	void *mapping; /* NULL: the bytes belong to somebody else */
	size_t size;
} OpenModel;

static const void *
model_section(const AwsModelHeader *header, const AwsSection *section, size_t record, bool *valid)
{
	uint64_t end = (uint64_t) section->offset + (uint64_t) section->count * record;

	if (section->offset < sizeof(AwsModelHeader) || section->offset % 4 != 0 || end > header->size)
		*valid = false;
	return (const char *) header + section->offset;
}

AwsModel *
aws_model_attach(const void *bytes, size_t len, AwsError *error)
{
	const AwsModelHeader *header = bytes;
	const size_t start = offsetof(AwsModelHeader, offsets);
	unsigned char digest[EVP_MAX_MD_SIZE];
	const char *what = "sections";
	bool valid = true;
	OpenModel *open = NULL;
	AwsModel *model;

	if (len < sizeof(AwsModelHeader) || memcmp(header->magic, AWS_MODEL_MAGIC, sizeof(header->magic)) != 0)
		aws_error_set(error, AWS_BAD_MODEL, "it is not a compiled service model");
	else if (header->version != AWS_MODEL_VERSION || header->size != len)
		aws_error_set(error, AWS_BAD_MODEL, "it has version %u and size %u, not %u and %zu", (unsigned) header->version,
					  (unsigned) header->size, AWS_MODEL_VERSION, len);
	else if (EVP_Digest((const char *) bytes + start, len - start, digest, NULL, EVP_sha256(), NULL) != 1)
		aws_error_memory(error);
	else if (memcmp(digest, header->digest, sizeof(header->digest)) != 0)
		aws_error_set(error, AWS_BAD_MODEL, "its checksum does not match");
	else if ((open = calloc(1, sizeof(*open))) == NULL)
		aws_error_memory(error);
	if (open == NULL)
		return NULL;
	model = &open->model;
	model->header = header;
	model->offsets = model_section(header, &header->offsets, sizeof(uint32_t), &valid);
	model->shapes = model_section(header, &header->shapes, sizeof(AwsShape), &valid);
	model->refs = model_section(header, &header->refs, sizeof(AwsRef), &valid);
	model->ops = model_section(header, &header->ops, sizeof(AwsOp), &valid);
	model->facts = model_section(header, &header->facts, sizeof(AwsFact), &valid);
	model->waiters = model_section(header, &header->waiters, sizeof(AwsWaiter), &valid);
	model->hash = model_section(header, &header->hash, sizeof(uint16_t), &valid);
	model->pool = model_section(header, &header->pool, sizeof(uint16_t), &valid);
	model->code = model_section(header, &header->code, sizeof(uint16_t), &valid);
	model->rules = model_section(header, &header->rules, sizeof(uint16_t), &valid);
	model->strings = model_section(header, &header->strings, 1, &valid);
	if (!valid || !aws_model_check(model, &what))
	{
		free(open);
		if (what == NULL)
			aws_error_memory(error);
		else
			aws_error_set(error, AWS_BAD_MODEL, "its %s are not valid", what);
		return NULL;
	}
	return model;
}

/* Whether a name can be that of a model file, and not a path. */
static bool
model_name_valid(const char *service)
{
	return service[0] != '\0' && strspn(service, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(service);
}

static int
is_model(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > strlen(SUFFIX) && strcmp(entry->d_name + len - strlen(SUFFIX), SUFFIX) == 0;
}

/* By the bytes of the names without their suffix, whatever the locale. */
static int
by_name(const struct dirent **a, const struct dirent **b)
{
	size_t la = strlen((*a)->d_name) - strlen(SUFFIX);
	size_t lb = strlen((*b)->d_name) - strlen(SUFFIX);
	int order = memcmp((*a)->d_name, (*b)->d_name, la < lb ? la : lb);

	return order != 0 ? order : (la > lb) - (la < lb);
}

bool
aws_model_names(const char *dir, AwsNameFunction each, void *arg, AwsError *error)
{
	struct dirent **entries;
	int count = scandir(dir, &entries, is_model, by_name);

	if (count < 0)
		return aws_error_set(error, errno == ENOMEM ? AWS_NO_MEMORY : AWS_BAD_MODEL,
							 "could not read the service models in \"%s\": %s", dir, strerror(errno));
	for (int i = 0; i < count; i++)
	{
		char *name = entries[i]->d_name;

		name[strlen(name) - strlen(SUFFIX)] = '\0';
		each(arg, name);
		free(entries[i]);
	}
	free(entries);
	return true;
}

static void
suggest(void *arg, const char *name)
{
	aws_suggest_try(arg, name);
}

/* Fills the error for a service that has no file. */
static void
model_unknown(const char *dir, const char *service, AwsError *error)
{
	AwsSuggest suggestions = {.wanted = service};

	if (!aws_model_names(dir, suggest, &suggestions, error))
		return;
	aws_error_set(error, AWS_BAD_INPUT, "unknown AWS service \"%s\"", service);
	aws_error_hint(error, aws_suggest_hint(&suggestions));
}

AwsModel *
aws_model_open(const char *dir, const char *service, AwsError *error)
{
	AwsBuffer path = {0};
	struct stat status;
	AwsError reason = {0};
	AwsModel *model = NULL;
	void *mapping = MAP_FAILED;
	int fd = -1;

	if (!model_name_valid(service))
	{
		model_unknown(dir, service, error);
		goto done;
	}
	aws_buffer_format(&path, "%s/%s" SUFFIX, dir, service);
	if (path.failed)
	{
		aws_error_memory(error);
		goto done;
	}

	fd = open(path.data, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
	{
		model_unknown(dir, service, error);
		goto done;
	}
	if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0)
		mapping = mmap(NULL, (size_t) status.st_size, PROT_READ, MAP_SHARED, fd, 0);
	else if (fd >= 0)
		errno = EINVAL;
	if (mapping == MAP_FAILED)
	{
		aws_error_set(error, AWS_BAD_MODEL, "could not read the service model \"%s\": %s", path.data, strerror(errno));
		goto done;
	}

	model = aws_model_attach(mapping, (size_t) status.st_size, &reason);
	if (model != NULL && strcmp(aws_model_string(model, model->header->service), service) != 0)
	{
		aws_error_set(&reason, AWS_BAD_MODEL, "it is that of another service");
		aws_model_close(model);
		model = NULL;
	}
	if (model != NULL)
	{
		((OpenModel *) model)->mapping = mapping;
		((OpenModel *) model)->size = (size_t) status.st_size;
	}
	else
	{
		munmap(mapping, (size_t) status.st_size);
		aws_error_set(error, reason.kind, "could not use the service model \"%s\": %s", path.data,
					  reason.message != NULL ? reason.message : "out of memory");
	}

done:
	if (fd >= 0)
		close(fd);
	if (model == NULL)
		aws_error_at(error, service, NULL);
	aws_error_clear(&reason);
	aws_buffer_free(&path);
	return model;
}

void
aws_model_close(AwsModel *model)
{
	OpenModel *open = (OpenModel *) model;

	if (open == NULL)
		return;
	if (open->mapping != NULL)
		munmap(open->mapping, open->size);
	free(open);
}

AwsString
aws_model_string_id(const AwsModel *model, const char *string, size_t len)
{
	uint32_t mask = model->header->hash.count - 1;
	uint32_t slot = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		slot = (slot ^ (uint8_t) string[i]) * 16777619u;
	for (slot &= mask; model->hash[slot] != 0; slot = (slot + 1) & mask)
	{
		AwsString id = model->hash[slot];

		if (aws_model_string_len(model, id) == len && memcmp(aws_model_string(model, id), string, len) == 0)
			return id;
	}
	return 0;
}

const AwsOp *
aws_model_op(const AwsModel *model, const char *name, AwsError *error)
{
	uint32_t low = 0;
	uint32_t high = model->header->ops.count;
	AwsSuggest suggest = {.wanted = name};

	while (low < high)
	{
		uint32_t middle = low + (high - low) / 2;
		int order = strcmp(name, aws_model_string(model, model->ops[middle].name));

		if (order == 0)
			return &model->ops[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	if (error != NULL)
	{
		for (uint32_t i = 0; i < model->header->ops.count; i++)
			aws_suggest_try(&suggest, aws_model_string(model, model->ops[i].name));
		aws_error_set(error, AWS_BAD_INPUT, "unknown operation \"%s\" of AWS service \"%s\"", name,
					  aws_model_string(model, model->header->service));
		aws_error_hint(error, aws_suggest_hint(&suggest));
	}
	return NULL;
}

const AwsRef *
aws_model_member(const AwsModel *model, const AwsShape *shape, AwsString name)
{
	const AwsRef *members = model->refs + shape->first;

	if (name != 0 && shape->type == AWS_TYPE_STRUCTURE)
		for (uint16_t i = 0; i < shape->count; i++)
			if (members[i].name == name)
				return &members[i];
	return NULL;
}

const AwsRef *
aws_model_member_named(const AwsModel *model, const AwsShape *shape, const char *name, size_t len)
{
	return aws_model_member(model, shape, aws_model_string_id(model, name, len));
}

const AwsFact *
aws_model_fact(const AwsModel *model, AwsFactKind kind, uint32_t index)
{
	uint32_t key = (uint32_t) kind << 24 | index;
	uint32_t low = 0;
	uint32_t high = model->header->facts.count;

	while (low < high)
	{
		uint32_t middle = low + (high - low) / 2;

		if (model->facts[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low < model->header->facts.count && model->facts[low].key == key ? &model->facts[low] : NULL;
}

const AwsFact *
aws_model_next_fact(const AwsModel *model, const AwsFact *fact)
{
	const AwsFact *next = fact + 1;

	return next < model->facts + model->header->facts.count && next->key == fact->key ? next : NULL;
}

const char *
aws_protocol_name(AwsProtocol protocol)
{
	static const char *const names[] = {"", "ec2", "query", "json", "rest-json", "rest-xml", "cbor"};

	return names[protocol];
}

const char *
aws_type_name(AwsType type)
{
	static const char *const names[AWS_TYPE_COUNT] = {"structure", "list",	 "map",		"string",	 "integer", "long",
													  "float",	   "double", "boolean", "timestamp", "blob"};

	return names[type];
}

void
aws_model_parts(const AwsModel *model, const AwsOp *op, AwsParts *parts)
{
	const uint16_t *words = model->pool + op->parts;

	parts->uri_count = words[0];
	parts->query_count = words[1];
	parts->host_count = words[2];
	parts->error_count = words[3];
	parts->uri = (const AwsPart *) (words + 4);
	parts->query = (const AwsPair *) (parts->uri + parts->uri_count);
	parts->host = (const AwsPart *) (parts->query + parts->query_count);
	parts->errors = (const uint16_t *) (parts->host + parts->host_count);
}

const AwsShape *
aws_model_error(const AwsModel *model, const AwsOp *op, const char *code)
{
	AwsParts parts;

	aws_model_parts(model, op, &parts);
	for (uint32_t i = 0; i < (uint32_t) parts.error_count + model->header->shapes.count; i++)
	{
		uint32_t number = i < (uint32_t) parts.error_count ? parts.errors[i] : i - (uint32_t) parts.error_count;
		const AwsShape *shape = &model->shapes[number];

		if (shape->flags & AWS_SHAPE_ERROR && (strcmp(code, aws_model_string(model, shape->code)) == 0 ||
											   strcmp(code, aws_model_string(model, shape->name)) == 0))
			return shape;
	}
	return NULL;
}

bool
aws_model_paginator(const AwsModel *model, const AwsOp *op, AwsPaginator *paginator)
{
	const uint16_t *words = model->pool + op->paginator;

	if (op->paginator == 0)
		return false;
	paginator->token_count = words[0];
	paginator->result_count = words[1];
	paginator->limit_key = words[2];
	paginator->more_results = *(const AwsPath *) (words + 3);
	paginator->output_tokens = (const AwsPath *) (words + 5);
	paginator->result_keys = paginator->output_tokens + paginator->token_count;
	paginator->input_tokens = (const AwsString *) (paginator->result_keys + paginator->result_count);
	return true;
}

const AwsWaiter *
aws_model_waiter(const AwsModel *model, const char *name)
{
	for (uint32_t i = 0; i < model->header->waiters.count; i++)
		if (strcmp(name, aws_model_string(model, model->waiters[i].name)) == 0)
			return &model->waiters[i];
	return NULL;
}

const AwsAcceptor *
aws_model_acceptors(const AwsModel *model, const AwsWaiter *waiter, int *count)
{
	const uint16_t *words = model->pool + waiter->acceptors;

	*count = words[0];
	return (const AwsAcceptor *) (words + 1);
}
