/*
 * page.c
 *	  From page to page of a listing, and the items on their way out.
 *
 * A page's items are handed over when the whole page has come, so that a page
 * that breaks off and is fetched again does not give its items twice.  While
 * the user takes the items of one page, the next ones are fetched, up to a few.
 */
#include "aws/client.h"

#include <stdlib.h>
#include <string.h>

#include "aws/error.h"
#include "aws/reply.h"

#define PAGES_AHEAD 4 /* kept for a user who does not take them */

/* Frees the page at hand. */
static void
free_page(AwsCall *call)
{
	AwsReply *page = call->page;

	call->page = page->next;
	aws_reply_free(page);
}

void
aws_pages_free(AwsCall *call)
{
	while (call->page != NULL)
		free_page(call);
	call->last_page = NULL;
}

/*
 * Keeps the token of the next page.  A service that repeats a token would be
 * listed forever.  Comparing each token with the one before and with one that
 * is moved up at every power of two finds a cycle of any length (Brent).
 */
static bool
keep_token(AwsCall *call, AwsBuffer *tokens, AwsError *error)
{
	char *token = aws_buffer_take(tokens);

	if (token == NULL)
		return aws_error_memory(error);
	if ((call->token != NULL && strcmp(token, call->token) == 0) ||
		(call->token_mark != NULL && strcmp(token, call->token_mark) == 0))
	{
		free(token);
		return aws_error_set(error, AWS_BAD_REPLY, "the service gave the same page token again, on page %d",
							 call->pages);
	}
	if ((call->pages & (call->pages - 1)) == 0)
	{
		free(call->token_mark);
		call->token_mark = strdup(token);
	}
	free(call->token);
	call->token = token;
	return true;
}

/* Builds the request of the next page: the input with the tokens in it. */
static bool
prepare_next(AwsCall *call, const AwsReply *reply, AwsError *error)
{
	const AwsModel *model = call->model;
	AwsPaginator paginator;
	AwsBuffer tokens = {0};
	bool ok = true;

	if (call->pages >= call->client->limits.max_pages)
		return aws_error_set(error, AWS_BAD_REPLY, "the listing has more than %d pages", call->pages);
	if (!aws_model_paginator(model, call->op, &paginator))
		return aws_error_set(error, AWS_BAD_REPLY, "there is a next page, but no way to ask for it");
	for (int i = 0; ok && i < paginator.token_count; i++)
	{
		const char *token = aws_reply_token(reply, i);

		aws_buffer_format(&tokens, "%s\n", token != NULL ? token : "null");
		ok = aws_request_set(&call->request, aws_model_string(model, paginator.input_tokens[i]), token, error);
	}
	ok = ok && keep_token(call, &tokens, error) && aws_request_rebuild(model, call->op, &call->request, error) &&
		 aws_call_hash(call, error);
	aws_buffer_free(&tokens);
	return ok;
}

void
aws_page_finished(AwsCall *call)
{
	AwsReply *page = call->reply;
	AwsError error = {0};

	call->reply = NULL;
	*(call->page != NULL ? &call->last_page->next : &call->page) = page;
	call->last_page = page;
	call->pages++;
	call->pages_waiting++;

	if (call->items == NULL || !aws_reply_more(page))
	{
		aws_call_end(call, NULL);
		return;
	}
	if (!prepare_next(call, page, &error))
	{
		aws_call_end(call, &error);
		return;
	}
	/* each page has its own tries and its own deadline */
	call->tries = 0;
	call->price = 0;
	call->deadline = 0;
	call->renewed = call->adjusted = false;
	aws_error_clear(&call->error);
	if (call->pages_waiting < PAGES_AHEAD)
		aws_client_queue(call, true);
	if (call->on_done == NULL)
		aws_client_note(call);
}

const char *
aws_call_item(AwsCall *call, size_t *len)
{
	for (AwsReply *page; (page = call->page) != NULL; free_page(call))
	{
		const char *item = page->drained ? NULL : aws_reply_item(page, len);

		if (item != NULL)
			return item;
		if (!page->drained)
		{
			page->drained = true;
			if (call->pages_waiting-- == PAGES_AHEAD && call->state == AWS_CALL_PAUSED)
				aws_client_queue(call, true);
		}
		if (page->next == NULL)
			break; /* the last one stays: it has the result */
	}
	return NULL;
}

const char *
aws_call_result(const AwsCall *call, size_t *len)
{
	if (call->state != AWS_CALL_DONE || call->error.kind != AWS_OK || call->last_page == NULL)
		return NULL;
	return aws_reply_result(call->last_page, len);
}
