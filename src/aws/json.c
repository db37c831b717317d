/*
 * json.c
 *	  The push tokenizer.
 *
 * One state says what may come next.  A token that lies within one feed is
 * given as it lies there; only one that is cut by the end of a feed is
 * gathered in a buffer.  Numbers and literals are collected first and judged
 * when they end.
 */
#include "aws/json.h"

#include <openssl/crypto.h>
#include <stdint.h>

enum
{
	STATE_VALUE,	   /* a value */
	STATE_FIRST_VALUE, /* a value or ']' */
	STATE_FIRST_KEY,   /* a key or '}' */
	STATE_KEY,
	STATE_COLON,
	STATE_NEXT, /* ',' or the end of what is open */
	STATE_DONE, /* nothing but white space */
	STATE_STRING,
	STATE_ESCAPE, /* after a backslash */
	STATE_HEX,	  /* inside \uXXXX */
	STATE_NUMBER,
	STATE_LITERAL
};

static bool
fail(AwsJson *json, const char *why)
{
	json->error = why;
	return false;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *
skip_digits(const char *p, const char *end)
{
	while (p < end && is_digit(*p))
		p++;
	return p;
}

/* -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)? */
bool
aws_json_number(const char *text, size_t len)
{
	const char *end = text + len;
	const char *start = len > 0 && *text == '-' ? text + 1 : text;
	const char *p = start < end && *start == '0' ? start + 1 : skip_digits(start, end);

	if (p == start)
		return false;
	if (p < end && *p == '.')
	{
		start = ++p;
		if ((p = skip_digits(p, end)) == start)
			return false;
	}
	if (p < end && (*p == 'e' || *p == 'E'))
	{
		if (++p < end && (*p == '+' || *p == '-'))
			p++;
		start = p;
		if ((p = skip_digits(p, end)) == start)
			return false;
	}
	return p == end;
}

bool
aws_utf8_valid(const char *bytes, size_t len)
{
	const unsigned char *p = (const unsigned char *) bytes;
	const unsigned char *end = p + len;

	while (p < end)
	{
		int more;
		unsigned char low = 0x80, high = 0xBF; /* bounds of the second byte */

		if (*p < 0x80)
		{
			p++;
			continue;
		}
		if (*p < 0xC2 || *p > 0xF4)
			return false;
		more = *p < 0xE0 ? 1 : *p < 0xF0 ? 2 : 3;
		if (*p == 0xE0)
			low = 0xA0;
		else if (*p == 0xED)
			high = 0x9F; /* no surrogates */
		else if (*p == 0xF0)
			low = 0x90;
		else if (*p == 0xF4)
			high = 0x8F;
		if (end - p <= more || p[1] < low || p[1] > high)
			return false;
		for (int i = 2; i <= more; i++)
			if (p[i] < 0x80 || p[i] > 0xBF)
				return false;
		p += more + 1;
	}
	return true;
}

/* Gives a token that ends at 'end', where 'start' is its part in this feed. */
static bool
token_end(AwsJson *json, AwsJsonEvent event, const char *start, const char *end)
{
	const char *text = start;
	size_t len = (size_t) (end - start);
	bool ok;

	if (json->token.len > 0)
	{
		aws_buffer_append(&json->token, start, len);
		if (json->token.failed)
			return false;
		text = json->token.data;
		len = json->token.len;
	}
	if (event == AWS_JSON_NUMBER && !aws_json_number(text, len))
		return fail(json, "a number is malformed");
	if (event == AWS_JSON_BOOLEAN)
	{
		if (len == 4 && memcmp(text, "null", 4) == 0)
			event = AWS_JSON_NULL;
		else if (!(len == 4 && memcmp(text, "true", 4) == 0) && !(len == 5 && memcmp(text, "false", 5) == 0))
			return fail(json, "a literal is none of true, false and null");
	}
	if ((event == AWS_JSON_KEY || event == AWS_JSON_STRING) && json->high && !aws_utf8_valid(text, len))
		return fail(json, "a string is not valid UTF-8");
	json->state = event == AWS_JSON_KEY ? STATE_COLON : json->depth == 0 ? STATE_DONE : STATE_NEXT;
	ok = json->event(json->arg, event, text, len);
	aws_buffer_cut(&json->token, 0);
	return ok;
}

static bool
open_level(AwsJson *json, bool array)
{
	unsigned char *bits = &json->arrays[json->depth / 8];
	unsigned char bit = (unsigned char) (1 << json->depth % 8);

	if (json->depth >= json->max_depth || json->depth >= AWS_JSON_MAX_DEPTH)
		return fail(json, "it is nested too deeply");
	*bits = (unsigned char) (array ? *bits | bit : *bits & ~bit);
	json->depth++;
	json->state = array ? STATE_FIRST_VALUE : STATE_FIRST_KEY;
	return json->event(json->arg, array ? AWS_JSON_ARRAY : AWS_JSON_OBJECT, "", 0);
}

static bool
in_array(const AwsJson *json)
{
	return json->depth > 0 && (json->arrays[(json->depth - 1) / 8] & 1 << (json->depth - 1) % 8) != 0;
}

static bool
close_level(AwsJson *json)
{
	bool array = in_array(json);

	json->depth--;
	json->state = json->depth == 0 ? STATE_DONE : STATE_NEXT;
	return json->event(json->arg, array ? AWS_JSON_ARRAY_END : AWS_JSON_OBJECT_END, "", 0);
}

/* Takes one character that stands between tokens or begins one. */
static bool
between(AwsJson *json, char c)
{
	bool value = json->state == STATE_VALUE || json->state == STATE_FIRST_VALUE;

	if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
		return true;
	if (c == '"' && (value || json->state == STATE_FIRST_KEY || json->state == STATE_KEY))
	{
		json->key = !value;
		json->high = false;
		json->state = STATE_STRING;
		return true;
	}
	if (value && c == '{')
		return open_level(json, false);
	if (value && c == '[')
		return open_level(json, true);
	if (value && (c == '-' || is_digit(c)))
	{
		json->state = STATE_NUMBER;
		return true;
	}
	if (value && c >= 'a' && c <= 'z')
	{
		json->state = STATE_LITERAL;
		return true;
	}
	if (json->state == STATE_COLON && c == ':')
	{
		json->state = STATE_VALUE;
		return true;
	}
	if (json->state == STATE_NEXT && c == ',')
	{
		json->state = in_array(json) ? STATE_VALUE : STATE_KEY;
		return true;
	}
	if (c == '}' && (json->state == STATE_FIRST_KEY || (json->state == STATE_NEXT && !in_array(json))))
		return close_level(json);
	if (c == ']' && (json->state == STATE_FIRST_VALUE || (json->state == STATE_NEXT && in_array(json))))
		return close_level(json);
	return fail(json, json->state == STATE_DONE ? "something follows the JSON value" : "the JSON syntax is wrong");
}

/* The first byte from 'p' on that means something inside a string. */
static const char *
skip_plain(AwsJson *json, const char *p, const char *end)
{
	unsigned char seen = 0;

	while (p < end && *p != '"' && *p != '\\' && (unsigned char) *p >= 0x20)
		seen |= (unsigned char) *p++;
	if (seen & 0x80)
		json->high = true;
	return p;
}

bool
aws_json_feed(AwsJson *json, const char *bytes, size_t len)
{
	const char *p = bytes;
	const char *end = bytes + len;
	const char *start = bytes; /* of the token in hand */

	while (p < end)
	{
		switch (json->state)
		{
			case STATE_STRING:
				p = skip_plain(json, p, end);
				if (p == end)
					break;
				if (*p == '\\')
					json->state = STATE_ESCAPE;
				else if (*p != '"')
					return fail(json, "a string has a control character");
				else if (!token_end(json, json->key ? AWS_JSON_KEY : AWS_JSON_STRING, start, p))
					return false;
				p++;
				break;
			case STATE_ESCAPE:
				if (*p == 'u')
				{
					json->state = STATE_HEX;
					json->hex = 4;
				}
				else if (*p != '\0' && strchr("\"\\/bfnrt", *p) != NULL)
					json->state = STATE_STRING;
				else
					return fail(json, "a string has an escape that does not exist");
				p++;
				break;
			case STATE_HEX:
				if (OPENSSL_hexchar2int((unsigned char) *p) < 0)
					return fail(json, "a string has an escape that does not exist");
				if (--json->hex == 0)
					json->state = STATE_STRING;
				p++;
				break;
			case STATE_NUMBER:
				while (p < end && (is_digit(*p) || (*p != '\0' && strchr("+-.eE", *p) != NULL)))
					p++;
				if (p < end && !token_end(json, AWS_JSON_NUMBER, start, p))
					return false;
				break;
			case STATE_LITERAL:
				while (p < end && *p >= 'a' && *p <= 'z')
					p++;
				if (p < end && !token_end(json, AWS_JSON_BOOLEAN, start, p))
					return false;
				break;
			default:
				start = p;
				if (!between(json, *p++))
					return false;
				if (json->state == STATE_STRING)
					start = p;
		}
	}
	if (json->state >= STATE_STRING)
		aws_buffer_append(&json->token, start, (size_t) (end - start));
	return !json->token.failed;
}

bool
aws_json_finish(AwsJson *json)
{
	/* A number at the top has no other end than the text's. */
	if (json->state == STATE_NUMBER || json->state == STATE_LITERAL)
	{
		if (!token_end(json, json->state == STATE_NUMBER ? AWS_JSON_NUMBER : AWS_JSON_BOOLEAN, "", ""))
			return false;
	}
	return json->state == STATE_DONE || fail(json, "it ends too early");
}

void
aws_json_free(AwsJson *json)
{
	aws_buffer_free(&json->token);
}

static bool
no_event(void *arg, AwsJsonEvent event, const char *text, size_t len)
{
	return true;
}

bool
aws_json_valid(const char *text, size_t len, int max_depth, const char **why)
{
	AwsJson json = {.event = no_event, .max_depth = max_depth};
	bool ok = aws_json_feed(&json, text, len) && aws_json_finish(&json);

	*why = json.error;
	aws_json_free(&json);
	return ok;
}

/* The value of four hexadecimal digits that are known to be such. */
static uint32_t
hex_value(const char *p)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++)
		value = value << 4 | (uint32_t) OPENSSL_hexchar2int((unsigned char) p[i]);
	return value;
}

static void
append_utf8(AwsBuffer *buffer, uint32_t c)
{
	static const unsigned char leads[] = {0, 0xC0, 0xE0, 0xF0};
	int more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	char bytes[4];

	for (int i = more; i > 0; i--, c >>= 6)
		bytes[i] = (char) (0x80 | (c & 0x3F));
	bytes[0] = (char) (leads[more] | c);
	aws_buffer_append(buffer, bytes, (size_t) more + 1);
}

void
aws_json_decode(AwsBuffer *buffer, const char *text, size_t len)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";
	const char *end = text + len;

	while (text < end)
	{
		const char *escape = memchr(text, '\\', (size_t) (end - text));
		uint32_t c;

		if (escape == NULL)
			escape = end;
		aws_buffer_append(buffer, text, (size_t) (escape - text));
		if (escape == end)
			return;
		text = escape + 2;
		if (escape[1] != 'u')
		{
			aws_buffer_char(buffer, to[strchr(from, escape[1]) - from]);
			continue;
		}
		c = hex_value(text);
		text += 4;
		if (c >= 0xD800 && c <= 0xDBFF && end - text >= 6 && text[0] == '\\' && text[1] == 'u')
		{
			uint32_t low = hex_value(text + 2);

			if (low >= 0xDC00 && low <= 0xDFFF)
			{
				c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
				text += 6;
			}
		}
		append_utf8(buffer, c >= 0xD800 && c <= 0xDFFF ? 0xFFFD : c);
	}
}
