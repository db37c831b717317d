/*
 * buffer.h
 *	  A growing byte buffer with the encodings that requests need, and headers in it.
 *
 * A zeroed AwsBuffer is empty and valid.  The bytes are always followed by a
 * NUL that is not counted.  When memory runs out, or a length would overflow,
 * 'failed' is set and stays set: the bytes so far remain, later appends do
 * nothing, and one test at the end of a piece of work replaces one per call.
 */
#ifndef AWS_BUFFER_H
#define AWS_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct AwsBuffer
{
	char *data; /* malloc'ed; NULL while nothing was appended */
	size_t len;
	size_t size; /* allocated, with room for the NUL */
	bool failed;
} AwsBuffer;

/* Makes room for 'more' bytes and the NUL; false if that failed. */
extern bool aws_buffer_reserve(AwsBuffer *buffer, size_t more);

static inline void
aws_buffer_append(AwsBuffer *buffer, const void *bytes, size_t len)
{
	if (len == 0 || ((buffer->failed || len >= buffer->size - buffer->len) && !aws_buffer_reserve(buffer, len)))
		return;
	memcpy(buffer->data + buffer->len, bytes, len);
	buffer->len += len;
	buffer->data[buffer->len] = '\0';
}

static inline void
aws_buffer_char(AwsBuffer *buffer, char c)
{
	aws_buffer_append(buffer, &c, 1);
}

extern void aws_buffer_string(AwsBuffer *buffer, const char *string);
extern void aws_buffer_format(AwsBuffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends a JSON string: quoted, with the escapes that RFC 8259 requires. */
extern void aws_buffer_json(AwsBuffer *buffer, const char *string, size_t len);

/* Appends a string member to a JSON object, after the '{' or a comma; NULL is none. */
extern void aws_buffer_member(AwsBuffer *buffer, const char *name, const char *value);

/* Appends with all but RFC 3986's unreserved characters, and those of 'keep', as %XX. */
extern void aws_buffer_url(AwsBuffer *buffer, const char *string, size_t len, const char *keep);

/* Appends the base64 form (RFC 4648, padded, one line). */
extern void aws_buffer_base64(AwsBuffer *buffer, const void *bytes, size_t len);

/* Appends what a padded base64 text stands for; white space is skipped.  False, and nothing appended, if it is none. */
extern bool aws_buffer_unbase64(AwsBuffer *buffer, const char *text, size_t len);

/* Cuts back to 'len' bytes, which must not be more than there are. */
static inline void
aws_buffer_cut(AwsBuffer *buffer, size_t len)
{
	buffer->len = len;
	if (buffer->data != NULL)
		buffer->data[len] = '\0';
}

/* The bytes as a C string, "" when there are none. */
static inline const char *
aws_buffer_text(const AwsBuffer *buffer)
{
	return buffer->data != NULL ? buffer->data : "";
}

/*
 * Hands the bytes over as a malloc'ed, NUL-terminated string and leaves the
 * buffer empty.  NULL if the buffer had failed.
 */
extern char *aws_buffer_take(AwsBuffer *buffer);

/* Frees the bytes and makes the buffer as good as new. */
extern void aws_buffer_free(AwsBuffer *buffer);

/* Likewise, and wipes the bytes first. */
extern void aws_secret_buffer_free(AwsBuffer *buffer);

/* free and realloc that wipe what they give back, for what may be secret and for libraries that copy it. */
extern void aws_secret_free(void *secret);
extern void *aws_secret_realloc(void *secret, size_t size);

/* ---- headers: each a name, NUL, a value and NUL, in the order of sending ---- */

extern void aws_headers_add(AwsBuffer *headers, const char *name, const char *value);

/* The name after 'name', or the first one after NULL; NULL at the end.  The value follows the name's NUL. */
extern const char *aws_headers_next(const AwsBuffer *headers, const char *name);

static inline const char *
aws_header_value(const char *name)
{
	return name + strlen(name) + 1;
}

/* The value of the first header with a name, in any case; NULL when there is none. */
extern const char *aws_headers_get(const AwsBuffer *headers, const char *name);

#endif /* AWS_BUFFER_H */
