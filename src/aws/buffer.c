/*
 * buffer.c
 *	  Growing byte buffers, the encodings of requests, and headers.
 */
#include "aws/buffer.h"

#include <limits.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define BUFFER_START 256

bool
aws_buffer_reserve(AwsBuffer *buffer, size_t more)
{
	size_t size = buffer->size > 0 ? buffer->size : BUFFER_START;
	char *data;

	if (buffer->failed)
		return false;
	if (more < buffer->size && buffer->len < buffer->size - more)
		return true;
	if (more > SIZE_MAX / 2 - 1 - buffer->len)
	{
		buffer->failed = true;
		return false;
	}
	while (size < buffer->len + more + 1)
		size *= 2;
	data = realloc(buffer->data, size);
	if (data == NULL)
	{
		buffer->failed = true;
		return false;
	}
	data[buffer->len] = '\0';
	buffer->data = data;
	buffer->size = size;
	return true;
}

void
aws_buffer_string(AwsBuffer *buffer, const char *string)
{
	aws_buffer_append(buffer, string, strlen(string));
}

void
aws_buffer_format(AwsBuffer *buffer, const char *format, ...)
{
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (len < 0)
		buffer->failed = true;
	if (!aws_buffer_reserve(buffer, (size_t) len))
		return;
	va_start(arguments, format);
	vsnprintf(buffer->data + buffer->len, (size_t) len + 1, format, arguments);
	va_end(arguments);
	buffer->len += (size_t) len;
}

/* The high bit of each of eight bytes that is below 0x20, a quote or a backslash, or above such a one. */
static uint64_t
escaped(const char *bytes)
{
	const uint64_t ones = UINT64_MAX / 255;
	uint64_t word;
	uint64_t quote;
	uint64_t backslash;

	memcpy(&word, bytes, sizeof(word));
	quote = word ^ ones * '"';
	backslash = word ^ ones * '\\';
	return ((word - ones * 0x20) | (quote - ones) | (backslash - ones)) & ~word & ones * 0x80;
}

void
aws_buffer_json(AwsBuffer *buffer, const char *string, size_t len)
{
	static const char escapes[] = "\bb\tt\nn\ff\rr\"\"\\\\";
	size_t plain = 0; /* where the run of bytes that need no escape began */

	aws_buffer_char(buffer, '"');
	for (size_t i = 0; i < len; i++)
	{
		unsigned char c;
		const char *escape;

		while (len - i >= sizeof(uint64_t) && escaped(string + i) == 0)
			i += sizeof(uint64_t);
		if (i == len)
			break;
		c = (unsigned char) string[i];
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		aws_buffer_append(buffer, string + plain, i - plain);
		plain = i + 1;
		for (escape = escapes; *escape != '\0' && *escape != (char) c; escape += 2)
			;
		if (*escape != '\0')
		{
			aws_buffer_char(buffer, '\\');
			aws_buffer_char(buffer, escape[1]);
		}
		else
			aws_buffer_format(buffer, "\\u%04x", c);
	}
	aws_buffer_append(buffer, string + plain, len - plain);
	aws_buffer_char(buffer, '"');
}

void
aws_buffer_member(AwsBuffer *buffer, const char *name, const char *value)
{
	if (value == NULL)
		return;
	aws_buffer_format(buffer, "%s\"%s\":", buffer->len > 0 ? "," : "{", name);
	aws_buffer_json(buffer, value, strlen(value));
}

void
aws_buffer_url(AwsBuffer *buffer, const char *string, size_t len, const char *keep)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) string[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			(c != '\0' && (strchr("-_.~", c) != NULL || strchr(keep, c) != NULL)))
			aws_buffer_char(buffer, (char) c);
		else
		{
			char code[3] = {'%', digits[c >> 4], digits[c & 15]};

			aws_buffer_append(buffer, code, sizeof(code));
		}
	}
}

void
aws_buffer_base64(AwsBuffer *buffer, const void *bytes, size_t len)
{
	buffer->failed |= len > INT_MAX / 4 * 3; /* OpenSSL counts in int */
	if (aws_buffer_reserve(buffer, (len + 2) / 3 * 4))
		buffer->len += EVP_EncodeBlock((unsigned char *) buffer->data + buffer->len, bytes, (int) len);
}

bool
aws_buffer_unbase64(AwsBuffer *buffer, const char *text, size_t len)
{
	EVP_ENCODE_CTX *context = EVP_ENCODE_CTX_new();
	/* to OpenSSL a '-' is the end, as in PEM */
	bool valid = len <= INT_MAX && memchr(text, '-', len) == NULL;

	if (context == NULL || !aws_buffer_reserve(buffer, len / 4 * 3 + 3))
		buffer->failed = true;
	else if (valid)
	{
		unsigned char *out = (unsigned char *) buffer->data + buffer->len;
		int most = 0, rest = 0;

		EVP_DecodeInit(context);
		valid = EVP_DecodeUpdate(context, out, &most, (const unsigned char *) text, (int) len) >= 0 &&
				EVP_DecodeFinal(context, out + most, &rest) == 1;
		aws_buffer_cut(buffer, buffer->len + (valid ? (size_t) (most + rest) : 0));
	}
	EVP_ENCODE_CTX_free(context);
	return valid && !buffer->failed;
}

char *
aws_buffer_take(AwsBuffer *buffer)
{
	char *data;

	if (!aws_buffer_reserve(buffer, 0))
	{
		aws_buffer_free(buffer);
		return NULL;
	}
	data = buffer->data;
	*buffer = (AwsBuffer){0};
	return data;
}

void
aws_buffer_free(AwsBuffer *buffer)
{
	free(buffer->data);
	*buffer = (AwsBuffer){0};
}

void
aws_secret_buffer_free(AwsBuffer *buffer)
{
	aws_secret_free(buffer->data);
	*buffer = (AwsBuffer){0};
}

void
aws_secret_free(void *secret)
{
	if (secret != NULL)
		OPENSSL_cleanse(secret, malloc_usable_size(secret));
	free(secret);
}

void *
aws_secret_realloc(void *secret, size_t size)
{
	size_t held = secret != NULL ? malloc_usable_size(secret) : 0;
	void *moved = malloc(size);

	if (moved == NULL || secret == NULL)
		return moved;
	memcpy(moved, secret, held < size ? held : size);
	aws_secret_free(secret);
	return moved;
}

void
aws_headers_add(AwsBuffer *headers, const char *name, const char *value)
{
	aws_buffer_append(headers, name, strlen(name) + 1);
	aws_buffer_append(headers, value, strlen(value) + 1);
}

const char *
aws_headers_next(const AwsBuffer *headers, const char *name)
{
	const char *next = name;

	if (name == NULL)
		next = headers->data;
	else
		for (int i = 0; i < 2; i++)
			next += strlen(next) + 1;
	/* of a buffer that failed the last pair may be half there */
	return headers->failed || headers->len == 0 || next == headers->data + headers->len ? NULL : next;
}

const char *
aws_headers_get(const AwsBuffer *headers, const char *wanted)
{
	for (const char *name = NULL; (name = aws_headers_next(headers, name)) != NULL;)
		if (strcasecmp(name, wanted) == 0)
			return aws_header_value(name);
	return NULL;
}
