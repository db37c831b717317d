/*
 * provider.h
 *	  Sources of keys, and the small machine that they are steps of.
 *
 * A provider either knows at once (no keys here, these are the keys, or a
 * failure) or starts one thing that takes time (an HTTP request, a call of the
 * client, a process) and says LATER; when that ends, the function that it left
 * is called and answers in the same way.
 */
#ifndef AWS_PROVIDER_H
#define AWS_PROVIDER_H

#include "aws/client.h"

typedef enum AwsProvide
{
	AWS_PROVIDE_ABSENT, /* not configured here: try the next provider */
	AWS_PROVIDE_KEYS,	/* fetch->keys are filled */
	AWS_PROVIDE_LATER,	/* something was started */
	AWS_PROVIDE_FAILED	/* fetch->error is filled */
} AwsProvide;

typedef AwsProvide (*AwsProvideStep)(AwsFetch *fetch);

typedef struct AwsProvider
{
	const char *name;	/* for messages */
	const char *source; /* its value for credential_source in a profile, or NULL */
	AwsProvideStep start;
} AwsProvider;

/* A role to assume. */
typedef struct AwsRole
{
	char *arn;
	char *external_id;	/* or NULL */
	char *session_name; /* or NULL */
	int duration;		/* seconds; 0: AWS's default */
} AwsRole;

#define AWS_MAX_ROLES 8 /* in one chain */

typedef struct AwsProcess AwsProcess;

struct AwsFetch
{
	LIST_ENTRY(AwsFetch) all;
	AwsClient *client;
	AwsCredentials *credentials;
	AwsCallQueue waiting;

	const AwsProvider *const *first_provider; /* to be tried in order; NULL ends the list */
	const AwsProvider *const *providers;	  /* from the one being tried */
	AwsRole roles[AWS_MAX_ROLES];			  /* to be assumed with the keys, the last one first */
	int role_count;
	char *region;
	AwsKeys keys;
	AwsError error;

	/* the one thing in progress, and what comes of it */
	AwsProvideStep step;
	AwsTransfer *transfer;
	AwsCall *call;
	AwsProcess *process;
	int status; /* HTTP status, 0 if there is no complete answer; or the process's exit status */
	AwsBuffer body;
	char *note; /* what one step leaves for a later one */
};

/* ---- for providers (credentials.c) ---- */

/* Fails the fetch: what could not be done, without a secret. */
extern AwsProvide aws_fetch_fail(AwsFetch *fetch, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sets the list of providers to try. */
extern void aws_fetch_from(AwsFetch *fetch, const AwsProvider *const *providers);

/*
 * The step gets fetch->status and fetch->body.  Plain http goes to loopback
 * and link-local addresses only.  Frees url and headers, wiped.
 */
extern AwsProvide aws_fetch_http(AwsFetch *fetch, const char *method, AwsBuffer *url, AwsBuffer *headers,
								 int timeout_ms, AwsProvideStep step);

/* The step gets fetch->call, ended.  Without 'keys' the call is unsigned. */
extern AwsProvide aws_fetch_call(AwsFetch *fetch, const char *service, const char *operation, const char *region,
								 const AwsBuffer *input, const AwsKeys *keys, AwsProvideStep step);

/* The step gets fetch->status and fetch->body, the standard output. */
extern AwsProvide aws_fetch_process(AwsFetch *fetch, const char *command, AwsProvideStep step);

/* Reads keys from fetch->call's result or, if there is none, fetch->body: JSON, or an object in it. */
extern AwsProvide aws_fetch_read_keys(AwsFetch *fetch, const char *object);

/* Adds a role to be assumed before those that are there; strings are copied, NULL is none. */
extern bool aws_fetch_push_role(AwsFetch *fetch, const char *arn, const char *external_id, const char *session_name,
								int duration);

/* Trades a token in a file for the keys of a role. */
extern AwsProvide aws_fetch_web_identity(AwsFetch *fetch, const char *role_arn, const char *session_name,
										 const char *token_file);

/* Gives the fetch a region unless it has one; NULL is none. */
extern void aws_fetch_default_region(AwsFetch *fetch, const char *region);

/* ---- provider.c ---- */

/* The server's own chain, and a named profile alone; both end with NULL. */
extern const AwsProvider *const aws_provider_chain[];
extern const AwsProvider *const aws_provider_profile_only[];

/* The list of just that provider that a profile names as credential_source, or NULL. */
extern const AwsProvider *const *aws_provider_by_source(const char *source);

/* A variable of the environment, NULL if empty. */
extern const char *aws_environment(const char *name);

/* Reads a whole file of at most 1 MB; false with errno. */
extern bool aws_read_file(const char *path, AwsBuffer *text);

/* ---- profile.c ---- */

/* Keys as a profile of the shared files has them; 'name' NULL is the environment's or the default one. */
extern AwsProvide aws_profile_provide(AwsFetch *fetch);

/* ---- process.c ---- */

/*
 * Runs a command, split into words as a shell would and without one, in a
 * session of its own.  'done' gets the exit status (-1: it did not run or took
 * too long); the output is appended to 'output'.  NULL with errno.
 */
extern AwsProcess *aws_process_start(AwsClient *client, const char *command, AwsBuffer *output,
									 void (*done)(void *arg, int status), void *arg);

/* Ends the command with all of its session; 'done' is not called. */
extern void aws_process_free(AwsProcess *process);

/* Splits a command line by blanks, quotes and backslashes, in place; the words, ending with NULL, are one malloc'ed array. */
extern char **aws_split_command(char *command);

#endif /* AWS_PROVIDER_H */
