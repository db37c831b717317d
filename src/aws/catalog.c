/*
 * catalog.c
 *	  What services, operations and members there are, for those who ask.
 *
 * Names and types come straight from the mapped models; strings that are
 * given out belong to the client and live as long as it does.
 */
#include "aws/aws.h"

#include <string.h>

#include "aws/client.h"
#include "aws/error.h"

bool
aws_services(AwsClient *client, AwsNameFunction each, void *arg, AwsError *error)
{
	return aws_model_names(client->model_dir, each, arg, error);
}

bool
aws_service_info(AwsClient *client, const char *service, AwsServiceInfo *info, AwsError *error)
{
	const AwsModel *model = aws_client_model(client, service, error);

	if (model == NULL)
		return false;
	info->service_id = aws_model_string(model, model->header->service_id);
	info->protocol = aws_protocol_name((AwsProtocol) model->header->protocol);
	info->api_version = aws_model_string(model, model->header->api_version);
	info->operations = (int) model->header->ops.count;
	return true;
}

/* Whether the input of an operation has a member to fill with an idempotency token. */
static bool
catalog_has_token(const AwsModel *model, const AwsOp *op)
{
	const AwsRef *input = aws_model_ref(model, op->input);
	const AwsShape *shape;

	if (input == NULL)
		return false;
	shape = aws_model_shape(model, input);
	for (uint32_t i = 0; i < shape->count; i++)
		if (model->refs[shape->first + i].flags & AWS_REF_TOKEN)
			return true;
	return false;
}

bool
aws_operation_info(AwsClient *client, const char *service, int n, AwsOperationInfo *info, AwsError *error)
{
	const AwsModel *model = aws_client_model(client, service, error);
	AwsPaginator paginator;
	const AwsOp *op;

	if (model == NULL || n < 0 || (uint32_t) n >= model->header->ops.count)
		return false;
	op = &model->ops[n];
	*info = (AwsOperationInfo){
		.name = aws_model_string(model, op->name),
		.method = aws_model_string(model, op->method),
		.has_token = catalog_has_token(model, op),
	};
	if (aws_model_paginator(model, op, &paginator))
	{
		info->paginated = true;
		info->result_key = aws_model_string(model, paginator.result_keys[0].text);
		if (paginator.limit_key != 0)
			info->page_size_key = aws_model_string(model, paginator.limit_key);
	}
	return true;
}

/*
 * Follows a path from a structure on: names with dots between them, "[]"
 * after a list for its elements, "{}" after a map for its values.
 */
static const AwsShape *
catalog_follow(const AwsModel *model, const AwsShape *shape, const char *path)
{
	while (*path != '\0')
	{
		const AwsRef *ref;

		if (strncmp(path, "[]", 2) == 0 || strncmp(path, "{}", 2) == 0)
		{
			if (shape->type != (*path == '[' ? AWS_TYPE_LIST : AWS_TYPE_MAP))
				return NULL;
			ref = &model->refs[shape->first + shape->count - 1]; /* of a map the value comes last */
			path += 2;
		}
		else
		{
			size_t len = strcspn(path, ".[{");

			ref = aws_model_member_named(model, shape, path, len);
			path += len;
		}
		if (ref == NULL)
			return NULL;
		shape = aws_model_shape(model, ref);
		if (*path == '.' && path[1] != '\0')
			path++;
		else if (*path != '\0' && *path != '[' && *path != '{')
			return NULL;
	}
	return shape;
}

const char *
aws_member_type(AwsClient *client, const char *service, const char *operation, bool input, const char *path)
{
	const AwsModel *model = aws_client_model(client, service, NULL);
	const AwsOp *op = model != NULL ? aws_model_op(model, operation, NULL) : NULL;
	const AwsRef *root = op != NULL ? aws_model_ref(model, input ? op->input : op->output) : NULL;
	const AwsShape *shape = root != NULL ? catalog_follow(model, aws_model_shape(model, root), path) : NULL;

	return shape != NULL ? aws_type_name((AwsType) shape->type) : NULL;
}

int
aws_waiter_delay(AwsClient *client, const char *service, const char *waiter, const char **operation)
{
	const AwsModel *model = aws_client_model(client, service, NULL);
	const AwsWaiter *found = model != NULL ? aws_model_waiter(model, waiter) : NULL;

	if (found != NULL && operation != NULL)
		*operation = aws_model_string(model, model->ops[found->op].name);
	return found != NULL ? found->delay : -1;
}
