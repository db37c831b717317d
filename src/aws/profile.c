/*
 * profile.c
 *	  Keys as a named profile of the shared files describes them.
 *
 * A profile has keys, or says how to get some: a command, single sign-on, a
 * web identity, or a role that is assumed with the keys of another profile or
 * of a provider.  Following such a chain pushes its roles on the fetch and
 * ends at a profile or provider with keys.
 */
#include "aws/provider.h"

#include <errno.h>
#include <json-c/json.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "aws/config.h"
#include "aws/error.h"
#include "aws/json.h"
#include "aws/timestamp.h"

typedef struct Profile
{
	const AwsConfig *config;
	const char *name;
} Profile;

static const char *
get(const Profile *profile, const char *key)
{
	return aws_config_get(profile->config, AWS_SECTION_PROFILE, profile->name, key);
}

static AwsProvide
static_keys(AwsFetch *fetch, const Profile *profile)
{
	const char *id = get(profile, "aws_access_key_id");
	const char *secret = get(profile, "aws_secret_access_key");

	if (id == NULL)
		return AWS_PROVIDE_ABSENT;
	if (secret == NULL)
		return aws_fetch_fail(fetch, "profile \"%s\" has an access key id without a secret access key", profile->name);
	if (!aws_keys_set(&fetch->keys, id, secret, get(profile, "aws_session_token"), 0))
		return aws_fetch_fail(fetch, "out of memory");
	return AWS_PROVIDE_KEYS;
}

static AwsProvide
web_identity(AwsFetch *fetch, const Profile *profile)
{
	const char *file = get(profile, "web_identity_token_file");
	const char *role = get(profile, "role_arn");

	if (file == NULL || role == NULL)
		return AWS_PROVIDE_ABSENT;
	return aws_fetch_web_identity(fetch, role, get(profile, "role_session_name"), file);
}

/* ---- a command ---- */

static AwsProvide
process_exited(AwsFetch *fetch)
{
	if (fetch->status == 0)
		return aws_fetch_read_keys(fetch, NULL);
	if (fetch->status < 0)
		return aws_fetch_fail(fetch, "the credential process did not end in time or was stopped");
	return aws_fetch_fail(fetch, "the credential process ended with exit status %d", fetch->status);
}

static AwsProvide
process(AwsFetch *fetch, const Profile *profile)
{
	const char *command = get(profile, "credential_process");

	return command != NULL ? aws_fetch_process(fetch, command, process_exited) : AWS_PROVIDE_ABSENT;
}

/* ---- single sign-on ---- */

static AwsProvide
sso_answered(AwsFetch *fetch)
{
	return aws_fetch_read_keys(fetch, "roleCredentials");
}

/* Reads the file that `aws sso login` left, and asks for the keys with the token in it. */
static AwsProvide
sso_ask(AwsFetch *fetch, const Profile *profile, const char *cache_key, const char *region)
{
	const char *account = get(profile, "sso_account_id");
	const char *role = get(profile, "sso_role_name");
	const char *home = aws_environment("HOME");
	unsigned char digest[SHA_DIGEST_LENGTH];
	AwsBuffer path = {0};
	AwsBuffer text = {0};
	AwsBuffer input = {0};
	json_object *cache = NULL;
	json_object *token = NULL;
	json_object *expires = NULL;
	int64_t seconds;
	int nanos;
	const char *why;
	AwsProvide outcome;

	if (account == NULL || role == NULL || region == NULL || home == NULL)
		return aws_fetch_fail(fetch, "profile \"%s\" lacks sso_account_id, sso_role_name or sso_region", profile->name);
	SHA1((const unsigned char *) cache_key, strlen(cache_key), digest);
	aws_buffer_format(&path, "%s/.aws/sso/cache/", home);
	for (size_t i = 0; i < sizeof(digest); i++)
		aws_buffer_format(&path, "%02x", digest[i]);
	aws_buffer_string(&path, ".json");

	if (!path.failed && aws_read_file(path.data, &text))
		aws_json_tree(aws_buffer_text(&text), text.len, AWS_JSON_MAX_DEPTH, &cache, &why);
	if (json_object_is_type(cache, json_type_object))
	{
		json_object_object_get_ex(cache, "accessToken", &token);
		json_object_object_get_ex(cache, "expiresAt", &expires);
	}
	if (!json_object_is_type(token, json_type_string) || !json_object_is_type(expires, json_type_string) ||
		!aws_timestamp_parse(json_object_get_string(expires), json_object_get_string_len(expires), &seconds, &nanos) ||
		seconds <= aws_client_clock(fetch->client))
		outcome = aws_fetch_fail(fetch, "the single sign-on session of profile \"%s\" is not there or has expired",
								 profile->name);
	else
	{
		aws_buffer_member(&input, "accountId", account);
		aws_buffer_member(&input, "roleName", role);
		aws_buffer_member(&input, "accessToken", json_object_get_string(token));
		aws_buffer_char(&input, '}');
		outcome = aws_fetch_call(fetch, "sso", "GetRoleCredentials", region, &input, NULL, sso_answered);
	}
	if (json_object_is_type(token, json_type_string))
		OPENSSL_cleanse((char *) json_object_get_string(token), json_object_get_string_len(token));
	json_object_put(cache);
	aws_buffer_free(&path);
	aws_secret_buffer_free(&text);
	aws_secret_buffer_free(&input);
	return outcome;
}

static AwsProvide
sso(AwsFetch *fetch, const Profile *profile)
{
	const char *session = get(profile, "sso_session");
	const char *url = get(profile, "sso_start_url");

	if (session != NULL)
		return sso_ask(fetch, profile, session,
					   aws_config_get(profile->config, AWS_SECTION_SSO_SESSION, session, "sso_region"));
	return url != NULL ? sso_ask(fetch, profile, url, get(profile, "sso_region")) : AWS_PROVIDE_ABSENT;
}

/* ---- the chain ---- */

/* Ways to keys that a profile by itself may have, in botocore's order. */
static AwsProvide (*const ways[])(AwsFetch *fetch, const Profile *profile) = {web_identity, sso, static_keys, process};

static AwsProvide
own_keys(AwsFetch *fetch, const Profile *profile)
{
	AwsProvide outcome = AWS_PROVIDE_ABSENT;

	for (size_t i = 0; outcome == AWS_PROVIDE_ABSENT && i < sizeof(ways) / sizeof(*ways); i++)
		outcome = ways[i](fetch, profile);
	return outcome;
}

/* Goes on with the provider that a profile names as the source of the keys for its role. */
static AwsProvide
from_provider(AwsFetch *fetch, const Profile *profile, const char *source)
{
	const AwsProvider *const *providers = aws_provider_by_source(source);
	AwsProvide outcome;

	if (providers == NULL)
		return aws_fetch_fail(fetch, "profile \"%s\" has credential_source \"%s\", which is none", profile->name,
							  source);
	aws_fetch_from(fetch, providers);
	outcome = providers[0]->start(fetch);
	if (outcome == AWS_PROVIDE_ABSENT)
		outcome = aws_fetch_fail(fetch, "profile \"%s\" has no credentials: there are none in %s", profile->name,
								 providers[0]->name);
	return outcome;
}

static AwsProvide
follow(AwsFetch *fetch, Profile *profile)
{
	const char *previous = NULL;

	for (;;)
	{
		const char *role = get(profile, "role_arn");
		const char *source_profile = get(profile, "source_profile");
		const char *credential_source = get(profile, "credential_source");
		const char *duration = get(profile, "duration_seconds");
		AwsProvide outcome;

		if (previous != NULL && !aws_config_has(profile->config, AWS_SECTION_PROFILE, profile->name))
			return aws_fetch_fail(fetch, "there is no profile \"%s\", the source of profile \"%s\"", profile->name,
								  previous);
		aws_fetch_default_region(fetch, get(profile, "region"));
		if (role == NULL || (source_profile == NULL && credential_source == NULL))
		{
			outcome = own_keys(fetch, profile);
			if (outcome == AWS_PROVIDE_ABSENT && previous != NULL)
				outcome = aws_fetch_fail(fetch, "profile \"%s\" has no credentials", profile->name);
			return outcome;
		}
		/* a profile that is its own source, or whose keys serve another's role, gives its keys */
		if (previous != NULL && (outcome = static_keys(fetch, profile)) != AWS_PROVIDE_ABSENT)
			return outcome;
		if (get(profile, "mfa_serial") != NULL)
			return aws_fetch_fail(fetch, "profile \"%s\" wants a code from a device, which a server cannot ask for",
								  profile->name);
		/* a circle of profiles ends when there are too many roles */
		if (!aws_fetch_push_role(fetch, role, get(profile, "external_id"), get(profile, "role_session_name"),
								 duration != NULL ? (int) strtol(duration, NULL, 10) : 0))
			return AWS_PROVIDE_FAILED;
		if (source_profile == NULL)
			return from_provider(fetch, profile, credential_source);
		previous = profile->name;
		profile->name = source_profile;
	}
}

AwsProvide
aws_profile_provide(AwsFetch *fetch)
{
	const char *wanted = fetch->credentials->source.profile;
	AwsConfig config = {0};
	Profile profile = {&config, wanted};
	AwsProvide outcome;

	if (profile.name == NULL)
		profile.name = wanted = aws_environment("AWS_PROFILE");
	if (profile.name == NULL)
		profile.name = "default";
	if (!aws_config_load(&config))
		outcome = aws_fetch_fail(fetch, "out of memory");
	else if (wanted != NULL && !aws_config_has(&config, AWS_SECTION_PROFILE, wanted))
		outcome = aws_fetch_fail(fetch, "there is no profile \"%s\" in the shared files", wanted);
	else
	{
		outcome = follow(fetch, &profile);
		if (outcome == AWS_PROVIDE_ABSENT && wanted != NULL)
			outcome = aws_fetch_fail(fetch, "profile \"%s\" has no credentials", wanted);
	}
	aws_config_free(&config);
	return outcome;
}
