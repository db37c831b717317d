/*
 * process.c
 *	  Runs a credential_process without waiting for it.
 *
 * The command gets a session of its own, nothing on standard input, and no
 * descriptor but the pipe for its output.  It is done when it has closed its
 * output and exited.  One that takes too long or says too much is killed, and
 * so is whatever it started and left in its session.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sessions for posix_spawn, pipe2 */
#endif

#include "aws/provider.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aws/http.h"

#define LIMIT_MS (60 * 1000)
#define EXIT_POLL_MS 10 /* between output's end and exit */
#define MAX_OUTPUT (64 * 1024)

extern char **environ;

struct AwsProcess
{
	AwsClient *client;
	AwsBuffer *output;
	void (*done)(void *arg, int status);
	void *arg;
	AwsTimer timer;
	int64_t limit;
	pid_t pid; /* 0 once it is reaped */
	int pipe;  /* -1 once it is closed */
};

char **
aws_split_command(char *command)
{
	char **words = malloc((strlen(command) / 2 + 2) * sizeof(*words));
	char *out = command; /* what is read is never behind what is written */
	int count = 0;

	if (words == NULL)
		return NULL;
	for (;;)
	{
		char quote = '\0';

		command += strspn(command, " \t");
		if (*command == '\0')
			break;
		words[count++] = out;
		for (; *command != '\0' && (quote != '\0' || strchr(" \t", *command) == NULL); command++)
		{
			if (quote == '\0' && (*command == '\'' || *command == '"'))
				quote = *command;
			else if (quote != '\0' && *command == quote)
				quote = '\0';
			else if (*command == '\\' && command[1] != '\0' && quote != '\'')
				*out++ = *++command;
			else
				*out++ = *command;
		}
		if (*command != '\0')
			command++;
		*out++ = '\0';
	}
	words[count] = NULL;
	return words;
}

/* Ends the process and all of its session; its exit status, or -1. */
static int
end_process(AwsProcess *process)
{
	int status = -1;

	if (process->pipe >= 0)
	{
		aws_http_unwatch(process->client->http, process->pipe);
		close(process->pipe);
	}
	process->pipe = -1;
	if (process->pid > 0)
	{
		kill(-process->pid, SIGKILL);
		while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
			;
		status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	}
	process->pid = 0;
	return status;
}

static void
finish(AwsProcess *process, int status)
{
	end_process(process);
	process->done(process->arg, status);
}

/*
 * The output has ended, or it is time to look again.  The process is not
 * reaped before its session was killed: until then nobody else has its number.
 */
static void
check_exit(void *arg)
{
	AwsProcess *process = arg;
	siginfo_t info = {0};

	if (aws_now_ms() >= process->limit)
		finish(process, -1);
	else if (waitid(P_PID, process->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0)
		aws_timer_set(&process->client->timers, &process->timer, aws_now_ms() + EXIT_POLL_MS);
	else
		finish(process, end_process(process));
}

static void
read_output(void *arg)
{
	AwsProcess *process = arg;
	char bytes[4096];
	ssize_t got = read(process->pipe, bytes, sizeof(bytes));

	if (got > 0 && process->output->len + got <= MAX_OUTPUT)
		aws_buffer_append(process->output, bytes, got);
	else if (got > 0)
		finish(process, -1);
	else if (got == 0 || (errno != EAGAIN && errno != EINTR))
	{
		aws_http_unwatch(process->client->http, process->pipe);
		close(process->pipe);
		process->pipe = -1;
		check_exit(process);
	}
	explicit_bzero(bytes, sizeof(bytes));
}

/* posix_spawn rather than fork: nothing of the server runs in the child. */
static pid_t
spawn(char **words, int output)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t signals;
	pid_t pid = -1;
	int error = posix_spawn_file_actions_init(&actions);

	if (error != 0 || (error = posix_spawnattr_init(&attributes)) != 0)
	{
		errno = error;
		return -1;
	}
	error |= posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	error |= posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	error |= posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	error |= posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	sigemptyset(&signals);
	error |= posix_spawnattr_setsigmask(&attributes, &signals);
	sigfillset(&signals);
	error |= posix_spawnattr_setsigdefault(&attributes, &signals);
	error |= posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	error = error != 0 ? ENOMEM : posix_spawnp(&pid, words[0], &actions, &attributes, words, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	errno = error;
	return error == 0 ? pid : -1;
}

AwsProcess *
aws_process_start(AwsClient *client, const char *command, AwsBuffer *output, void (*done)(void *arg, int status),
				  void *arg)
{
	AwsProcess *process = calloc(1, sizeof(*process));
	char *copy = strdup(command);
	char **words = copy != NULL ? aws_split_command(copy) : NULL;
	int ends[2] = {-1, -1};
	int error = ENOMEM;

	if (process != NULL && words != NULL && aws_timer_add(&client->timers, &process->timer))
	{
		*process = (AwsProcess){.client = client, .output = output, .done = done, .arg = arg, .pipe = -1};
		process->timer.fire = check_exit;
		process->timer.arg = process;
		process->limit = aws_now_ms() + LIMIT_MS;
		if (words[0] == NULL)
			error = ENOENT;
		else if (pipe2(ends, O_CLOEXEC) != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0 ||
				 (process->pid = spawn(words, ends[1])) < 0)
			error = errno;
		else if (aws_http_watch(client->http, ends[0], read_output, process))
		{
			process->pipe = ends[0];
			ends[0] = -1;
			error = 0;
			aws_timer_set(&client->timers, &process->timer, process->limit);
		}
		if (error != 0)
		{
			end_process(process);
			aws_timer_remove(&client->timers, &process->timer);
		}
	}
	if (ends[0] >= 0)
		close(ends[0]);
	if (ends[1] >= 0)
		close(ends[1]);
	free(words);
	free(copy);
	if (error == 0)
		return process;
	free(process);
	errno = error;
	return NULL;
}

void
aws_process_free(AwsProcess *process)
{
	if (process == NULL)
		return;
	end_process(process);
	aws_timer_remove(&process->client->timers, &process->timer);
	free(process);
}
