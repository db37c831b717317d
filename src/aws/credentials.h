/*
 * credentials.h
 *	  Keys, where they come from, and how they are fetched without waiting.
 *
 * An AwsCredentials is a source and the keys that it gave last.  When a call
 * needs keys that are not there, or are about to expire, the client starts an
 * AwsFetch: a small machine that goes through the providers (provider.c) until
 * one has keys, then assumes the roles that are asked for, one after another.
 * Calls that cannot go without keys wait in the fetch.
 *
 * Keys are refreshed some minutes before they expire, while calls go on with
 * the old ones; only expired keys make a call wait.
 */
#ifndef AWS_CREDENTIALS_H
#define AWS_CREDENTIALS_H

#include "aws/aws.h"
#include "aws/buffer.h"

/* Keys to sign with.  A zeroed one is empty. */
typedef struct AwsKeys
{
	char *access_key_id;
	char *secret_access_key;
	char *session_token; /* or NULL */
	int64_t expires;	 /* seconds since 1970; 0: never */
} AwsKeys;

struct AwsCredentials
{
	int references;
	uint64_t id;				/* tells them from all others of the process, also from those freed */
	AwsCredentialSource source; /* its strings are ours */
	AwsKeys keys;				/* to use now */
	uint64_t generation;		/* counts the keys that there were */
	int64_t no_refresh_before;
	bool expired; /* AWS said so */
};

typedef struct AwsFetch AwsFetch;

/* Frees keys, wiped. */
extern void aws_keys_clear(AwsKeys *keys);

/* Copies; false for lack of memory.  'token' may be NULL or "". */
extern bool aws_keys_set(AwsKeys *keys, const char *access_key_id, const char *secret_access_key, const char *token,
						 int64_t expires);

extern AwsCredentials *aws_credentials_share(AwsCredentials *credentials);

/* AWS says that the keys of a generation are expired.  True if newer ones are there or can be fetched. */
extern bool aws_credentials_expire(AwsCredentials *credentials, uint64_t generation);

/*
 * Whether a call may be signed now.  If not, it is made to wait for a fetch,
 * which queues or ends it.
 */
extern bool aws_credentials_ready(AwsCall *call);

/* Ends all fetches of a client. */
extern void aws_fetches_free(AwsClient *client);

#endif /* AWS_CREDENTIALS_H */
