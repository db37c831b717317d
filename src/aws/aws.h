/*
 * aws.h
 *	  The AWS client as the rest of the program sees it.
 *
 * Plain C, no PostgreSQL: it links into unit tests, fuzzers and benchmarks
 * without a server.  Parameters go in as JSON text, results come out as JSON
 * text; the shape of both is the service model's (member names as in the AWS
 * API reference, blobs as base64, timestamps as ISO 8601 in UTC).
 *
 * Nothing here calls back into its user.  A call is started, the user waits
 * on the client's descriptor with whatever else it waits for, drives the
 * client, and then takes finished items and calls from it.  So a user may
 * leave by longjmp at any point and only has to free the client or the calls.
 *
 * All memory is malloc'ed.  A function that can fail returns NULL or false
 * and fills an AwsError, whose strings belong to the error: aws_error_clear.
 */
#ifndef AWS_AWS_H
#define AWS_AWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- errors (error.c) ---- */

typedef enum AwsErrorKind
{
	AWS_OK = 0,
	AWS_BAD_INPUT,		/* unknown service, operation or member; wrong type */
	AWS_BAD_MODEL,		/* a model file is missing, truncated or corrupt */
	AWS_NO_CREDENTIALS, /* no source had any */
	AWS_NO_ENDPOINT,	/* the rules give none for these parameters */
	AWS_UNREACHABLE,	/* the request was certainly not executed: no connection was made */
	AWS_LOST,			/* sent, and no complete answer came: it may have been executed */
	AWS_REFUSED,		/* AWS answered with an error: see code */
	AWS_BAD_REPLY,		/* an answer that cannot be read, or is beyond a limit */
	AWS_DEADLINE,		/* the overall deadline passed before a try could be made */
	AWS_NO_MEMORY
} AwsErrorKind;

typedef struct AwsError
{
	AwsErrorKind kind;
	char *service;
	char *operation;
	int http_status;	 /* 0: none came */
	char *code;			 /* AWS's error code, or NULL */
	char *message;		 /* for a person; never holds a secret */
	char *hint;			 /* nearest known names and the like, or NULL */
	char *request_id;	 /* or NULL */
	int attempts;		 /* how many requests were sent */
	bool maybe_executed; /* one of them may have been, whatever the last answer says */
} AwsError;

/* Frees an error's strings and makes it AWS_OK.  A zeroed error is AWS_OK. */
extern void aws_error_clear(AwsError *error);

/* ---- the client (client.c) ---- */

typedef struct AwsClient AwsClient;
typedef struct AwsCall AwsCall;
typedef struct AwsCredentials AwsCredentials;

/* Limits that a client keeps; a member that is 0 takes its default. */
typedef struct AwsLimits
{
	int max_concurrency;	/* requests in flight at once (64) */
	int connect_timeout_ms; /* (10 s) */
	int request_timeout_ms; /* one try, from sending to the last byte (60 s) */
	int deadline_ms;		/* one call with its retries, a page counts as a call (300 s) */
	int max_attempts;		/* 'standard' retry mode (3; DynamoDB 4) */
	int max_pages;			/* of one listing (100000) */
	int max_depth;			/* nesting of an answer (128) */
	size_t max_reply_bytes; /* one answer, after decompression (256 MB) */
} AwsLimits;

/*
 * Makes a client that reads service models from 'model_dir' (NAME.amb files).
 * NULL only for lack of memory or descriptors.
 */
extern AwsClient *aws_client_new(const char *model_dir, AwsError *error);

/* Ends every call in flight, closes connections, wipes credentials' copies. */
extern void aws_client_free(AwsClient *client);

extern void aws_client_set_limits(AwsClient *client, const AwsLimits *limits);

/* The descriptor to wait on for readability; it stays the same. */
extern int aws_client_fd(const AwsClient *client);

/* How long to wait at most before driving, in ms; -1: until readable. */
extern long aws_client_timeout(AwsClient *client);

/* Does all that can be done without waiting: sends, reads, parses, retries. */
extern void aws_client_drive(AwsClient *client);

/*
 * The next call that has items to take or has ended, or NULL.  Each call is
 * given at most once per drive; a call that ended is given until it is freed.
 */
extern AwsCall *aws_client_next(AwsClient *client);

/* How fast requests go to a service that has throttled them; the names are the client's. */
typedef struct AwsPace
{
	const char *service;
	const char *region;
	double rate; /* requests a second */
} AwsPace;

/* The n-th of these, in no order; false past the end. */
extern bool aws_client_pace(const AwsClient *client, int n, AwsPace *pace);

/* ---- calls (call.c) ---- */

/* Where a call goes and as whom.  Everything is copied by aws_call_start. */
typedef struct AwsTarget
{
	const char *region;
	const char *endpoint_url;	 /* instead of the rules' endpoint, or NULL */
	bool allow_http;			 /* plain http to a host that is not loopback */
	AwsCredentials *credentials; /* shared; see credentials below; NULL: unsigned */
} AwsTarget;

typedef struct AwsCallOptions
{
	/*
	 * NULL: one request, the whole result is aws_call_result.  Else the path
	 * of the list in the result ("Vpcs", "DistributionList.Items"), or "" for
	 * the paginator's first result key: every page is fetched, each element
	 * is an item.  An operation without paginator has one page.
	 */
	const char *items;
	bool lost_is_final; /* not again once it may have been executed: creates without a token */
	void *user;			/* given back by aws_call_user */
} AwsCallOptions;

/*
 * Starts a call.  'input' is a JSON object.  Members with the idempotency
 * token trait are filled when absent.  NULL and the error when the service,
 * operation or a parameter is not in the model (the message has the path, the
 * hint the nearest names), or for lack of memory.  Nothing is sent before
 * aws_client_drive.
 */
extern AwsCall *aws_call_start(AwsClient *client, const AwsTarget *target, const char *service, const char *operation,
							   const char *input, size_t input_len, const AwsCallOptions *options, AwsError *error);

/* Forgets a call.  One in flight is cut off: its outcome stays unknown. */
extern void aws_call_free(AwsCall *call);

extern void *aws_call_user(const AwsCall *call);

/* Takes the next item's JSON text, not NUL-terminated; NULL: none now.  Valid until the next one is taken. */
extern const char *aws_call_item(AwsCall *call, size_t *len);

/* Whether the call has ended; items may still be waiting to be taken. */
extern bool aws_call_done(const AwsCall *call);

/* After the end: NULL for success. */
extern const AwsError *aws_call_error(const AwsCall *call);

/*
 * After a successful end: the whole result as a JSON object, with the list
 * cut out when items were taken one by one (last page's).
 */
extern const char *aws_call_result(const AwsCall *call, size_t *len);

/* The AWS request id of the last answer, or NULL. */
extern const char *aws_call_request_id(const AwsCall *call);

/* ---- the models, for those who ask (catalog.c) ---- */

/* Calls 'each' with every service name in the model directory, sorted. */
typedef void (*AwsNameFunction)(void *arg, const char *name);
extern bool aws_services(AwsClient *client, AwsNameFunction each, void *arg, AwsError *error);

typedef struct AwsServiceInfo
{
	const char *service_id;
	const char *protocol; /* "ec2", "query", "json", "rest-json", "rest-xml", "cbor" */
	const char *api_version;
	int operations;
} AwsServiceInfo;
extern bool aws_service_info(AwsClient *client, const char *service, AwsServiceInfo *info, AwsError *error);

typedef struct AwsOperationInfo
{
	const char *name;
	const char *method; /* HTTP */
	bool paginated;
	bool has_token;			   /* takes an idempotency token by trait */
	const char *result_key;	   /* paginator's first, or NULL */
	const char *page_size_key; /* paginator's limit member, or NULL */
} AwsOperationInfo;

/* The n-th operation in order of names; false past the end or on error. */
extern bool aws_operation_info(AwsClient *client, const char *service, int n, AwsOperationInfo *info, AwsError *error);

/*
 * Looks a member path up in an operation's input or output:
 * "SecurityGroups[].IpPermissions[].FromPort", "tags{}" for a map's value.
 * Returns the type ("structure", "list", "map", "string", "integer", "long",
 * "float", "double", "boolean", "timestamp", "blob") or NULL when it is not there.
 */
extern const char *aws_member_type(AwsClient *client, const char *service, const char *operation, bool input,
								   const char *path);

/*
 * The seconds that a waiter of a service's model ("NatGatewayAvailable") lets
 * pass between two looks; -1: there is no such waiter.  *operation, unless
 * NULL, gets what it looks with, which stays the model's.
 */
extern int aws_waiter_delay(AwsClient *client, const char *service, const char *waiter, const char **operation);

/* ---- credentials (credentials.c, provider*.c) ---- */

/*
 * A source of credentials and what it gave last.  Reference counted.  Sources
 * that need the network fetch through the client when a call first needs
 * them and again before they expire; every call waits for that, none fails
 * by it unless the source does.
 */
typedef struct AwsCredentialSource
{
	/* given keys; they win over all below */
	const char *access_key_id;
	const char *secret_access_key;
	const char *session_token;
	/* named profile of the shared files */
	const char *profile;
	/* role to assume with the above, or with the server's own chain */
	const char *role_arn;
	const char *external_id;
	const char *role_session_name;
	bool use_chain;			  /* environment, files, web identity, SSO, process, container, IMDSv2 */
	const char *region;		  /* for STS */
	const char *endpoint_url; /* for STS and SSO, or NULL */
	bool allow_http;		  /* plain http to that endpoint, wherever it is */
} AwsCredentialSource;

extern AwsCredentials *aws_credentials_new(const AwsCredentialSource *source, AwsError *error);
extern void aws_credentials_free(AwsCredentials *credentials);

#endif /* AWS_AWS_H */
