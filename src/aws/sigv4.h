/*
 * sigv4.h
 *	  Signature Version 4: signs a request as AWS wants it.
 *
 * Pure: no clock, no network, and of the credentials only copies on the stack
 * that are wiped.  The stages are functions of their own because the published
 * vectors give each stage's text.
 *
 * Source: "AWS Signature Version 4 for API requests" in the IAM User Guide.
 */
#ifndef AWS_SIGV4_H
#define AWS_SIGV4_H

#include "aws/buffer.h"

#define AWS_SHA256_HEX 65 /* 64 digits and the NUL */

/* A request as it goes out.  Its headers hold Host, X-Amz-Date and, if there is one, X-Amz-Security-Token. */
typedef struct AwsSigRequest
{
	const char *method;
	const char *path;		  /* percent-encoded; "" stands for "/" */
	const char *query;		  /* percent-encoded, without the '?'; NULL: none */
	const AwsBuffer *headers; /* as aws_headers_add has them */
	const char *payload_hash; /* aws_sha256_hex of the body, or UNSIGNED-PAYLOAD */
	bool normalize_path;	  /* take out dot segments and doubled slashes: all but S3 */
	bool double_encode;		  /* encode the path once more: all but S3 */
} AwsSigRequest;

/* Who signs, for where, and when. */
typedef struct AwsSigScope
{
	const char *access_key_id;
	const char *secret_access_key;
	const char *region;
	const char *service;   /* signing name */
	const char *timestamp; /* 20150830T123600Z, as in X-Amz-Date */
} AwsSigScope;

/* Writes the SHA-256 of some bytes as hexadecimal digits; false for lack of memory. */
extern bool aws_sha256_hex(const void *bytes, size_t len, char hex[AWS_SHA256_HEX]);

/* Appends the canonical request, and the names of the signed headers.  A failed buffer tells that memory ran out. */
extern void aws_sigv4_canonical(const AwsSigRequest *request, AwsBuffer *canonical, AwsBuffer *signed_headers);

/* Appends the string to sign. */
extern void aws_sigv4_string_to_sign(const AwsSigScope *scope, const AwsBuffer *canonical, AwsBuffer *out);

/* Writes the signature of a string as hexadecimal digits; false for lack of memory. */
extern bool aws_sigv4_signature(const AwsSigScope *scope, const AwsBuffer *string, char hex[AWS_SHA256_HEX]);

/* Appends the value of the Authorization header: all stages in one.  False for lack of memory. */
extern bool aws_sigv4_authorization(const AwsSigRequest *request, const AwsSigScope *scope, AwsBuffer *out);

#endif /* AWS_SIGV4_H */
