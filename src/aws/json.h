/*
 * json.h
 *	  A JSON tokenizer that is pushed through a text, piece by piece.
 *
 * It checks all that RFC 8259 asks for, UTF-8 included, keeps no more than
 * the token in hand, and gives strings as they stand between the quotes: what
 * is copied to other JSON text need not be decoded.  A half surrogate pair in
 * \u escapes passes, as RFC 8259 has it.
 */
#ifndef AWS_JSON_H
#define AWS_JSON_H

#include "aws/buffer.h"

#define AWS_JSON_MAX_DEPTH 1024

typedef enum AwsJsonEvent
{
	AWS_JSON_OBJECT,
	AWS_JSON_OBJECT_END,
	AWS_JSON_ARRAY,
	AWS_JSON_ARRAY_END,
	AWS_JSON_KEY,	 /* text without quotes, escapes as they were */
	AWS_JSON_STRING, /* likewise */
	AWS_JSON_NUMBER,
	AWS_JSON_BOOLEAN, /* "true" or "false" */
	AWS_JSON_NULL
} AwsJsonEvent;

/* Takes an event; the text is valid during the call.  False ends the parse. */
typedef bool (*AwsJsonFunction)(void *arg, AwsJsonEvent event, const char *text, size_t len);

/* Zero it, then set the first three. */
typedef struct AwsJson
{
	AwsJsonFunction event;
	void *arg;
	int max_depth; /* at most AWS_JSON_MAX_DEPTH */

	const char *error; /* why a feed failed; NULL: memory or the event function */
	int depth;
	int state;
	int hex;									  /* digits of a \u escape still to come */
	bool key;									  /* the string in hand is a key */
	bool high;									  /* it has bytes beyond ASCII */
	AwsBuffer token;							  /* what came of it in earlier feeds */
	unsigned char arrays[AWS_JSON_MAX_DEPTH / 8]; /* a bit per level: array, not object */
} AwsJson;

/* Takes the next bytes; false at the first that is wrong. */
extern bool aws_json_feed(AwsJson *json, const char *bytes, size_t len);

/* Ends the text; false unless exactly one value came. */
extern bool aws_json_finish(AwsJson *json);

/* Frees what the tokenizer holds. */
extern void aws_json_free(AwsJson *json);

/* Whether a text is one JSON value; if not, *why says it, NULL for lack of memory. */
extern bool aws_json_valid(const char *text, size_t len, int max_depth, const char **why);

/* Whether a text is a number as JSON has them. */
extern bool aws_json_number(const char *text, size_t len);

/* Appends the characters that an AWS_JSON_STRING stands for; half surrogates become U+FFFD. */
extern void aws_json_decode(AwsBuffer *buffer, const char *text, size_t len);

/* Whether the bytes are UTF-8: no overlong forms, surrogates or values beyond U+10FFFF. */
extern bool aws_utf8_valid(const char *bytes, size_t len);

/* ---- trees (json_tree.c) ---- */

struct json_object;

/*
 * Reads a text into json-c values; *value is NULL for JSON null.  A member's
 * name ends at its first U+0000, since json-c's names are C strings.  False
 * with what is wrong in *why, NULL for lack of memory.
 */
extern bool aws_json_tree(const char *text, size_t len, int max_depth, struct json_object **value, const char **why);

/* Appends the shortest text of a value. */
extern void aws_json_write(AwsBuffer *buffer, struct json_object *value);

#endif /* AWS_JSON_H */
