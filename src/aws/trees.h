/*
 * trees.h
 *	  Tags of the tree nodes in a model file: JMESPath and endpoint rules.
 *
 * A node is a tag and the words that model_check.c's tables list for it.  The
 * numbers are those of tools/models/trees.py.
 */
#ifndef AWS_TREES_H
#define AWS_TREES_H

enum
{
	JMES_CHAIN = 1, /* a.b, a[0]: each on the result of the one before */
	JMES_PROJECT,	/* left[*].right */
	JMES_FLATTEN,	/* left[] */
	JMES_LITERAL,
	JMES_IDENTITY, /* @ */
	JMES_COMPARE,
	JMES_AND,
	JMES_OR,
	JMES_NOT,
	JMES_INDEX,
	JMES_FILTER, /* left[?condition].right, in the order left, right, condition */
	JMES_CALL,
	JMES_LIST,	 /* [a, b] */
	JMES_VALUES, /* left.*.right */
	JMES_FIELD,
	JMES_LAST = JMES_FIELD
};

/* of JMES_COMPARE and JMES_CALL */
enum
{
	JMES_EQ,
	JMES_NE,
	JMES_LT,
	JMES_LE,
	JMES_GT,
	JMES_GE
};
enum
{
	JMES_LENGTH,
	JMES_KEYS
};

enum
{
	/* values */
	RULE_BOOLEAN = 1,
	RULE_INTEGER,
	RULE_STRING,
	RULE_TEMPLATE,
	RULE_ARRAY,
	RULE_REFERENCE,
	RULE_FUNCTION, /* function, 1 + variable to assign or 0, arguments */
	RULE_OBJECT,
	/* a list of rules */
	RULE_RULES,
	/* rules: what to do, then the conditions */
	RULE_TREE,
	RULE_ERROR,
	RULE_ENDPOINT, /* URL, properties, headers */
	RULE_LAST = RULE_ENDPOINT
};

enum
{
	RULE_IS_SET = 1,
	RULE_NOT,
	RULE_GET_ATTR,
	RULE_SUBSTRING,
	RULE_STRING_EQUALS,
	RULE_BOOLEAN_EQUALS,
	RULE_URI_ENCODE,
	RULE_PARSE_URL,
	RULE_IS_VALID_HOST_LABEL,
	RULE_PARTITION,
	RULE_PARSE_ARN,
	RULE_IS_VIRTUAL_HOSTABLE,
	RULE_FUNCTIONS = RULE_IS_VIRTUAL_HOSTABLE
};

/* S3's rule set has 36, parameters included. */
#define RULE_MAX_VARIABLES 64

#endif /* AWS_TREES_H */
