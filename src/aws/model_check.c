/*
 * model_check.c
 *	  Proves that a model file refers only to what exists.
 *
 * After this every reader may follow any reference without a test of its own.
 * Sizes of sections have been checked; here it is what the records say: each
 * string ends where the next begins, each index is below the count of what it
 * counts, each list lies inside its section, and each tree consists of known
 * nodes with children of the right sort.
 *
 * Trees have no cycles because a child's offset is smaller than its parent's,
 * which the compiler writes so.  Each node is checked once, however many
 * parents share it, and its height is kept, so that the evaluators' recursion
 * is bounded too.
 */
#include "aws/model.h"

#include <stdlib.h>
#include <string.h>

#include "aws/trees.h"

/* The highest tree that AWS publishes, S3's endpoint rules, has 40 levels. */
#define CHECK_MAX_HEIGHT 100

static bool
check_string(const AwsModel *model, uint32_t id)
{
	return id + 1 < model->header->offsets.count;
}

static bool
check_strings(const AwsModel *model)
{
	uint32_t count = model->header->offsets.count;

	if (count < 2 || count > 65537 || model->offsets[0] != 0 ||
		model->offsets[count - 1] != model->header->strings.count)
		return false;
	for (uint32_t i = 1; i < count; i++)
	{
		uint32_t end = model->offsets[i];

		if (end <= model->offsets[i - 1] || end > model->header->strings.count || model->strings[end - 1] != '\0')
			return false;
	}
	return model->offsets[1] == 1; /* string 0 is "" */
}

static bool
check_header(const AwsModel *model)
{
	const AwsModelHeader *header = model->header;
	const AwsString strings[] = {header->service,		  header->service_id,	header->api_version,
								 header->endpoint_prefix, header->signing_name, header->target_prefix,
								 header->json_version,	  header->xml_namespace};

	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		if (!check_string(model, strings[i]))
			return false;
	return header->protocol >= AWS_PROTOCOL_EC2 && header->protocol <= AWS_PROTOCOL_CBOR &&
		   header->shapes.count <= 65536 && header->refs.count < 1u << 24 && header->ops.count <= 65536;
}

static bool
check_refs(const AwsModel *model)
{
	for (uint32_t i = 0; i < model->header->refs.count; i++)
	{
		const AwsRef *ref = &model->refs[i];

		if (!check_string(model, ref->name) || !check_string(model, ref->wire) || !check_string(model, ref->xml) ||
			ref->shape >= model->header->shapes.count || aws_ref_location(ref) > AWS_IN_STATUS ||
			(aws_ref_location(ref) == AWS_IN_HEADERS && aws_model_shape(model, ref)->type != AWS_TYPE_MAP))
			return false;
	}
	return true;
}

static bool
check_shapes(const AwsModel *model)
{
	for (uint32_t i = 0; i < model->header->shapes.count; i++)
	{
		const AwsShape *shape = &model->shapes[i];
		uint32_t wanted = shape->type == AWS_TYPE_LIST ? 1 : shape->type == AWS_TYPE_MAP ? 2 : 0;

		if (shape->type >= AWS_TYPE_COUNT || !check_string(model, shape->name) || !check_string(model, shape->code) ||
			(shape->type != AWS_TYPE_STRUCTURE && (shape->count != wanted || shape->payload != 0)) ||
			shape->payload > shape->count || (uint64_t) shape->first + shape->count > model->header->refs.count)
			return false;
	}
	return true;
}

/* A list in the pool: 'count' words from 'offset' on. */
static bool
check_pool(const AwsModel *model, uint64_t offset, uint64_t count)
{
	return offset + count <= model->header->pool.count;
}

/* Whether every step-th of 'count' pool words, from 'offset' on, is a string. */
static bool
check_pool_strings(const AwsModel *model, uint32_t offset, uint32_t count, uint32_t step)
{
	for (uint32_t i = 0; i < count; i++)
		if (!check_string(model, model->pool[offset + i * step]))
			return false;
	return true;
}

static bool
check_io(const AwsModel *model, uint32_t ref)
{
	return ref == AWS_NO_REF ||
		   (ref < model->header->refs.count && model->shapes[model->refs[ref].shape].type == AWS_TYPE_STRUCTURE);
}

static bool
check_parts(const AwsModel *model, const AwsOp *op)
{
	const uint16_t *words = model->pool + op->parts;
	uint32_t parts;

	if (!check_pool(model, op->parts, 4))
		return false;
	parts = 2u * ((uint32_t) words[0] + words[1] + words[2]);
	if (!check_pool(model, op->parts, (uint64_t) 4 + parts + words[3]) ||
		!check_pool_strings(model, op->parts + 5, parts / 2, 2) ||
		!check_pool_strings(model, op->parts + 4 + 2u * words[0], words[1], 2))
		return false;
	for (uint32_t i = 0; i < words[3]; i++)
		if (words[4 + parts + i] >= model->header->shapes.count)
			return false;
	return true;
}

/* What checks a tree section: the words, what of them was seen, and the nodes' rules. */
typedef struct TreeCheck
{
	const AwsModel *model;
	const uint16_t *words;
	uint32_t count;
	uint8_t *heights; /* of the nodes checked so far, by offset; 0: not checked */
	bool rules;		  /* endpoint rules, else JMESPath */
} TreeCheck;

/*
 * What the words of each node are: n a number, s a string, k a constant (kind
 * and value, two words), v a variable, V 1 + variable or 0, c a child, C a
 * child or 0; and a count with so many * children, t pieces of a template
 * (kind, string or variable, string) or m members (string, child).
 */
static const char *const jmespath_nodes[JMES_LAST + 1] = {
	[JMES_CHAIN] = "*",		[JMES_PROJECT] = "cc", [JMES_FLATTEN] = "c", [JMES_LITERAL] = "k", [JMES_IDENTITY] = "",
	[JMES_COMPARE] = "ncc", [JMES_AND] = "cc",	   [JMES_OR] = "cc",	 [JMES_NOT] = "c",	   [JMES_INDEX] = "n",
	[JMES_FILTER] = "ccc",	[JMES_CALL] = "nc",	   [JMES_LIST] = "*",	 [JMES_VALUES] = "cc", [JMES_FIELD] = "s",
};

static const char *const rule_nodes[RULE_LAST + 1] = {
	[RULE_BOOLEAN] = "n", [RULE_INTEGER] = "n",	  [RULE_STRING] = "s",	   [RULE_TEMPLATE] = "t",
	[RULE_ARRAY] = "*",	  [RULE_REFERENCE] = "v", [RULE_FUNCTION] = "nV*", [RULE_OBJECT] = "m",
	[RULE_RULES] = "*",	  [RULE_TREE] = "c*",	  [RULE_ERROR] = "c*",	   [RULE_ENDPOINT] = "cCC*",
};

static int check_node(TreeCheck *check, uint32_t offset, int depth);

/* Whether a node of sort 'child' may stand as the 'place'-th child of 'parent': values in values, rules in rules. */
static bool
check_sort(const TreeCheck *check, uint16_t parent, uint16_t child, int place)
{
	if (!check->rules)
		return true;
	return parent == RULE_RULES				   ? child >= RULE_TREE
		   : parent == RULE_TREE && place == 0 ? child == RULE_RULES
											   : child < RULE_RULES;
}

/* A parent's child at 'offset'; raises *height.  False if it is not valid. */
static bool
check_child(TreeCheck *check, uint32_t parent, uint32_t offset, int place, int depth, int *height)
{
	int child;

	if (offset >= parent)
		return false;
	child = check_node(check, offset, depth + 1);
	if (child == 0 || !check_sort(check, check->words[parent], check->words[offset], place))
		return false;
	if (child > *height)
		*height = child;
	return true;
}

/* The functions of rules: how many arguments each takes, and that getAttr's second is a plain string. */
static bool
check_function(const TreeCheck *check, uint32_t offset)
{
	static const uint8_t arguments[RULE_FUNCTIONS + 1] = {0, 1, 1, 2, 4, 2, 2, 1, 1, 2, 1, 1, 2};
	const uint16_t *words = check->words + offset;

	return words[1] >= 1 && words[1] <= RULE_FUNCTIONS && words[3] == arguments[words[1]] &&
		   (words[1] != RULE_GET_ATTR || check->words[words[5]] == RULE_STRING);
}

/* Checks a node and what hangs on it; its height, or 0 if it is not valid. */
static int
check_node(TreeCheck *check, uint32_t offset, int depth)
{
	const char *layout;
	uint32_t at = offset + 1;
	int height = 0;
	int place = 0;
	uint16_t tag;

	if (offset == 0 || offset >= check->count || depth > CHECK_MAX_HEIGHT)
		return 0;
	if (check->heights[offset] != 0)
		return check->heights[offset];
	tag = check->words[offset];
	if (tag == 0 || tag > (check->rules ? (int) RULE_LAST : (int) JMES_LAST))
		return 0;

	for (layout = check->rules ? rule_nodes[tag] : jmespath_nodes[tag]; *layout != '\0'; layout++)
	{
		uint32_t variables = check->model->header->rule_variables;
		uint16_t word;
		bool valid = true;

		if (at >= check->count)
			return 0;
		word = check->words[at++];
		switch (*layout)
		{
			case 's':
				valid = check_string(check->model, word);
				break;
			case 'k':
				valid =
					at < check->count && (word == AWS_EXPECT_BOOLEAN || word == AWS_EXPECT_INTEGER ||
										  (word == AWS_EXPECT_STRING && check_string(check->model, check->words[at])));
				at++;
				break;
			case 'v':
				valid = word < variables;
				break;
			case 'V':
				valid = word <= variables;
				break;
			case 'c':
			case 'C':
				valid = (word == 0 && *layout == 'C') || check_child(check, offset, word, place, depth, &height);
				place++;
				break;
			case '*':
				valid = (uint64_t) at + word <= check->count;
				for (uint32_t i = 0; i < word && valid; i++)
					valid = check_child(check, offset, check->words[at + i], 1, depth, &height);
				at += word;
				break;
			case 'm':
				valid = (uint64_t) at + 2u * word <= check->count;
				for (uint32_t i = 0; i < word && valid; i++)
					valid = check_string(check->model, check->words[at + 2 * i]) &&
							check_child(check, offset, check->words[at + 2 * i + 1], 1, depth, &height);
				at += 2u * word;
				break;
			case 't':
				valid = (uint64_t) at + 3u * word <= check->count;
				for (uint32_t i = 0; i < word && valid; i++)
				{
					const uint16_t *piece = check->words + at + 3 * i;

					valid = (piece[0] == 0 ? check_string(check->model, piece[1]) : piece[1] < variables) &&
							check_string(check->model, piece[2]);
				}
				at += 3u * word;
				break;
		}
		if (!valid)
			return 0;
	}
	if (check->rules && tag == RULE_FUNCTION && !check_function(check, offset))
		return 0;
	if (height + 1 > CHECK_MAX_HEIGHT)
		return 0;
	return check->heights[offset] = (uint8_t) (height + 1);
}

static bool
check_expression(TreeCheck *check, AwsExpression expression)
{
	return expression == 0 || check_node(check, expression, 0) != 0;
}

static bool
check_paginator(TreeCheck *code, const AwsOp *op)
{
	const AwsModel *model = code->model;
	const uint16_t *words = model->pool + op->paginator;
	uint32_t paths;

	if (op->paginator == 0)
		return true;
	if (!check_pool(model, op->paginator, 3))
		return false;
	paths = 1u + words[0] + words[1];
	if (!check_pool(model, op->paginator, (uint64_t) 3 + 2 * paths + words[0]) || words[0] == 0 ||
		words[0] > AWS_MAX_TOKENS || words[1] == 0 || !check_string(model, words[2]) ||
		!check_pool_strings(model, op->paginator + 3u, paths, 2) ||
		!check_pool_strings(model, op->paginator + 3u + 2 * paths, words[0], 1))
		return false;
	for (uint32_t i = 0; i < paths; i++)
		if (!check_expression(code, words[4 + 2 * i]) || (i > 0 && words[4 + 2 * i] == 0))
			return false;
	return true;
}

static bool
check_ops(TreeCheck *code)
{
	const AwsModel *model = code->model;

	for (uint32_t i = 0; i < model->header->ops.count; i++)
	{
		const AwsOp *op = &model->ops[i];

		if (!check_string(model, op->name) || !check_string(model, op->method) ||
			!check_string(model, op->result_wrapper) || !check_io(model, op->input) || !check_io(model, op->output) ||
			!check_parts(model, op) || !check_paginator(code, op) ||
			(i > 0 && strcmp(aws_model_string(model, op[-1].name), aws_model_string(model, op->name)) >= 0))
			return false;
	}
	return true;
}

static bool
check_waiters(TreeCheck *code)
{
	const AwsModel *model = code->model;

	for (uint32_t i = 0; i < model->header->waiters.count; i++)
	{
		const AwsWaiter *waiter = &model->waiters[i];
		const AwsAcceptor *acceptors;
		int count;

		if (!check_string(model, waiter->name) || waiter->op >= model->header->ops.count ||
			!check_pool(model, waiter->acceptors, 1))
			return false;
		acceptors = aws_model_acceptors(model, waiter, &count);
		if (!check_pool(model, waiter->acceptors, 1 + (uint64_t) count * sizeof(AwsAcceptor) / sizeof(uint16_t)))
			return false;
		for (int k = 0; k < count; k++)
		{
			const AwsAcceptor *acceptor = &acceptors[k];

			if (acceptor->state > AWS_WAIT_RETRY || acceptor->matcher > AWS_MATCH_ERROR ||
				!check_expression(code, acceptor->expression) ||
				(acceptor->matcher <= AWS_MATCH_PATH_ANY && acceptor->expression == 0) ||
				acceptor->expected < AWS_EXPECT_BOOLEAN || acceptor->expected > AWS_EXPECT_STRING ||
				(acceptor->expected == AWS_EXPECT_STRING && !check_string(model, acceptor->value)))
				return false;
		}
	}
	return true;
}

static bool
check_facts(TreeCheck *code)
{
	const AwsModel *model = code->model;

	for (uint32_t i = 0; i < model->header->facts.count; i++)
	{
		const AwsFact *fact = &model->facts[i];
		uint32_t about = fact->key & 0xffffff;
		bool valid;

		if (i > 0 && fact->key < fact[-1].key)
			return false;
		switch (fact->key >> 24)
		{
			case AWS_FACT_NAMESPACE:
			case AWS_FACT_CONTEXT:
				valid =
					about < model->header->refs.count && check_string(model, fact->a) && check_string(model, fact->b);
				break;
			case AWS_FACT_ERROR:
				valid = about < model->header->shapes.count;
				break;
			case AWS_FACT_OPERATION_CONTEXT:
				valid = about < model->header->ops.count && check_string(model, fact->a) && fact->b != 0 &&
						check_expression(code, fact->b);
				break;
			case AWS_FACT_STATIC_CONTEXT:
			case AWS_FACT_CHECKSUM_MEMBER:
				valid =
					about < model->header->ops.count && check_string(model, fact->a) && check_string(model, fact->b);
				break;
			default:
				valid = false;
		}
		if (!valid)
			return false;
	}
	return true;
}

/* A flag that says there is a fact must be right, since readers then use the fact. */
static bool
check_flags(const AwsModel *model)
{
	for (uint32_t i = 0; i < model->header->refs.count; i++)
		if ((model->refs[i].flags & AWS_REF_CONTEXT && aws_model_fact(model, AWS_FACT_CONTEXT, i) == NULL) ||
			(model->refs[i].flags & AWS_REF_NAMESPACE && aws_model_fact(model, AWS_FACT_NAMESPACE, i) == NULL) ||
			/* is filled in after the input was checked */
			(model->refs[i].flags & AWS_REF_TOKEN && model->shapes[model->refs[i].shape].type != AWS_TYPE_STRING))
			return false;
	for (uint32_t i = 0; i < model->header->shapes.count; i++)
		if ((model->shapes[i].flags & AWS_SHAPE_ERROR && aws_model_fact(model, AWS_FACT_ERROR, i) == NULL) ||
			/* any JSON: nobody looks for members in it */
			(model->shapes[i].flags & AWS_SHAPE_DOCUMENT &&
			 (model->shapes[i].type != AWS_TYPE_STRUCTURE || model->shapes[i].count > 0)))
			return false;
	return true;
}

static bool
check_hash(const AwsModel *model)
{
	uint32_t count = model->header->hash.count;
	uint32_t used = 0;

	if (count == 0 || (count & (count - 1)) != 0)
		return false;
	for (uint32_t i = 0; i < count; i++)
	{
		if (!check_string(model, model->hash[i]))
			return false;
		used += model->hash[i] != 0;
	}
	return used < count; /* a free slot ends every search */
}

/* The rule set's parameters: a count, then so many of (name, built-in, required, default's kind, default). */
static bool
check_rules(TreeCheck *rules)
{
	const AwsModelHeader *header = rules->model->header;
	const uint16_t *words = rules->words + header->rule_parameters;

	if (header->rule_root == 0)
		return header->rule_parameters == 0;
	if (header->rule_parameters == 0 || header->rule_parameters >= rules->count ||
		header->rule_parameters + 1 + 5u * words[0] > rules->count || words[0] > header->rule_variables ||
		header->rule_variables > RULE_MAX_VARIABLES)
		return false;
	for (uint32_t i = 0; i < words[0]; i++)
	{
		const uint16_t *parameter = words + 1 + 5 * i;

		if (!check_string(rules->model, parameter[0]) || !check_string(rules->model, parameter[1]) ||
			parameter[3] > AWS_EXPECT_STRING ||
			(parameter[3] == AWS_EXPECT_STRING && !check_string(rules->model, parameter[4])))
			return false;
	}
	return check_node(rules, header->rule_root, 0) != 0 && rules->words[header->rule_root] == RULE_RULES;
}

bool
aws_model_check(const AwsModel *model, const char **what)
{
	TreeCheck code = {.model = model, .words = model->code, .count = model->header->code.count};
	TreeCheck rules = {.model = model, .words = model->rules, .count = model->header->rules.count, .rules = true};

	code.heights = calloc((size_t) code.count + 1, 1);
	rules.heights = calloc((size_t) rules.count + 1, 1);

	/* In this order: each may use what those before it have proved. */
	*what = code.heights == NULL || rules.heights == NULL ? NULL
			: !check_strings(model)						  ? "strings"
			: !check_header(model)						  ? "header fields"
			: !check_refs(model)						  ? "references"
			: !check_shapes(model)						  ? "shapes"
			: !check_hash(model)						  ? "hash slots"
			: !check_ops(&code)							  ? "operations"
			: !check_waiters(&code)						  ? "waiters"
			: !check_facts(&code) || !check_flags(model)  ? "facts"
			: !check_rules(&rules)						  ? "endpoint rules"
														  : "";
	free(code.heights);
	free(rules.heights);
	return *what != NULL && **what == '\0';
}
