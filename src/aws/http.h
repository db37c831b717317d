/*
 * http.h
 *	  Many HTTP transfers at once, without ever waiting; the only door to curl.
 *
 * One curl multi handle reports its sockets to an epoll descriptor of our own.
 * Whoever waits, waits for that descriptor to be readable or for the timeout,
 * then drives.  The rules that keep requests safe are kept here, whatever the
 * caller asks for: certificates are verified, redirects are not followed,
 * proxies of the environment are ignored, plain http reaches loopback only and
 * link-local addresses nobody, unless the request says otherwise.
 *
 * One transfer is one request: where curl would silently send a request again
 * on another connection, the transfer ends as lost instead, because only the
 * caller knows whether the request may be executed twice.
 */
#ifndef AWS_HTTP_H
#define AWS_HTTP_H

#include "aws/aws.h"
#include "aws/buffer.h"

typedef struct AwsHttp AwsHttp;
typedef struct AwsTransfer AwsTransfer;

/* How a transfer ended. */
typedef struct AwsHttpResult
{
	AwsErrorKind kind;	 /* AWS_OK: a complete answer; else UNREACHABLE, LOST, BAD_REPLY or NO_MEMORY */
	int status;			 /* HTTP status, 0 if none came */
	bool stopped;		 /* the body function ended it; kind is AWS_OK */
	bool sent;			 /* a byte of the request may have gone out */
	const char *message; /* what went wrong, for a person; valid during the call */
} AwsHttpResult;

/* What a transfer tells its owner.  Only 'done' may start or cancel transfers; the transfer is gone by then. */
typedef struct AwsHttpEvents
{
	void (*head)(void *arg, int status); /* again for each answer before the last (100 Continue) */
	void (*header)(void *arg, const char *name, size_t name_len, const char *value, size_t value_len);
	bool (*body)(void *arg, const char *bytes, size_t len); /* false: stop reading */
	void (*done)(void *arg, const AwsHttpResult *result);
} AwsHttpEvents;

typedef struct AwsHttpRequest
{
	const char *method;
	const char *url;
	const AwsBuffer *headers; /* as aws_headers_add has them */
	const void *body;		  /* not copied: stays until the end */
	size_t body_len;
	bool allow_http;	   /* plain http to a host that is not loopback */
	bool allow_link_local; /* for the credential fetch */
	bool decompress;	   /* accept gzip */
	int connect_timeout_ms;
	int timeout_ms;	  /* all of it, connecting included */
	size_t max_bytes; /* of the body, after decompression */
} AwsHttpRequest;

/* NULL for lack of memory or descriptors. */
extern AwsHttp *aws_http_new(AwsError *error);

/* Ends all transfers, without calling their owners. */
extern void aws_http_free(AwsHttp *http);

extern int aws_http_fd(const AwsHttp *http);

/* When curl wants to be driven at the latest, by aws_now_ms; INT64_MAX: when the descriptor is readable. */
extern int64_t aws_http_next(const AwsHttp *http);

/* Sends, receives and calls owners; true if anything happened. */
extern bool aws_http_drive(AwsHttp *http);

/* Starts a transfer; all but the body is copied.  NULL: AWS_BAD_INPUT for a URL or scheme, or AWS_NO_MEMORY. */
extern AwsTransfer *aws_http_start(AwsHttp *http, const AwsHttpRequest *request, const AwsHttpEvents *events, void *arg,
								   AwsError *error);

/* Cuts a transfer off; 'done' is not called. */
extern void aws_http_cancel(AwsTransfer *transfer);

/* Whether a byte of the request may have gone out. */
extern bool aws_transfer_sent(const AwsTransfer *transfer);

/* Calls 'ready' in a drive whenever a descriptor is readable or at its end; false for lack of memory. */
extern bool aws_http_watch(AwsHttp *http, int fd, void (*ready)(void *arg), void *arg);
extern void aws_http_unwatch(AwsHttp *http, int fd);

#endif /* AWS_HTTP_H */
