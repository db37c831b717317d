/*
 * sigv4.c
 *	  Signature Version 4.
 *
 * request -> canonical request -> string to sign -> signature.  The first step
 * has all the rules: AWS rebuilds the canonical request from what arrives, so
 * every byte of it must follow from the request alone.
 */
#include "aws/sigv4.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <strings.h>

#define DATE_LEN 8 /* of 20150830T123600Z */

typedef struct Parameter
{
	size_t key; /* offsets into the encoded bytes */
	size_t value;
	size_t end;
	const char *bytes; /* set once the buffer moves no more */
} Parameter;

static void
hex_digits(const unsigned char *bytes, size_t len, char *hex)
{
	for (size_t i = 0; i < len; i++)
	{
		*hex++ = "0123456789abcdef"[bytes[i] >> 4];
		*hex++ = "0123456789abcdef"[bytes[i] & 15];
	}
	*hex = '\0';
}

bool
aws_sha256_hex(const void *bytes, size_t len, char hex[AWS_SHA256_HEX])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	if (SHA256(bytes, len, digest) == NULL)
		return false;
	hex_digits(digest, sizeof(digest), hex);
	return true;
}

/* Proxies add or change these on the way, so signing them would break the signature. */
static bool
header_is_signed(const char *name)
{
	static const char *const unsigned_headers[] = {"authorization",	   "baggage", "connection",	 "expect",
												   "keep-alive",	   "te",	  "traceparent", "tracestate",
												   "trailer",		   "upgrade", "user-agent",	 "x-amzn-trace-id",
												   "transfer-encoding"};

	for (size_t i = 0; i < sizeof(unsigned_headers) / sizeof(*unsigned_headers); i++)
		if (strcasecmp(name, unsigned_headers[i]) == 0)
			return false;
	return strncasecmp(name, "proxy-", 6) != 0;
}

/* Encodes what is not encoded yet and leaves %XX alone. */
static void
append_encoded_once(AwsBuffer *out, const char *text, size_t len, const char *keep)
{
	for (size_t i = 0; i < len; i++)
	{
		if (text[i] == '%' && i + 2 < len && isxdigit((unsigned char) text[i + 1]) &&
			isxdigit((unsigned char) text[i + 2]))
			aws_buffer_char(out, '%');
		else
			aws_buffer_url(out, text + i, 1, keep);
	}
}

/* RFC 3986 5.2.4, and runs of slashes count as one. */
static void
append_normalized(AwsBuffer *out, const char *path)
{
	size_t start = out->len;
	const char *segment = path;

	while (*segment != '\0')
	{
		size_t len = strcspn(segment, "/");

		if (len == 2 && memcmp(segment, "..", 2) == 0)
		{
			while (out->len > start && out->data[out->len - 1] != '/')
				aws_buffer_cut(out, out->len - 1);
			if (out->len > start)
				aws_buffer_cut(out, out->len - 1);
		}
		else if (len > 0 && !(len == 1 && *segment == '.'))
		{
			aws_buffer_char(out, '/');
			aws_buffer_append(out, segment, len);
		}
		segment += len;
		segment += strspn(segment, "/");
	}
	if (out->len == start || path[strlen(path) - 1] == '/')
		aws_buffer_char(out, '/');
}

static void
append_path(const AwsSigRequest *request, AwsBuffer *out)
{
	AwsBuffer path = {0};

	if (request->normalize_path)
		append_normalized(&path, request->path);
	else
		aws_buffer_string(&path, *request->path != '\0' ? request->path : "/");
	if (request->double_encode)
		aws_buffer_url(out, aws_buffer_text(&path), path.len, "/");
	else
		append_encoded_once(out, aws_buffer_text(&path), path.len, "/");
	out->failed |= path.failed;
	aws_buffer_free(&path);
}

static int
compare_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

/* By key, then by value; whole "key=value" strings would sort differently, because '-' comes before '='. */
static int
compare_parameters(const void *left, const void *right)
{
	const Parameter *a = left;
	const Parameter *b = right;
	int order = compare_bytes(a->bytes + a->key, a->value - a->key, b->bytes + b->key, b->value - b->key);

	return order != 0 ? order
					  : compare_bytes(a->bytes + a->value, a->end - a->value, b->bytes + b->value, b->end - b->value);
}

static void
append_query(const char *query, AwsBuffer *out)
{
	AwsBuffer encoded = {0};
	Parameter *parameters;
	size_t count = 0;
	size_t limit = 1;

	for (const char *c = query; *c != '\0'; c++)
		limit += *c == '&';
	parameters = malloc(limit * sizeof(*parameters));
	if (parameters == NULL)
	{
		out->failed = true;
		return;
	}
	for (const char *pair = query; *pair != '\0';)
	{
		size_t len = strcspn(pair, "&");
		size_t key = strcspn(pair, "=&");
		Parameter *parameter = &parameters[count];

		if (len > 0)
		{
			parameter->key = encoded.len;
			append_encoded_once(&encoded, pair, key, "");
			parameter->value = encoded.len;
			if (key < len)
				append_encoded_once(&encoded, pair + key + 1, len - key - 1, "");
			parameter->end = encoded.len;
			count++;
		}
		pair += len;
		if (*pair == '&')
			pair++;
	}
	for (size_t i = 0; i < count; i++)
		parameters[i].bytes = aws_buffer_text(&encoded);
	if (!encoded.failed)
	{
		qsort(parameters, count, sizeof(*parameters), compare_parameters);
		for (size_t i = 0; i < count; i++)
		{
			const Parameter *p = &parameters[i];

			if (i > 0)
				aws_buffer_char(out, '&');
			aws_buffer_append(out, p->bytes + p->key, p->value - p->key);
			aws_buffer_char(out, '=');
			aws_buffer_append(out, p->bytes + p->value, p->end - p->value);
		}
	}
	out->failed |= encoded.failed;
	aws_buffer_free(&encoded);
	free(parameters);
}

/* By name; equal names in the order of sending, which is that of their places. */
static int
compare_headers(const void *left, const void *right)
{
	const char *a = *(const char *const *) left;
	const char *b = *(const char *const *) right;
	int order = strcasecmp(a, b);

	return order != 0 ? order : (a > b) - (a < b);
}

/* Blanks at the ends go, runs of blanks become one. */
static void
append_trimmed(AwsBuffer *out, const char *value)
{
	bool first = true;

	for (;;)
	{
		size_t len;

		value += strspn(value, " \t\r\n");
		len = strcspn(value, " \t\r\n");
		if (len == 0)
			return;
		if (!first)
			aws_buffer_char(out, ' ');
		aws_buffer_append(out, value, len);
		value += len;
		first = false;
	}
}

static void
append_headers(const AwsSigRequest *request, AwsBuffer *out, AwsBuffer *names)
{
	const char **sorted;
	const char *name;
	int count = 0;

	for (name = NULL; (name = aws_headers_next(request->headers, name)) != NULL;)
		count++;
	sorted = malloc((count + 1) * sizeof(*sorted));
	if (sorted == NULL)
	{
		out->failed = true;
		return;
	}
	for (count = 0, name = NULL; (name = aws_headers_next(request->headers, name)) != NULL;)
		if (header_is_signed(name))
			sorted[count++] = name;
	qsort(sorted, count, sizeof(*sorted), compare_headers);
	/* is not moved from here on: one of them is the session token */
	aws_buffer_reserve(out, 2 * request->headers->len + strlen(request->payload_hash));

	for (int i = 0; i < count; i++)
	{
		if (i > 0 && strcasecmp(sorted[i], sorted[i - 1]) == 0)
			aws_buffer_char(out, ',');
		else
		{
			if (i > 0)
			{
				aws_buffer_char(out, '\n');
				aws_buffer_char(names, ';');
			}
			for (const char *c = sorted[i]; *c != '\0'; c++)
			{
				aws_buffer_char(out, (char) tolower((unsigned char) *c));
				aws_buffer_char(names, (char) tolower((unsigned char) *c));
			}
			aws_buffer_char(out, ':');
		}
		append_trimmed(out, aws_header_value(sorted[i]));
	}
	aws_buffer_char(out, '\n');
	free(sorted);
}

void
aws_sigv4_canonical(const AwsSigRequest *request, AwsBuffer *canonical, AwsBuffer *signed_headers)
{
	aws_buffer_string(canonical, request->method);
	aws_buffer_char(canonical, '\n');
	append_path(request, canonical);
	aws_buffer_char(canonical, '\n');
	if (request->query != NULL)
		append_query(request->query, canonical);
	aws_buffer_char(canonical, '\n');
	append_headers(request, canonical, signed_headers);
	aws_buffer_format(canonical, "\n%s\n%s", aws_buffer_text(signed_headers), request->payload_hash);
	canonical->failed |= signed_headers->failed || request->headers->failed;
}

/* What the signature is good for: day, region and service. */
static void
append_scope(const AwsSigScope *scope, AwsBuffer *out)
{
	aws_buffer_format(out, "%.*s/%s/%s/aws4_request", DATE_LEN, scope->timestamp, scope->region, scope->service);
}

void
aws_sigv4_string_to_sign(const AwsSigScope *scope, const AwsBuffer *canonical, AwsBuffer *out)
{
	char hex[AWS_SHA256_HEX];

	out->failed |= canonical->failed || !aws_sha256_hex(aws_buffer_text(canonical), canonical->len, hex);
	if (out->failed)
		return;
	aws_buffer_format(out, "AWS4-HMAC-SHA256\n%s\n", scope->timestamp);
	append_scope(scope, out);
	aws_buffer_format(out, "\n%s", hex);
}

bool
aws_sigv4_signature(const AwsSigScope *scope, const AwsBuffer *string, char hex[AWS_SHA256_HEX])
{
	const struct
	{
		const char *text;
		size_t len;
	} links[] = {{scope->timestamp, DATE_LEN},
				 {scope->region, strlen(scope->region)},
				 {scope->service, strlen(scope->service)},
				 {"aws4_request", strlen("aws4_request")},
				 {aws_buffer_text(string), string->len}};
	unsigned char key[SHA256_DIGEST_LENGTH];
	AwsBuffer seed = {0};
	bool ok;

	aws_buffer_reserve(&seed, strlen(scope->secret_access_key) + 4); /* never moved, so that no copy is left behind */
	aws_buffer_format(&seed, "AWS4%s", scope->secret_access_key);
	ok = !seed.failed && !string->failed;
	for (size_t i = 0; ok && i < sizeof(links) / sizeof(*links); i++)
	{
		unsigned char link[SHA256_DIGEST_LENGTH];
		const void *from = i == 0 ? (const void *) seed.data : key;

		ok = HMAC(EVP_sha256(), from, (int) (i == 0 ? seed.len : sizeof(key)), (const unsigned char *) links[i].text,
				  links[i].len, link, NULL) != NULL;
		memcpy(key, link, sizeof(key));
		OPENSSL_cleanse(link, sizeof(link));
	}
	if (ok)
		hex_digits(key, sizeof(key), hex);
	OPENSSL_cleanse(key, sizeof(key));
	aws_secret_buffer_free(&seed);
	return ok;
}

bool
aws_sigv4_authorization(const AwsSigRequest *request, const AwsSigScope *scope, AwsBuffer *out)
{
	AwsBuffer canonical = {0};
	AwsBuffer names = {0};
	AwsBuffer string = {0};
	char signature[AWS_SHA256_HEX];
	bool ok;

	aws_sigv4_canonical(request, &canonical, &names);
	aws_sigv4_string_to_sign(scope, &canonical, &string);
	ok = aws_sigv4_signature(scope, &string, signature);
	if (ok)
	{
		aws_buffer_format(out, "AWS4-HMAC-SHA256 Credential=%s/", scope->access_key_id);
		append_scope(scope, out);
		aws_buffer_format(out, ", SignedHeaders=%s, Signature=%s", aws_buffer_text(&names), signature);
	}
	aws_secret_buffer_free(&canonical);
	aws_buffer_free(&names);
	aws_buffer_free(&string);
	return ok && !out->failed;
}
