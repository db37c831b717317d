/*
 * http.c
 *	  curl's multi interface, driven by socket events.
 *
 * Threads.  curl resolves names in a thread of its own for each look-up, so
 * that nothing here blocks.  A PostgreSQL backend is single-threaded and its
 * signal handlers must run on its only thread.  So all signals are blocked
 * around every call into curl: a new thread inherits that mask and never runs
 * a handler.  The thread touches nothing but curl's own memory and malloc.
 * The same mask keeps a SIGPIPE, raised by OpenSSL's write on a closed socket,
 * from the process: it is taken back before the mask is lifted.
 */
#include "aws/http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "aws/error.h"
#include "aws/timer.h"

#if LIBCURL_VERSION_NUM < 0x075500
#error "libcurl 7.85 or newer is needed, for CURLOPT_PROTOCOLS_STR"
#endif

#define EVENTS 8		/* taken at once: few, so that freed slots are filled before other answers are read */
#define IDLE_HANDLES 64 /* easy handles kept for the next transfer */
#define MAX_HEADER_BYTES (256 * 1024) /* of one answer */
#define CONNECTIONS_KEPT 128L
#define CONNECTION_MAX_IDLE_S 30L /* below the idle time-out of AWS's front ends, so that few are found closed */

typedef struct Watch
{
	int fd;
	void (*ready)(void *arg);
	void *arg;
	struct Watch *next;
} Watch;

struct AwsHttp
{
	CURLM *multi;
	CURLSH *share; /* TLS sessions, for all easy handles */
	int epoll;
	int64_t timer; /* when curl wants a time-out; INT64_MAX: never */
	long version;  /* of HTTP, the highest that is spoken: CURL_HTTP_VERSION_... */
	LIST_HEAD(AwsTransferList, AwsTransfer) transfers;
	Watch *watches;
	CURL *idle[IDLE_HANDLES];
	int idle_count;
};

struct AwsTransfer
{
	AwsHttp *http;
	CURL *easy;
	struct curl_slist *headers;
	const AwsHttpEvents *events;
	void *arg;
	LIST_ENTRY(AwsTransfer) all;
	const char *forbidden; /* why a rule of ours ended it */
	size_t header_bytes;
	size_t body_bytes;
	size_t max_bytes;
	bool http_to_any; /* https, or plain http is allowed to any host */
	bool allow_link_local;
	bool sent;
	bool stopped;
	bool too_large;
	char message[CURL_ERROR_SIZE];
};

/* ---- the signal mask around curl ---- */

typedef struct SignalGuard
{
	sigset_t mask;
	bool pipe_pending;
} SignalGuard;

static void
guard_enter(SignalGuard *guard)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &guard->mask);
	sigpending(&all);
	guard->pipe_pending = sigismember(&all, SIGPIPE) == 1;
}

static void
guard_leave(const SignalGuard *guard)
{
	if (!guard->pipe_pending)
	{
		sigset_t pipe;
		const struct timespec none = {0};

		sigemptyset(&pipe);
		sigaddset(&pipe, SIGPIPE);
		while (sigtimedwait(&pipe, NULL, &none) == -1 && errno == EINTR)
			;
	}
	pthread_sigmask(SIG_SETMASK, &guard->mask, NULL);
}

/* ---- where a request may go ---- */

/* 169.254.0.0/16, fe80::/10 and the IPv6 addresses of AWS's metadata services */
static bool
is_link_local(int family, const unsigned char *address)
{
	static const unsigned char metadata[] = {0xfd, 0x00, 0x0e, 0xc2};

	if (family == AF_INET)
		return address[0] == 169 && address[1] == 254;
	return (address[0] == 0xfe && (address[1] & 0xc0) == 0x80) || memcmp(address, metadata, sizeof(metadata)) == 0;
}

static bool
is_loopback(int family, const unsigned char *address)
{
	if (family == AF_INET)
		return address[0] == 127;
	return memcmp(address, &in6addr_loopback, sizeof(in6addr_loopback)) == 0;
}

/*
 * Whether a transfer may talk to an address.  It is the address that counts
 * and not the name, which its owner can point anywhere.
 */
static bool
address_allowed(AwsTransfer *transfer, int family, const unsigned char *address)
{
	if (family == AF_INET6 && IN6_IS_ADDR_V4MAPPED((const struct in6_addr *) (const void *) address))
	{
		family = AF_INET;
		address += 12;
	}
	if (!transfer->allow_link_local && is_link_local(family, address))
		transfer->forbidden = "requests to link-local addresses are not allowed";
	else if (!transfer->http_to_any && !is_loopback(family, address) &&
			 !(transfer->allow_link_local && is_link_local(family, address)))
		transfer->forbidden = "plain http is allowed to the local host only";
	else
		return true;
	return false;
}

/* curl wants a socket for an address: refused before anything is connected. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	AwsTransfer *transfer = arg;
	const struct sockaddr *sa = &address->addr;
	const unsigned char *bytes;

	(void) purpose;
	if (sa->sa_family == AF_INET)
		bytes = (const unsigned char *) &((const struct sockaddr_in *) (const void *) sa)->sin_addr;
	else if (sa->sa_family == AF_INET6)
		bytes = (const unsigned char *) &((const struct sockaddr_in6 *) (const void *) sa)->sin6_addr;
	else
		return CURL_SOCKET_BAD;
	if (!address_allowed(transfer, sa->sa_family, bytes))
		return CURL_SOCKET_BAD;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/*
 * The connection stands and curl is about to send.  The address is judged once
 * more, because the connection may be an old one of a request with other rules.
 */
static int
before_sending(void *arg, char *peer, char *local, int peer_port, int local_port)
{
	AwsTransfer *transfer = arg;
	int family = strchr(peer, ':') != NULL ? AF_INET6 : AF_INET;
	unsigned char address[sizeof(struct in6_addr)];

	(void) local;
	(void) peer_port;
	(void) local_port;
	if (transfer->sent) /* the second time: curl would send it again */
		return CURL_PREREQFUNC_ABORT;
	if (inet_pton(family, peer, address) != 1 || !address_allowed(transfer, family, address))
		return CURL_PREREQFUNC_ABORT;
	transfer->sent = true;
	return CURL_PREREQFUNC_OK;
}

/* ---- what curl reports about sockets and time ---- */

static int
socket_changed(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	AwsHttp *http = arg;
	struct epoll_event event = {.data.fd = fd};

	(void) easy;
	(void) socket_arg;
	if (what == CURL_POLL_REMOVE)
	{
		epoll_ctl(http->epoll, EPOLL_CTL_DEL, fd, NULL); /* fails if it is closed already, which is as good */
		return 0;
	}
	event.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
	if (epoll_ctl(http->epoll, EPOLL_CTL_MOD, fd, &event) == 0)
		return 0;
	return epoll_ctl(http->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -1;
}

static int
timer_changed(CURLM *multi, long timeout_ms, void *arg)
{
	AwsHttp *http = arg;

	(void) multi;
	http->timer = timeout_ms < 0 ? INT64_MAX : aws_now_ms() + timeout_ms;
	return 0;
}

/* ---- what curl reports about an answer ---- */

static size_t
header_arrived(char *line, size_t size, size_t count, void *arg)
{
	AwsTransfer *transfer = arg;
	size_t len = size * count;
	const char *colon;

	transfer->header_bytes += len;
	if (transfer->header_bytes > MAX_HEADER_BYTES)
	{
		transfer->too_large = true;
		return 0;
	}
	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
	{
		long status = 0;

		curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
		transfer->events->head(transfer->arg, (int) status);
	}
	else if ((colon = memchr(line, ':', len)) != NULL && transfer->events->header != NULL)
		transfer->events->header(transfer->arg, line, colon - line, colon + 1, line + len - colon - 1);
	return len;
}

static size_t
body_arrived(char *bytes, size_t size, size_t count, void *arg)
{
	AwsTransfer *transfer = arg;
	size_t len = size * count;

	transfer->body_bytes += len;
	if (transfer->body_bytes > transfer->max_bytes)
		transfer->too_large = true;
	else if (transfer->events->body(transfer->arg, bytes, len))
		return len;
	else
		transfer->stopped = true;
	return CURL_WRITEFUNC_ERROR;
}

/* ---- the multi handle ---- */

AwsHttp *
aws_http_new(AwsError *error)
{
	AwsHttp *http = calloc(1, sizeof(*http));
	CURLMcode code = CURLM_OK;

	/* its copies of what is sent and received are wiped too */
	if (http == NULL || curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, aws_secret_free, aws_secret_realloc, strdup,
											 calloc) != CURLE_OK)
	{
		free(http);
		aws_error_memory(error);
		return NULL;
	}
	http->timer = INT64_MAX;

	/*
	 * HTTP/2 where the server speaks it too.  Before 8.0.0 libcurl could leave
	 * a multiplexed transfer asleep whose answer had come with another's
	 * ("http2: set drain on stream end" in its release notes).
	 */
	http->version =
		curl_version_info(CURLVERSION_NOW)->version_num >= 0x080000 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1;
	http->epoll = epoll_create1(EPOLL_CLOEXEC);
	http->multi = curl_multi_init();
	http->share = curl_share_init();
	if (http->multi != NULL && http->share != NULL)
	{
		code |= curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, socket_changed);
		code |= curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
		code |= curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, timer_changed);
		code |= curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
		code |= curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
		if (code == CURLM_OK && http->epoll >= 0 &&
			curl_share_setopt(http->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) == CURLSHE_OK)
			return http;
	}
	aws_error_set(error, AWS_NO_MEMORY, "could not prepare for network requests: %s", strerror(errno));
	aws_http_free(http);
	return NULL;
}

int
aws_http_fd(const AwsHttp *http)
{
	return http->epoll;
}

int64_t
aws_http_next(const AwsHttp *http)
{
	return http->timer;
}

/* Takes a transfer apart; its easy handle is kept for the next one. */
void
aws_http_cancel(AwsTransfer *transfer)
{
	AwsHttp *http = transfer->http;
	SignalGuard guard;

	guard_enter(&guard);
	curl_multi_remove_handle(http->multi, transfer->easy);
	curl_easy_reset(transfer->easy);
	if (http->idle_count < IDLE_HANDLES)
		http->idle[http->idle_count++] = transfer->easy;
	else
		curl_easy_cleanup(transfer->easy);
	guard_leave(&guard);

	LIST_REMOVE(transfer, all);
	curl_slist_free_all(transfer->headers);
	free(transfer);
}

void
aws_http_free(AwsHttp *http)
{
	SignalGuard guard;

	if (http == NULL)
		return;
	for (AwsTransfer *transfer = LIST_FIRST(&http->transfers), *next; transfer != NULL; transfer = next)
	{
		next = LIST_NEXT(transfer, all);
		aws_http_cancel(transfer);
	}
	guard_enter(&guard);
	while (http->idle_count > 0)
		curl_easy_cleanup(http->idle[--http->idle_count]);
	curl_multi_cleanup(http->multi);
	curl_share_cleanup(http->share);
	guard_leave(&guard);
	while (http->watches != NULL)
		aws_http_unwatch(http, http->watches->fd);
	if (http->epoll >= 0)
		close(http->epoll);
	free(http);
	curl_global_cleanup();
}

/* What a transfer came to, in our words. */
static AwsHttpResult
judge(const AwsTransfer *transfer, CURLcode code)
{
	AwsHttpResult result = {.kind = transfer->sent ? AWS_LOST : AWS_UNREACHABLE, .sent = transfer->sent};
	long status = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	result.status = (int) status;
	if (code == CURLE_OK || transfer->stopped)
	{
		result.kind = AWS_OK;
		result.stopped = transfer->stopped;
	}
	else if (transfer->too_large)
	{
		result.kind = AWS_BAD_REPLY;
		result.message = "the answer is larger than allowed";
	}
	else if (code == CURLE_BAD_CONTENT_ENCODING)
	{
		result.kind = AWS_BAD_REPLY;
		result.message = "the answer's compression cannot be read";
	}
	else if (code == CURLE_OUT_OF_MEMORY)
	{
		result.kind = transfer->sent ? AWS_LOST : AWS_NO_MEMORY;
		result.message = "out of memory";
	}
	else if (transfer->forbidden != NULL)
		result.message = transfer->forbidden;
	else if (code == CURLE_ABORTED_BY_CALLBACK) /* before_sending's, to send it again */
		result.message = "the connection was closed before an answer came";
	else
		result.message = transfer->message[0] != '\0' ? transfer->message : curl_easy_strerror(code);
	return result;
}

/* Tells the owners of transfers that ended. */
static void
finish_transfers(AwsHttp *http)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(http->multi, &left)) != NULL)
	{
		AwsTransfer *transfer = NULL;
		AwsHttpResult result;
		const AwsHttpEvents *events;
		void *arg;
		char text[CURL_ERROR_SIZE];

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		result = judge(transfer, message->data.result);
		snprintf(text, sizeof(text), "%s", result.message != NULL ? result.message : "");
		result.message = text;
		events = transfer->events;
		arg = transfer->arg;
		aws_http_cancel(transfer);
		events->done(arg, &result);
	}
}

/* Passes events on, to curl or to a watch. */
static void
pass_events(AwsHttp *http, const struct epoll_event *events, int count)
{
	int running;

	for (int i = 0; i < count; i++)
	{
		Watch *watch = http->watches;

		while (watch != NULL && watch->fd != events[i].data.fd)
			watch = watch->next;
		if (watch != NULL)
		{
			watch->ready(watch->arg);
			continue;
		}
		curl_multi_socket_action(http->multi, events[i].data.fd,
								 (events[i].events & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0) |
									 (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
									 (events[i].events & EPOLLERR ? CURL_CSELECT_ERR : 0),
								 &running);
	}
}

bool
aws_http_drive(AwsHttp *http)
{
	struct epoll_event events[EVENTS];
	bool late = http->timer <= aws_now_ms(); /* what starts now is sent before answers are read */
	int count = late ? 0 : epoll_wait(http->epoll, events, EVENTS, 0);
	SignalGuard guard;

	if (count <= 0 && !late)
		return false;
	guard_enter(&guard);
	if (late)
	{
		int running;

		http->timer = INT64_MAX; /* curl sets it anew if it wants another */
		curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
	pass_events(http, events, count);
	finish_transfers(http);
	guard_leave(&guard);
	return true;
}

/* ---- transfers ---- */

static bool
add_header(AwsTransfer *transfer, const char *line)
{
	struct curl_slist *list = curl_slist_append(transfer->headers, line);

	if (list != NULL)
		transfer->headers = list;
	return list != NULL;
}

static bool
add_headers(AwsTransfer *transfer, const AwsBuffer *headers)
{
	/* curl would add these by itself: a header that was not signed or that makes a server wait */
	static const char *const blanked[] = {"Expect:", "Accept:", "Content-Type:"};
	AwsBuffer line = {0};
	bool ok = !headers->failed && aws_buffer_reserve(&line, headers->len + 1); /* is not moved: it may hold a secret */

	for (size_t i = 0; i < sizeof(blanked) / sizeof(*blanked); i++)
		ok = ok && add_header(transfer, blanked[i]);
	for (const char *name = NULL; ok && (name = aws_headers_next(headers, name)) != NULL;)
	{
		const char *value = aws_header_value(name);

		/* curl's form for a header without value ends with a semicolon */
		aws_buffer_cut(&line, 0);
		aws_buffer_format(&line, "%s%s%s", name, *value != '\0' ? ": " : ";", value);
		ok = !line.failed && add_header(transfer, line.data);
	}
	aws_secret_buffer_free(&line);
	return ok;
}

/* The options that no request can change, then those of this one. */
static CURLcode
set_options(AwsTransfer *transfer, const AwsHttpRequest *request)
{
	CURL *easy = transfer->easy;
	CURLcode code = CURLE_OK;

	code |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	code |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	code |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	code |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	code |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	code |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
	code |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	code |= curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	code |= curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	code |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, transfer->http->version);
	code |= curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, CONNECTION_MAX_IDLE_S);
	code |= curl_easy_setopt(easy, CURLOPT_SHARE, transfer->http->share);
	code |= curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	code |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->message);
	code |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	code |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
	code |= curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_sending);
	code |= curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
	code |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header_arrived);
	code |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	code |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_arrived);
	code |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);

	code |= curl_easy_setopt(easy, CURLOPT_URL, request->url);
	code |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
	code |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long) request->connect_timeout_ms);
	code |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long) request->timeout_ms);
	if (request->decompress)
		code |= curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
	if (strcmp(request->method, "HEAD") == 0)
		code |= curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	else if (request->body_len > 0 || strcmp(request->method, "POST") == 0 || strcmp(request->method, "PUT") == 0)
	{
		code |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) request->body_len);
		code |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body_len > 0 ? request->body : "");
		code |= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
	}
	else
		code |= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
	return code;
}

AwsTransfer *
aws_http_start(AwsHttp *http, const AwsHttpRequest *request, const AwsHttpEvents *events, void *arg, AwsError *error)
{
	AwsTransfer *transfer;
	SignalGuard guard;
	bool ok;
	bool https = strncasecmp(request->url, "https://", 8) == 0;

	if (!https && strncasecmp(request->url, "http://", 7) != 0)
	{
		aws_error_set(error, AWS_BAD_INPUT, "an endpoint must begin with https:// or http://");
		return NULL;
	}
	transfer = calloc(1, sizeof(*transfer));
	if (transfer == NULL)
	{
		aws_error_memory(error);
		return NULL;
	}
	transfer->http = http;
	transfer->events = events;
	transfer->arg = arg;
	transfer->max_bytes = request->max_bytes;
	transfer->http_to_any = https || request->allow_http;
	transfer->allow_link_local = request->allow_link_local;
	transfer->easy = http->idle_count > 0 ? http->idle[--http->idle_count] : curl_easy_init();
	ok =
		transfer->easy != NULL && add_headers(transfer, request->headers) && set_options(transfer, request) == CURLE_OK;
	guard_enter(&guard);
	ok = ok && curl_multi_add_handle(http->multi, transfer->easy) == CURLM_OK;
	guard_leave(&guard);
	if (!ok)
	{
		curl_easy_cleanup(transfer->easy);
		curl_slist_free_all(transfer->headers);
		free(transfer);
		aws_error_memory(error);
		return NULL;
	}
	LIST_INSERT_HEAD(&http->transfers, transfer, all);
	return transfer;
}

bool
aws_transfer_sent(const AwsTransfer *transfer)
{
	return transfer->sent;
}

/* ---- other descriptors ---- */

bool
aws_http_watch(AwsHttp *http, int fd, void (*ready)(void *arg), void *arg)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
	Watch *watch = malloc(sizeof(*watch));

	if (watch == NULL || epoll_ctl(http->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
	{
		free(watch);
		return false;
	}
	*watch = (Watch){.fd = fd, .ready = ready, .arg = arg, .next = http->watches};
	http->watches = watch;
	return true;
}

void
aws_http_unwatch(AwsHttp *http, int fd)
{
	Watch **link = &http->watches;
	Watch *watch;

	while (*link != NULL && (*link)->fd != fd)
		link = &(*link)->next;
	if ((watch = *link) == NULL)
		return;
	epoll_ctl(http->epoll, EPOLL_CTL_DEL, fd, NULL);
	*link = watch->next;
	free(watch);
}
