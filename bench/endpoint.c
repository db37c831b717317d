/*
 * endpoint.c
 *	  The AWS endpoint of the benchmarks: counts requests, adds a round trip,
 *	  and answers itself or hands over to an emulator.
 *
 *	  endpoint URL_FILE [EMULATOR_PORT]
 *
 * Listens on a free port of 127.0.0.1 and writes its URL to URL_FILE.  Without
 * an emulator it answers from made-up inventories, at full speed, so that what
 * is measured is the client: N security groups with four rules each, N roles,
 * N log groups, one VPC; every other listing is empty.  A group or role named
 * bench-I can be created, which the inventory then reaches up to; any other
 * call succeeds and changes nothing.  One thread serves one connection, as few
 * clients open more than a hundred.
 *
 *	  GET /bench/set?delay=50&hold=0&rate=0&groups=1000&roles=0&log_groups=0
 *					sets any of these and forgets what was counted; hold=1:
 *					what is no read is not answered; rate=100: so many
 *					requests a second, and as many at once, the others are
 *					throttled
 *	  GET /bench/counts
 *					"<requests> <peak in flight> <bytes of answers> <ms in
 *					which any was in flight>" and a line "<count> <operation>"
 *					for each operation
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_OPERATIONS 500
#define RULES_OF_GROUP 4
#define HELD_S 3600

/* Bytes that grow. */
typedef struct Text
{
	char *data;
	size_t len;
	size_t size;
} Text;

/* One HTTP message: the head with its final empty line, then the body. */
typedef struct Message
{
	Text bytes; /* may go on behind this message */
	size_t head_len;
	size_t len;		/* head and body */
	bool until_eof; /* the body ends with the connection */
} Message;

typedef struct Inventory
{
	const char *name;
	long count;
} Inventory;

static int emulator_port;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all below */
static Inventory delay = {"delay", 0}; /* ms */
static Inventory hold = {"hold", 0};
static Inventory rate = {"rate", 0};
static double admitted; /* requests that the rate still lets through, at the time below */
static double admitted_at;
static Inventory groups = {"groups", 0};
static Inventory roles = {"roles", 0};
static Inventory log_groups = {"log_groups", 0};
static struct
{
	char name[80];
	long count;
} operations[MAX_OPERATIONS];
static int operation_count;
static long request_count;
static long in_flight;
static long peak_in_flight;
static long long answered_bytes;
static double busy_ms;	  /* until the last time that nothing was in flight */
static double busy_since; /* while something is */

/* ---- text ---- */

static void
text_reserve(Text *text, size_t more)
{
	if (text->len + more + 1 <= text->size)
		return;
	text->size = 2 * (text->len + more) + 4096;
	text->data = realloc(text->data, text->size);
	if (text->data == NULL)
		abort();
}

static void __attribute__((format(printf, 2, 3))) text_add(Text *text, const char *format, ...)
{
	va_list args;
	int n;

	text_reserve(text, 1000);
	va_start(args, format);
	n = vsnprintf(text->data + text->len, text->size - text->len, format, args);
	va_end(args);
	if (n >= (int) (text->size - text->len))
		abort(); /* no piece of an answer is that long */
	text->len += n;
}

/* ---- HTTP ---- */

static bool
write_all(int fd, const char *data, size_t len, int flags)
{
	while (len > 0)
	{
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL | flags);

		if (n <= 0)
			return false;
		data += n;
		len -= n;
	}
	return true;
}

static bool
read_more(int fd, Text *text)
{
	ssize_t n;

	text_reserve(text, 64 * 1024);
	do
		n = recv(fd, text->data + text->len, text->size - text->len - 1, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	text->len += n;
	text->data[text->len] = '\0';
	return true;
}

/* The value of a header, or NULL. */
static const char *
header(const Message *message, const char *name)
{
	const char *at = message->bytes.data;
	const char *end = at + message->head_len;
	size_t n = strlen(name);

	while ((at = memchr(at, '\n', end - at)) != NULL && ++at + n < end)
		if (strncasecmp(at, name, n) == 0 && at[n] == ':')
			return at + n + 1 + strspn(at + n + 1, " ");
	return NULL;
}

/* Whether a chunked body is there as a whole; its length is added to *len. */
static bool
chunks_complete(const Message *message, size_t *len)
{
	const char *data = message->bytes.data;

	for (;;)
	{
		const char *line = data + *len;
		const char *end = memmem(line, message->bytes.len - *len, "\r\n", 2);
		size_t n;

		if (end == NULL)
			return false;
		n = strtoul(line, NULL, 16);
		*len = end + 2 - data + n + 2;
		if (*len > message->bytes.len)
			return false;
		if (n == 0)
			return true;
	}
}

/* Reads one message; what is left of the one before goes first. */
static bool
message_read(int fd, Message *message, bool is_answer)
{
	Text *bytes = &message->bytes;
	const char *value;

	if (message->len > 0)
		memmove(bytes->data, bytes->data + message->len, bytes->len - message->len + 1);
	bytes->len -= message->len;
	message->len = message->head_len = 0;
	message->until_eof = false;
	for (;;)
	{
		const char *end = bytes->len > 0 ? memmem(bytes->data, bytes->len, "\r\n\r\n", 4) : NULL;

		if (end != NULL)
		{
			message->head_len = end + 4 - bytes->data;
			break;
		}
		if (!read_more(fd, bytes))
			return false;
	}
	if ((value = header(message, "Content-Length")) != NULL)
	{
		message->len = message->head_len + strtoul(value, NULL, 10);
		while (bytes->len < message->len)
			if (!read_more(fd, bytes))
				return false;
	}
	else if ((value = header(message, "Transfer-Encoding")) != NULL && strncasecmp(value, "chunked", 7) == 0)
	{
		while (message->len = message->head_len, !chunks_complete(message, &message->len))
			if (!read_more(fd, bytes))
				return false;
	}
	else if (is_answer)
	{
		message->until_eof = true;
		while (read_more(fd, bytes))
			continue;
		message->len = bytes->len;
	}
	else
		message->len = message->head_len;
	return true;
}

/* ---- what is asked ---- */

/* The value of a parameter in a form or a JSON document, as the number that it starts with; 0 without it. */
static long
number_of(const Message *request, const char *name)
{
	const char *at = request->bytes.data + request->head_len;
	const char *end = request->bytes.data + request->len;
	size_t n = strlen(name);

	while ((at = memmem(at, end - at, name, n)) != NULL)
	{
		at += n;
		while (at < end && strchr("=\": ", *at) != NULL)
			at++;
		if (at < end && *at >= '0' && *at <= '9')
			return strtol(at, NULL, 10);
	}
	return 0;
}

/* The operation's name: of the target, the Action parameter, or else method and path. */
static void
name_operation(const Message *request, char *name, size_t size)
{
	const char *at = header(request, "X-Amz-Target");
	const char *body = request->bytes.data + request->head_len;

	if (at != NULL)
	{
		at = strchr(at, '.') ? strchr(at, '.') + 1 : at;
		snprintf(name, size, "%.*s", (int) strcspn(at, "\r\n"), at);
	}
	else if ((at = memmem(body, request->len - request->head_len, "Action=", 7)) != NULL &&
			 (at == body || at[-1] == '&'))
		snprintf(name, size, "%.*s",
				 (int) strspn(at + 7, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), at + 7);
	else
		snprintf(name, size, "%.*s", (int) strcspn(request->bytes.data, "?\r\n"), request->bytes.data);
}

static bool
is_read(const char *operation)
{
	return strncmp(operation, "Describe", 8) == 0 || strncmp(operation, "List", 4) == 0 ||
		   strncmp(operation, "Get", 3) == 0;
}

static void
count_operation(const char *name)
{
	int i = 0;

	while (i < operation_count && strcmp(operations[i].name, name) != 0)
		i++;
	if (i == MAX_OPERATIONS)
		return;
	if (i == operation_count)
		snprintf(operations[operation_count++].name, sizeof(operations[i].name), "%s", name);
	operations[i].count++;
	request_count++;
}

/* ---- made-up answers ---- */

typedef void (*WriteItem)(Text *out, long i);

static void
write_group(Text *out, long i)
{
	text_add(out,
			 "<item><ownerId>123456789012</ownerId><groupId>sg-%08lx</groupId><groupName>bench-%ld</groupName>"
			 "<groupDescription>bench-%ld</groupDescription><vpcId>vpc-1</vpcId>"
			 "<securityGroupArn>arn:aws:ec2:us-east-1:123456789012:security-group/sg-%08lx</securityGroupArn>"
			 "<ipPermissions>",
			 i, i, i, i);
	for (int r = 0; r < RULES_OF_GROUP; r++)
		text_add(out,
				 "<item><ipProtocol>tcp</ipProtocol><fromPort>%d</fromPort><toPort>%d</toPort><groups/><ipRanges><item>"
				 "<cidrIp>10.0.0.0/8</cidrIp><description>rule %d</description></item></ipRanges><ipv6Ranges/>"
				 "<prefixListIds/></item>",
				 8000 + r, 8000 + r, r);
	text_add(out, "</ipPermissions><ipPermissionsEgress/></item>");
}

static void
write_rule(Text *out, long i)
{
	long group = i / RULES_OF_GROUP;
	int port = 8000 + i % RULES_OF_GROUP;

	text_add(out,
			 "<item><securityGroupRuleId>sgr-%08lx</securityGroupRuleId><groupId>sg-%08lx</groupId>"
			 "<groupOwnerId>123456789012</groupOwnerId><isEgress>false</isEgress><ipProtocol>tcp</ipProtocol>"
			 "<fromPort>%d</fromPort><toPort>%d</toPort><cidrIpv4>10.0.0.0/8</cidrIpv4>"
			 "<description>rule %d</description><tagSet/><securityGroupRuleArn>arn:aws:ec2:us-east-1:123456789012:"
			 "security-group-rule/sgr-%08lx</securityGroupRuleArn></item>",
			 i, group, port, port, port - 8000, i);
}

static void
write_vpc(Text *out, long i)
{
	text_add(out,
			 "<item><vpcId>vpc-%ld</vpcId><ownerId>123456789012</ownerId><state>available</state>"
			 "<cidrBlock>172.31.0.0/16</cidrBlock><dhcpOptionsId>dopt-1</dhcpOptionsId>"
			 "<instanceTenancy>default</instanceTenancy><isDefault>true</isDefault></item>",
			 i + 1);
}

static void
write_region(Text *out, long i)
{
	(void) i;
	text_add(out, "<item><regionName>us-east-1</regionName><regionEndpoint>ec2.us-east-1.amazonaws.com</regionEndpoint>"
				  "<optInStatus>opt-in-not-required</optInStatus></item>");
}

#define TRUST                                                                                                    \
	"%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22" \
	"%3A%7B%22Service%22%3A%22lambda.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D"

static void
write_role(Text *out, long i)
{
	text_add(out,
			 "<member><Path>/</Path><RoleName>bench-%ld</RoleName><RoleId>AROA%016lX</RoleId>"
			 "<Arn>arn:aws:iam::123456789012:role/bench-%ld</Arn><CreateDate>2024-01-01T00:00:00Z</CreateDate>"
			 "<AssumeRolePolicyDocument>%s</AssumeRolePolicyDocument><Description>bench</Description>"
			 "<MaxSessionDuration>3600</MaxSessionDuration></member>",
			 i, i, i, TRUST);
}

static void
write_role_detail(Text *out, long i)
{
	text_add(out,
			 "<member><Path>/</Path><RoleName>bench-%ld</RoleName><RoleId>AROA%016lX</RoleId>"
			 "<Arn>arn:aws:iam::123456789012:role/bench-%ld</Arn><CreateDate>2024-01-01T00:00:00Z</CreateDate>"
			 "<AssumeRolePolicyDocument>%s</AssumeRolePolicyDocument><InstanceProfileList/><RolePolicyList/>"
			 "<AttachedManagedPolicies><member><PolicyName>ReadOnlyAccess</PolicyName>"
			 "<PolicyArn>arn:aws:iam::aws:policy/ReadOnlyAccess</PolicyArn></member></AttachedManagedPolicies><Tags/>"
			 "</member>",
			 i, i, i, TRUST);
}

static void
write_log_group(Text *out, long i)
{
	text_add(out,
			 "%s{\"logGroupName\":\"bench-%ld\",\"creationTime\":1700000000000,\"metricFilterCount\":0,"
			 "\"arn\":\"arn:aws:logs:us-east-1:123456789012:log-group:bench-%ld:*\",\"storedBytes\":0}",
			 out->data[out->len - 1] == '[' ? "" : ",", i, i);
}

static Inventory one = {"one", 1};

/* How a listing looks on the wire; the sizes of pages are the service's own where the request names none. */
static const struct Listing
{
	const char *operation;
	enum
	{
		EC2,
		QUERY,
		JSON
	} protocol;
	const char *list;
	const Inventory *of;
	int per_object; /* items */
	int page;
	WriteItem write;
} listings[] = {
	{"DescribeSecurityGroups", EC2, "securityGroupInfo", &groups, 1, 1000, write_group},
	{"DescribeSecurityGroupRules", EC2, "securityGroupRuleSet", &groups, RULES_OF_GROUP, 1000, write_rule},
	{"DescribeVpcs", EC2, "vpcSet", &one, 1, 1000, write_vpc},
	{"DescribeRegions", EC2, "regionInfo", &one, 1, 1000, write_region},
	{"ListRoles", QUERY, "Roles", &roles, 1, 100, write_role},
	{"GetAccountAuthorizationDetails", QUERY, "RoleDetailList", &roles, 1, 100, write_role_detail},
	{"DescribeLogGroups", JSON, "logGroups", &log_groups, 1, 50, write_log_group},
};

/* A creation, which the inventory grows by; false: this operation is none. */
static bool
write_creation(const Message *request, const char *operation, Text *out)
{
	Inventory *into = NULL;
	long i = 0;

	if (strcmp(operation, "CreateSecurityGroup") == 0)
	{
		into = &groups;
		i = number_of(request, "GroupName=bench-");
		text_add(out, "<return>true</return><groupId>sg-%08lx</groupId>", i);
	}
	else if (strcmp(operation, "CreateRole") == 0)
	{
		into = &roles;
		i = number_of(request, "RoleName=bench-");
		text_add(out, "<CreateRoleResult><Role>");
		write_role(out, i);
		text_add(out, "</Role></CreateRoleResult>");
	}
	else if (strcmp(operation, "AuthorizeSecurityGroupIngress") == 0)
	{
		const char *id = memmem(request->bytes.data, request->len, "GroupId=sg-", 11);

		i = id != NULL ? strtol(id + 11, NULL, 16) : 0;
		text_add(out, "<return>true</return><securityGroupRuleSet>");
		for (int r = 0; r < RULES_OF_GROUP; r++)
			write_rule(out, i * RULES_OF_GROUP + r);
		text_add(out, "</securityGroupRuleSet>");
	}
	else
		return false;
	pthread_mutex_lock(&lock);
	if (into != NULL && into->count <= i)
		into->count = i + 1;
	pthread_mutex_unlock(&lock);
	return true;
}

/* One page of a listing: the token is the number of the first item, plus one thousand million. */
static void
write_page(const struct Listing *listing, const Message *request, Text *out)
{
	static const char *const limits[] = {"MaxResults", "MaxItems", "limit"};
	static const char *const tokens[] = {"NextToken", "Marker", "nextToken"};
	const long base = 1000000000;
	long first = number_of(request, tokens[listing->protocol]);
	long most = number_of(request, limits[listing->protocol]);
	long total = listing->of->count * listing->per_object;
	long end;
	const char *id = request->bytes.data;

	if (listing->of == &groups && memmem(id, request->len, "=sg-", 4) != NULL)
	{
		/* read by id */
		text_add(out, "<%s>", listing->list);
		while ((id = memmem(id, request->bytes.data + request->len - id, "=sg-", 4)) != NULL)
			listing->write(out, strtol(id += 4, NULL, 16));
		text_add(out, "</%s>", listing->list);
		return;
	}
	first = first > base ? first - base : 0;
	most = most > 0 ? most : listing->protocol == EC2 ? total : listing->page;
	end = first + most < total ? first + most : total;
	text_add(out, listing->protocol == JSON ? "{\"%s\":[" : "<%s>", listing->list);
	for (long i = first; i < end; i++)
		listing->write(out, i);
	text_add(out, listing->protocol == JSON ? "]" : "</%s>", listing->list);
	if (listing->protocol == QUERY)
		text_add(out, "<IsTruncated>%s</IsTruncated>", end < total ? "true" : "false");
	if (end < total && listing->protocol == EC2)
		text_add(out, "<nextToken>%ld</nextToken>", base + end);
	else if (end < total && listing->protocol == QUERY)
		text_add(out, "<Marker>%ld</Marker>", base + end);
	else if (end < total)
		text_add(out, ",\"nextToken\":\"%ld\"", base + end);
	if (listing->protocol == JSON)
		text_add(out, "}");
}

static void
write_answer(const Message *request, const char *operation, Text *out)
{
	const struct Listing *listing = NULL;

	for (size_t i = 0; i < sizeof(listings) / sizeof(listings[0]); i++)
		if (strcmp(listings[i].operation, operation) == 0)
			listing = &listings[i];
	if (header(request, "X-Amz-Target") != NULL || strchr(operation, ' ') != NULL)
	{
		if (listing != NULL)
			write_page(listing, request, out);
		else
			text_add(out, "{}");
		return;
	}
	text_add(out, "<%sResponse><requestId>bench</requestId>", operation);
	if (write_creation(request, operation, out))
	{
		text_add(out, "</%sResponse>", operation);
		return;
	}
	if (listing == NULL || listing->protocol == QUERY)
		text_add(out, "<%sResult>", operation);
	if (listing != NULL)
		write_page(listing, request, out);
	if (strcmp(operation, "GetCallerIdentity") == 0)
		text_add(out, "<Account>123456789012</Account><Arn>arn:aws:iam::123456789012:root</Arn><UserId>bench</UserId>");
	if (listing == NULL || listing->protocol == QUERY)
		text_add(out, "</%sResult>", operation);
	text_add(out, "</%sResponse>", operation);
}

/* ---- the benchmarks' own requests ---- */

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void
set_values(const char *path)
{
	Inventory *const settable[] = {&delay, &hold, &rate, &groups, &roles, &log_groups};
	const char *query = strchr(path, '?');

	while (query != NULL && *query != ' ')
	{
		const char *name = query + 1;
		size_t n = strcspn(name, "= ");

		for (size_t i = 0; i < sizeof(settable) / sizeof(*settable); i++)
			if (strlen(settable[i]->name) == n && strncmp(settable[i]->name, name, n) == 0)
				settable[i]->count = strtol(name + n + 1, NULL, 10);
		query = name + strcspn(name, "& ");
	}
	memset(operations, 0, sizeof(operations));
	operation_count = 0;
	request_count = peak_in_flight = answered_bytes = 0;
	busy_ms = 0;
	admitted = rate.count;
	admitted_at = now_ms();
}

/* Whether a request comes sooner than the rate lets it. */
static bool
is_throttled(void)
{
	double now = now_ms();

	if (rate.count == 0)
		return false;
	admitted += (now - admitted_at) / 1e3 * rate.count;
	admitted_at = now;
	if (admitted > rate.count)
		admitted = rate.count;
	if (admitted < 1)
		return true;
	admitted--;
	return false;
}

static void
write_counts(Text *out)
{
	text_add(out, "%ld %ld %lld %.0f\n", request_count, peak_in_flight, answered_bytes, busy_ms);
	for (int i = 0; i < operation_count; i++)
		text_add(out, "%ld %s\n", operations[i].count, operations[i].name);
}

/* ---- connections ---- */

static int
connect_emulator(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(emulator_port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int yes = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd >= 0 && connect(fd, (struct sockaddr *) &address, sizeof(address)) == 0)
	{
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Asks the emulator; a kept connection may have been closed by it, so a failure there is tried once more. */
static bool
ask_emulator(int *emulator, const Message *request, Message *answer)
{
	for (int tries = 0; tries < 2; tries++)
	{
		bool kept = *emulator >= 0;
		const char *connection;

		if (!kept)
			*emulator = connect_emulator();
		answer->bytes.len = answer->len = 0;
		if (*emulator >= 0 && write_all(*emulator, request->bytes.data, request->len, 0) &&
			message_read(*emulator, answer, true))
		{
			connection = header(answer, "Connection");
			if (answer->until_eof || (connection != NULL && strncasecmp(connection, "close", 5) == 0))
			{
				close(*emulator);
				*emulator = -1;
			}
			return true;
		}
		if (*emulator >= 0)
			close(*emulator);
		*emulator = -1;
		if (!kept)
			break;
	}
	return false;
}

static bool
send_answer(int fd, int status, const Text *body, const char *type)
{
	char head[200];
	int n = snprintf(head, sizeof(head), "HTTP/1.1 %d \r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", status,
					 type, body->len);

	/* in one segment where there is room, as servers do */
	return write_all(fd, head, n, MSG_MORE) && write_all(fd, body->data, body->len, 0);
}

static void *
serve(void *arg)
{
	int fd = (int) (long) arg;
	int emulator = -1;
	Message request = {0};
	Message answer = {0};
	bool open = true;

	while (open && message_read(fd, &request, false))
	{
		const char *path = strchr(request.bytes.data, ' ') + 1;
		char name[80];
		struct timespec pause;
		bool throttled;

		answer.bytes.len = 0;
		if (strncmp(path, "/bench/", 7) == 0)
		{
			pthread_mutex_lock(&lock);
			if (strncmp(path, "/bench/set", 10) == 0)
				set_values(path);
			write_counts(&answer.bytes);
			pthread_mutex_unlock(&lock);
			open = send_answer(fd, 200, &answer.bytes, "text/plain");
			continue;
		}
		name_operation(&request, name, sizeof(name));
		pthread_mutex_lock(&lock);
		count_operation(name);
		throttled = is_throttled();
		if (in_flight == 0)
			busy_since = now_ms();
		if (++in_flight > peak_in_flight)
			peak_in_flight = in_flight;
		pause = (struct timespec){.tv_sec = delay.count / 1000, .tv_nsec = delay.count % 1000 * 1000000};
		if (hold.count && !is_read(name))
			pause.tv_sec = HELD_S;
		pthread_mutex_unlock(&lock);
		nanosleep(&pause, NULL);
		if (throttled)
		{
			text_add(&answer.bytes, "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error>"
									"<RequestId>bench</RequestId></ErrorResponse>");
			open = send_answer(fd, 400, &answer.bytes, "text/xml");
		}
		else if (emulator_port == 0)
		{
			write_answer(&request, name, &answer.bytes);
			open = send_answer(fd, 200, &answer.bytes,
							   header(&request, "X-Amz-Target") ? "application/x-amz-json-1.1" : "text/xml");
		}
		else
			open = ask_emulator(&emulator, &request, &answer) && write_all(fd, answer.bytes.data, answer.len, 0) &&
				   !answer.until_eof && emulator >= 0;
		pthread_mutex_lock(&lock);
		if (--in_flight == 0)
			busy_ms += now_ms() - busy_since;
		answered_bytes += answer.bytes.len;
		pthread_mutex_unlock(&lock);
	}
	close(fd);
	if (emulator >= 0)
		close(emulator);
	free(request.bytes.data);
	free(answer.bytes.data);
	return NULL;
}

int
main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int yes = 1;
	FILE *out;

	if (argc < 2)
	{
		fprintf(stderr, "usage: %s URL_FILE [EMULATOR_PORT]\n", argv[0]);
		return 2;
	}
	emulator_port = argc > 2 ? (int) strtol(argv[2], NULL, 10) : 0;
	signal(SIGPIPE, SIG_IGN);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *) &address, sizeof(address)) != 0 || listen(listener, 256) != 0 ||
		getsockname(listener, (struct sockaddr *) &address, &size) != 0 || (out = fopen(argv[1], "w")) == NULL)
	{
		perror(argv[0]);
		return 1;
	}
	fprintf(out, "http://127.0.0.1:%d\n", ntohs(address.sin_port));
	fclose(out);
	for (;;)
	{
		int fd = accept(listener, NULL, NULL);
		pthread_t thread;

		if (fd < 0)
			continue;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
		if (pthread_create(&thread, NULL, serve, (void *) (long) fd) != 0)
			close(fd);
		else
			pthread_detach(thread);
	}
}
