/*
 * credentials.c
 *	  Every provider of keys against a server that plays them all (server.py).
 *
 *	  credentials FOLDER PORT
 *
 * The folder has the service models and, as home/.aws, the shared files that
 * `run` wrote.  The server says which key signed a request; all that is secret
 * has HUSH in it, so that no message may.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "aws/client.h"
#include "aws/config.h"
#include "aws/provider.h"
#include "../aws.h"

#define CALLS 20

static const char *folder;
static char base[60];

static AwsClient *
new_client(void)
{
	AwsError error = {0};

	return must(aws_client_new(folder, &error), &error);
}

static AwsCredentials *
new_credentials(const AwsCredentialSource *source)
{
	AwsCredentialSource complete = *source;
	AwsError error = {0};

	complete.endpoint_url = base;
	return must(aws_credentials_new(&complete, &error), &error);
}

static AwsCall *
start(AwsClient *client, AwsCredentials *credentials, const char *input)
{
	AwsTarget target = {.region = "us-east-1", .endpoint_url = base, .credentials = credentials};
	AwsCallOptions options = {.items = ""};
	AwsError error = {0};

	return must(aws_call_start(client, &target, "logs", "DescribeLogGroups", input, strlen(input), &options, &error),
				&error);
}

/* Ends a call and frees it; the key that signed it, or the error's message. */
static const char *
end(AwsClient *client, AwsCall *call)
{
	static char text[2000];
	const AwsError *error;
	const char *item;
	size_t len;

	while (!aws_call_done(call))
		turn(client);
	error = aws_call_error(call);
	item = aws_call_item(call, &len);
	if (error != NULL)
		snprintf(text, sizeof(text), "%d %s: %s", error->kind, error->code != NULL ? error->code : "", error->message);
	else if (item != NULL && len > sizeof("{'logGroupName':''}") - 1)
		snprintf(text, sizeof(text), "%.*s", (int) (len - (sizeof("{'logGroupName':''}") - 1)),
				 item + sizeof("{'logGroupName':'") - 1);
	check(strstr(text, "HUSH") == NULL, "no secret in a message", text);
	check(error == NULL || (!error->maybe_executed && error->attempts == 0) || error->kind == AWS_REFUSED,
		  "a call without keys was not sent", text);
	aws_call_free(call);
	return text;
}

static const char *
ask(AwsClient *client, AwsCredentials *credentials, const char *input)
{
	return end(client, start(client, credentials, input));
}

/* ---- each provider ---- */

#define KEYS .access_key_id = "given", .secret_access_key = "HUSH"
#define ROLE(name) "arn:aws:iam::123456789012:role/" name
#define CHAIN .use_chain = true
#define NO_KEYS "3 "
#define ENV_KEYS "AWS_ACCESS_KEY_ID=env AWS_SECRET_ACCESS_KEY=HUSH"
#define NO_HOME " HOME=nowhere"

/* Sets the variables of a case, or takes them back. */
static void
set_environment(const char *settings, bool set)
{
	char copy[400];
	char *rest = copy;

	snprintf(copy, sizeof(copy), "%s", settings != NULL ? settings : "");
	for (char *name; *copy != '\0' && (name = strsep(&rest, " ")) != NULL;)
	{
		char *value = strchr(name, '=');
		char below[200];

		*value++ = '\0';
		/* a URL's own path comes last, so that "/" is the server alone */
		snprintf(below, sizeof(below), "%s%s", base, strcmp(value, "/") != 0 ? value : "");
		if (set)
			setenv(name, *value == '/' ? below : value, 1);
		else
			unsetenv(name);
	}
}

static void
providers(void)
{
	static const struct
	{
		const char *what;
		AwsCredentialSource source;
		const char *environment; /* NAME=value ..., a value that begins with '/' stands below the server */
		const char *wanted;		 /* the key; or with a digit first, an error and words of its message */
	} cases[] = {
		{"given keys", {KEYS}, NULL, "given"},
		{"given keys and a role", {KEYS, .role_arn = ROLE("a")}, NULL, "given.a"},
		{"a role with all that it takes", {KEYS, .role_arn = ROLE("a"), .external_id = "x", .role_session_name = "me"},
		 NULL, "given.a+x+me"},
		{"given keys win", {KEYS, .profile = "plain", CHAIN}, NULL, "given"},
		{"a role that is refused", {KEYS, .role_arn = ROLE("denied")}, NULL, NO_KEYS "AccessDenied: not you"},

		{"the environment", {CHAIN}, ENV_KEYS " AWS_SESSION_TOKEN=HUSH", "env"},
		{"the environment and a role", {CHAIN, .role_arn = ROLE("a")}, ENV_KEYS, "env.a"},
		{"half of the environment", {CHAIN}, "AWS_ACCESS_KEY_ID=env", NO_KEYS ": AWS_ACCESS_KEY_ID is set without"},
		{"an environment that has expired", {CHAIN}, ENV_KEYS " AWS_CREDENTIAL_EXPIRATION=2020-01-01T00:00:00Z",
		 NO_KEYS ": the credentials have expired"},

		{"a profile", {.profile = "plain"}, NULL, "plain"},
		{"a profile does not mind the environment", {.profile = "plain"}, ENV_KEYS, "plain"},
		{"a profile in the config file", {.profile = "in config"}, NULL, "config"},
		{"the credentials file goes before it", {.profile = "both"}, NULL, "both-credentials"},
		{"the default profile", {CHAIN}, NULL, "default"},
		{"the environment's profile", {CHAIN}, "AWS_PROFILE=plain", "plain"},
		{"a profile that is not there", {.profile = "none"}, NULL, NO_KEYS ": there is no profile \"none\""},
		{"a profile without keys", {.profile = "empty"}, NULL, NO_KEYS ": profile \"empty\" has no credentials"},
		{"half a profile", {.profile = "half"}, NULL, NO_KEYS ": profile \"half\" has an access key id without"},
		{"a profile and a role", {.profile = "plain", .role_arn = ROLE("z")}, NULL, "plain.z"},
		{"a profile's role", {.profile = "role"}, NULL, "plain.a+ext+1800+me"},
		{"roles in a row, and one more", {.profile = "roles", .role_arn = ROLE("z")}, NULL, "plain.a+ext+1800+me.b.z"},
		{"a profile that is its own source", {.profile = "self"}, NULL, "self.s"},
		{"a circle", {.profile = "circle-1"}, NULL, NO_KEYS ": more than 8 roles"},
		{"a source that is not there", {.profile = "orphan"}, NULL, NO_KEYS ": there is no profile \"nowhere\""},
		{"a role that wants a device", {.profile = "mfa"}, NULL, NO_KEYS ": profile \"mfa\" wants a code"},
		{"a role with the environment's keys", {.profile = "from-environment"}, ENV_KEYS, "env.e"},
		{"a role with no environment", {.profile = "from-environment"}, NULL,
		 NO_KEYS ": profile \"from-environment\" has no credentials: there"},
		{"a role with an instance's keys", {.profile = "from-instance"}, "AWS_EC2_METADATA_SERVICE_ENDPOINT=/",
		 "instance.i"},
		{"a role with keys from nowhere", {.profile = "from-nowhere"}, NULL,
		 NO_KEYS ": profile \"from-nowhere\" has credential_source"},

		{"web identity of a profile", {.profile = "web"}, NULL, "web-token@nobody.w"},
		{"web identity of the environment", {CHAIN},
		 "AWS_WEB_IDENTITY_TOKEN_FILE=home/web-token AWS_ROLE_ARN=" ROLE("w") NO_HOME, "web-token@nobody.w"},
		{"a token file that is not there", {CHAIN},
		 "AWS_WEB_IDENTITY_TOKEN_FILE=home/no-token AWS_ROLE_ARN=" ROLE("w") NO_HOME,
		 NO_KEYS ": could not read the web identity token"},

		{"single sign-on", {.profile = "sso"}, NULL, "sso.111122223333.dev"},
		{"single sign-on, the older form", {.profile = "sso-old"}, NULL, "sso.111122223333.ops"},
		{"single sign-on that has expired", {.profile = "sso-expired"}, NULL,
		 NO_KEYS ": the single sign-on session of profile"},
		{"single sign-on, half told", {.profile = "sso-half"}, NULL, NO_KEYS ": profile \"sso-half\" lacks"},

		{"a process", {.profile = "process"}, NULL, "process one two"},
		{"a process that fails", {.profile = "process-fails"}, NULL,
		 NO_KEYS ": the credential process ended with exit status 3"},
		{"a process that is none", {.profile = "process-none"}, NULL,
		 NO_KEYS ": could not start the credential process"},
		{"a process that says something else", {.profile = "process-talks"}, NULL,
		 NO_KEYS ": the shared files gave no keys"},
		{"a process that never stops talking", {.profile = "process-floods"}, NULL,
		 NO_KEYS ": the credential process did not end"},

		{"a container", {CHAIN}, "AWS_CONTAINER_CREDENTIALS_FULL_URI=/container" NO_HOME, "container.open"},
		{"a container with a token", {CHAIN},
		 "AWS_CONTAINER_CREDENTIALS_FULL_URI=/container AWS_CONTAINER_AUTHORIZATION_TOKEN=abc" NO_HOME,
		 "container.abc"},
		{"a container with a token in a file", {CHAIN},
		 "AWS_CONTAINER_CREDENTIALS_FULL_URI=/container AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=home/web-token" NO_HOME,
		 "container.web-token"},
		{"a container that gives something else", {CHAIN}, "AWS_CONTAINER_CREDENTIALS_FULL_URI=/garbage" NO_HOME,
		 NO_KEYS ": the container gave no keys"},
		{"a container that answers with an error", {CHAIN}, "AWS_CONTAINER_CREDENTIALS_FULL_URI=/nothing" NO_HOME,
		 NO_KEYS ": the container's credential endpoint answered with an error"},
		{"a container elsewhere", {CHAIN}, "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://192.0.2.1/" NO_HOME,
		 NO_KEYS ": the container's credential endpoint could not be reached"},

		{"an instance", {CHAIN}, "AWS_EC2_METADATA_SERVICE_ENDPOINT=/" NO_HOME, "instance"},
		{"an instance that is disabled", {CHAIN},
		 "AWS_EC2_METADATA_SERVICE_ENDPOINT=/ AWS_EC2_METADATA_DISABLED=true" NO_HOME, NO_KEYS
		 ": no credentials were found in the environment, the shared files, web identity, the container or the instance"},
		{"an instance that is none", {CHAIN}, "AWS_EC2_METADATA_SERVICE_ENDPOINT=/nothing" NO_HOME,
		 NO_KEYS ": no credentials were found in"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
	{
		AwsClient *client = new_client();
		AwsCredentials *credentials = new_credentials(&cases[i].source);
		const char *got;

		setenv("HOME", "home", 1);
		set_environment(cases[i].environment, true);
		got = ask(client, credentials, "{}");
		check(strncmp(got, cases[i].wanted, strlen(cases[i].wanted)) == 0 &&
				  (*got == '3' || strlen(got) == strlen(cases[i].wanted)),
			  cases[i].what, got);
		set_environment(cases[i].environment, false);
		aws_credentials_free(credentials);
		aws_client_free(client);
	}
	setenv("HOME", "home", 1);
}

/* The services that have a link-local address; nothing but a fetch of keys may go there. */
static void
link_local(void)
{
	AwsTarget target = {.region = "us-east-1", .endpoint_url = "http://169.254.169.254", .allow_http = true};
	AwsError error = {0};
	AwsClient *client = new_client();
	AwsCredentials *credentials = new_credentials(&(AwsCredentialSource){CHAIN});

	is("an instance", ask(client, credentials, "{}"), "instance");
	target.credentials = credentials;
	check(strstr(end(client, must(aws_call_start(client, &target, "logs", "DescribeLogGroups", "{}", 2,
												 &(AwsCallOptions){.items = ""}, &error),
								  &error)),
				 "link-local addresses are not allowed") != NULL,
		  "no other request to a link-local address", "other");
	aws_credentials_free(credentials);
	setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/container", 1);
	credentials = new_credentials(&(AwsCredentialSource){CHAIN});
	is("a container", ask(client, credentials, "{}"), "container.open");
	aws_credentials_free(credentials);
	aws_client_free(client);
}

static void
bad_sources(void)
{
	static const AwsCredentialSource none = {0};
	static const AwsCredentialSource half = {.access_key_id = "given"};
	static const AwsCredentialSource role = {.role_arn = ROLE("a")};
	AwsError error = {0};

	check(aws_credentials_new(&none, &error) == NULL && error.kind == AWS_NO_CREDENTIALS, "no source", error.message);
	check(aws_credentials_new(&half, &error) == NULL && error.kind == AWS_BAD_INPUT, "half a source", error.message);
	check(aws_credentials_new(&role, &error) == NULL && error.kind == AWS_NO_CREDENTIALS, "a role of nobody",
		  error.message);
	aws_error_clear(&error);
}

/* ---- how keys are kept ---- */

/* Many calls wait for one fetch. */
static void
shared(void)
{
	AwsClient *client = new_client();
	AwsCredentials *credentials = new_credentials(&(AwsCredentialSource){KEYS, .role_arn = ROLE("counted")});
	AwsCall *calls[CALLS];
	char before[30];
	char after[30];
	long count;

	snprintf(before, sizeof(before), "%s", ask(client, credentials, "{\"logGroupNamePrefix\": \"assumed\"}"));
	aws_credentials_free(credentials);
	credentials = new_credentials(&(AwsCredentialSource){KEYS, .role_arn = ROLE("counted")});
	for (int i = 0; i < CALLS; i++)
		calls[i] = start(client, credentials, "{\"logGroupNamePrefix\": \"assumed\"}");
	for (int i = 0; i < CALLS; i++)
		snprintf(after, sizeof(after), "%s", end(client, calls[i]));
	count = strtol(after, NULL, 10) - strtol(before, NULL, 10);
	check(count == 1, "one fetch for all", after);
	aws_credentials_free(credentials);
	aws_client_free(client);
}

/* Keys that AWS calls expired are fetched anew, once. */
static void
renewal(void)
{
	AwsClient *client = new_client();
	AwsCredentials *role = new_credentials(&(AwsCredentialSource){KEYS, .role_arn = ROLE("counted-a")});
	AwsCredentials *same = new_credentials(&(AwsCredentialSource){KEYS, .role_arn = ROLE("same")});
	AwsCall *calls[CALLS];
	char first[100];
	char second[100];

	snprintf(first, sizeof(first), "%s", ask(client, role, "{\"logGroupNamePrefix\": \"age\"}"));
	for (int i = 0; i < CALLS; i++)
		calls[i] = start(client, role, "{}");
	for (int i = 0; i < CALLS; i++)
	{
		snprintf(second, sizeof(second), "%s", end(client, calls[i]));
		check(strncmp(second, "given.counted-a", 15) == 0 && strcmp(first, second) != 0, "fresh keys", second);
	}
	ask(client, same, "{\"logGroupNamePrefix\": \"age\"}");
	check(strncmp(ask(client, same, "{}"), "7 ExpiredTokenException", 23) == 0, "fresh keys that are no better",
		  "better");
	aws_credentials_free(role);
	aws_credentials_free(same);
	aws_client_free(client);
}

/*
 * Time passes.  Near the end of the keys' life calls go on with them while new
 * ones are fetched; a fetch that fails does no harm until they have expired.
 */
static void
refresh(void)
{
	AwsClient *client = new_client();
	AwsCredentials *credentials = new_credentials(&(AwsCredentialSource){KEYS, .role_arn = ROLE("counted-b")});
	char first[100];

	snprintf(first, sizeof(first), "%s", ask(client, credentials, "{}"));
	is("keys are kept", ask(client, credentials, "{}"), first);
	client->clock_ahead = 3600 - 200;
	is("old keys serve while new ones are fetched", ask(client, credentials, "{}"), first);
	while (!LIST_EMPTY(&client->fetches))
		turn(client);
	check(strcmp(ask(client, credentials, "{\"logGroupNamePrefix\": \"break\"}"), first) != 0, "new keys", first);
	snprintf(first, sizeof(first), "%s", ask(client, credentials, "{}"));
	client->clock_ahead += 60;
	is("keys that cannot be refreshed serve on", ask(client, credentials, "{}"), first);
	while (!LIST_EMPTY(&client->fetches))
		turn(client);
	is("and on", ask(client, credentials, "{}"), first);
	client->clock_ahead = 3600 + 100;
	check(strncmp(ask(client, credentials, "{}"), NO_KEYS "AccessDenied", 14) == 0, "until they have expired", "on");
	aws_credentials_free(credentials);

	credentials = new_credentials(&(AwsCredentialSource){KEYS});
	ask(client, credentials, "{\"logGroupNamePrefix\": \"mend\"}");
	aws_credentials_free(credentials);
	aws_client_free(client);
}

/* A process ends with what wanted its keys. */
static void
killed(void)
{
	AwsClient *client = new_client();
	AwsCredentials *credentials = new_credentials(&(AwsCredentialSource){.profile = "process-sleeps"});
	AwsCall *call = start(client, credentials, "{}");
	FILE *file;
	int pid = 0;

	aws_client_drive(client);
	while ((file = fopen("home/pid", "r")) == NULL || fscanf(file, "%d\n", &pid) != 1)
	{
		if (file != NULL)
			fclose(file);
		usleep(1000);
	}
	fclose(file);
	check(kill(pid, 0) == 0, "a process runs", "it does not");
	aws_client_free(client);
	check(kill(pid, 0) == -1 && errno == ESRCH, "a process ends with its client", "it goes on");
	aws_call_free(call);
	aws_credentials_free(credentials);
}

/* ---- what stays in memory ---- */

#define MARK_LEN 24 /* bytes that are looked for; those before them may be the allocator's once they are freed */
#define SECRET_LEN 40
#define NAME "abcdefghijklmnopqrstuvwxyz"

/* What is looked for is kept inverted, so that the search does not find itself. */
typedef struct Mark
{
	unsigned char inverted[MARK_LEN];
} Mark;

static Mark
mark_end(const void *secret, size_t len)
{
	Mark mark;

	for (size_t i = 0; i < MARK_LEN; i++)
		mark.inverted[i] = (unsigned char) ~((const unsigned char *) secret)[len - MARK_LEN + i];
	return mark;
}

/* A secret that no constant holds; 'step' tells it from others. */
static void
make_secret(char secret[SECRET_LEN + 1], int step)
{
	for (int i = 0; i < SECRET_LEN; i++)
		secret[i] = 'a' + i * step % 26;
	secret[SECRET_LEN] = '\0';
}

/* Looks for a secret's end through all that this process may write, what was freed too. */
static bool
in_memory(Mark mark)
{
	static unsigned char bytes[1 << 20];
	FILE *maps = fopen("/proc/self/maps", "r");
	int memory = open("/proc/self/mem", O_RDONLY);
	char line[400];
	unsigned long from;
	unsigned long to;
	bool found = false;

	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL)
	{
		ssize_t len;

		/* the sanitizer's own maps are far greater */
		if (sscanf(line, "%lx-%lx rw", &from, &to) != 2 || strstr(line, " rw") == NULL || to - from > 1UL << 30)
			continue;
		for (; from < to && (len = pread(memory, bytes, to - from < sizeof(bytes) ? to - from : sizeof(bytes), (off_t) from)) > 0;
			 from += len >= MARK_LEN ? len - MARK_LEN + 1 : len)
			for (const unsigned char *at = bytes, *end = bytes + len;
				 (at = memchr(at, (unsigned char) ~mark.inverted[0], end - at)) != NULL && end - at >= MARK_LEN; at++)
			{
				unsigned long address = from + (at - bytes);
				int i = 1;

				while (i < MARK_LEN && at[i] == (unsigned char) ~mark.inverted[i])
					i++;
				found |= i == MARK_LEN &&
						 (address < (unsigned long) bytes || address >= (unsigned long) (bytes + sizeof(bytes)));
			}
	}
	close(memory);
	if (maps != NULL)
		fclose(maps);
	return found;
}

/* The key that a secret signs with today (AWS, "Create a signed request", step 3). */
static Mark
signing_key(const char *secret)
{
	char date[9];
	time_t now = time(NULL);
	const char *const links[] = {date, "us-east-1", "logs", "aws4_request"};
	unsigned char key[4 + SECRET_LEN] = "AWS4";
	size_t len = sizeof(key);
	Mark mark;

	memcpy(key + 4, secret, SECRET_LEN);
	strftime(date, sizeof(date), "%Y%m%d", gmtime(&now));
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++, len = SHA256_DIGEST_LENGTH)
	{
		unsigned char next[SHA256_DIGEST_LENGTH];

		HMAC(EVP_sha256(), key, (int) len, (const unsigned char *) links[i], strlen(links[i]), next, NULL);
		memcpy(key, next, sizeof(next));
		explicit_bzero(next, sizeof(next));
	}
	mark = mark_end(key, SHA256_DIGEST_LENGTH);
	explicit_bzero(key, sizeof(key));
	return mark;
}

static void
wiped(void)
{
	static const struct
	{
		AwsCredentialSource source;
		const char *environment;
		const char *signer;
	} sources[] = {
		{{KEYS, .role_arn = ROLE(NAME)}, NULL, "given." NAME},
		{{CHAIN},
		 "AWS_CONTAINER_CREDENTIALS_FULL_URI=/container AWS_CONTAINER_AUTHORIZATION_TOKEN=" NAME NO_HOME,
		 "container." NAME},
	};
	AwsClient *client = new_client();
	AwsCredentials *credentials;
	char secret[SECRET_LEN + 1], token[SECRET_LEN + 1];
	char reply[sizeof(NAME) - 1]; /* the server's secrets end with the name backwards */
	Mark secret_mark, token_mark, signing_mark, reply_mark;

	make_secret(secret, 7);
	make_secret(token, 11);
	for (size_t i = 0; i < sizeof(reply); i++)
		reply[i] = NAME[sizeof(reply) - 1 - i];
	secret_mark = mark_end(secret, SECRET_LEN);
	token_mark = mark_end(token, SECRET_LEN);
	signing_mark = signing_key(secret);
	reply_mark = mark_end(reply, sizeof(reply));
	explicit_bzero(reply, sizeof(reply));

	credentials = new_credentials(
		&(AwsCredentialSource){.access_key_id = "given", .secret_access_key = secret, .session_token = token});
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(token, sizeof(token));
	is("keys to be forgotten sign", ask(client, credentials, "{}"), "given");
	check(in_memory(secret_mark) && in_memory(token_mark), "what is not yet wiped is found", "nowhere");
	aws_credentials_free(credentials);
	check(!in_memory(secret_mark), "a secret is wiped", "still there");
	check(!in_memory(token_mark), "a session token is wiped, what curl sent too", "still there");
	check(!in_memory(signing_mark), "a signing key is wiped", "still there");

	aws_client_free(client);

	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++)
	{
		client = new_client();
		credentials = new_credentials(&sources[i].source);
		set_environment(sources[i].environment, true);
		is("received keys sign", ask(client, credentials, "{}"), sources[i].signer);
		check(in_memory(reply_mark), "received keys are found", sources[i].signer);
		aws_credentials_free(credentials);
		aws_client_free(client); /* a connection's buffer is curl's until then */
		check(!in_memory(reply_mark), "received keys are wiped, what curl and the parsers held too", sources[i].signer);
		set_environment(sources[i].environment, false);
	}
	setenv("HOME", "home", 1);
}

/* ---- the files and command lines by themselves ---- */

static void
config(void)
{
	char text[] = "# comment\nlost = 1\n[default]\nregion = us-east-1\r\n key = continued\n[profile  'a b']\n"
				  "A = b=c # d\n;x = y\n[services s]\nq = 1\n[sso-session p]\nq=2\n[profile]\nq = 3\n[broken\nq = 4";
	AwsConfig parsed = {0};

	check(aws_config_parse(&parsed, text, false) && parsed.count == 3, "settings", "other");
	is("carriage returns go", aws_config_get(&parsed, AWS_SECTION_PROFILE, "default", "REGION"), "us-east-1");
	is("only the first = counts", aws_config_get(&parsed, AWS_SECTION_PROFILE, "a b", "a"), "b=c # d");
	is("sessions", aws_config_get(&parsed, AWS_SECTION_SSO_SESSION, "p", "q"), "2");
	check(!aws_config_has(&parsed, AWS_SECTION_PROFILE, "p"), "a session is no profile", "it is");
	aws_config_free(&parsed);
}

static void
commands(void)
{
	static const struct
	{
		const char *command;
		const char *words;
	} cases[] = {
		{"a b", "a|b|"},
		{"  a\t b ", "a|b|"},
		{"'a b' \"c d\"", "a b|c d|"},
		{"a\\ b", "a b|"},
		{"'a\\b' \"a\\\"b\"", "a\\b|a\"b|"},
		{"a'b'c\"\"", "abc|"},
		{"'' x", "|x|"},
		{"", ""},
		{"'open", "open|"},
		{"end\\", "end\\|"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
	{
		char *copy = strdup(cases[i].command);
		char **words = aws_split_command(copy);
		char joined[100] = "";

		for (int j = 0; words[j] != NULL; j++)
			snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "%s|", words[j]);
		is(cases[i].command, joined, cases[i].words);
		free(words);
		free(copy);
	}
}

int
main(int argc, char **argv)
{
	if (argc < 3 || chdir(argv[1]) != 0)
		return 2;
	folder = "models";
	snprintf(base, sizeof(base), "http://127.0.0.1:%s", argv[argc - 1]);
	if (argc > 3 && strcmp(argv[2], "link-local") == 0)
	{
		setenv("HOME", "nowhere", 1);
		link_local();
		return result();
	}
	setenv("HOME", "home", 1);
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1", 1); /* nobody's port: never a real instance */
	providers();
	bad_sources();
	shared();
	renewal();
	refresh();
	killed();
	wiped();
	config();
	commands();
	return result();
}
