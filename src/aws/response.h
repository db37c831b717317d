/*
 * response.h
 *	  From the bytes of one HTTP answer to JSON text, as they arrive.
 *
 * A parser is pushed through the answer once.  Guided by the output's shape it
 * writes JSON text directly: member names as in the API reference, blobs as
 * base64, timestamps as ISO 8601 in UTC ("2020-01-01T00:00:00Z", with three,
 * six or nine digits of a fraction only if there is one), numbers as they
 * came, NaN and infinities as strings; members that the model does not know
 * and nulls are dropped.  When a list of the output was asked for, each of its
 * elements is handed over when it is complete and the list is left out of the
 * result, so that memory follows one element and not the page.
 *
 * Every byte is taken to be hostile: nesting, size, encoding and syntax are
 * checked, and what does not pass makes the answer AWS_BAD_REPLY.  The texts
 * handed over are valid UTF-8 and valid JSON; U+0000 and half surrogate pairs
 * occur only as \u escapes, so that a reader can refuse that one element.
 */
#ifndef AWS_RESPONSE_H
#define AWS_RESPONSE_H

#include "aws/model.h"

typedef struct AwsReply AwsReply;

/*
 * Prepares for the answer to 'op'.  'items' is the path of a list in the
 * output ("DistributionList.Items"), "" for the paginator's first list (an
 * operation without one has no items then), or NULL for the whole result.  Of
 * a map each entry is an item {"key": ..., "value": ...}.  Of the limits,
 * max_depth and max_reply_bytes are kept; NULL means the defaults.
 *
 * NULL with AWS_BAD_INPUT if the output has no such list, or AWS_NO_MEMORY.
 */
extern AwsReply *aws_reply_new(const AwsModel *model, const AwsOp *op, const char *items, const AwsLimits *limits,
							   AwsError *error);

extern void aws_reply_free(AwsReply *reply);

/*
 * Begins an answer.  Called again, before a body byte was fed, it forgets the
 * headers of the one before (100 Continue, a proxy's answer to CONNECT).
 */
extern void aws_reply_head(AwsReply *reply, int status);

/* Takes one header; white space around the value is cut off. */
extern void aws_reply_header(AwsReply *reply, const char *name, size_t name_len, const char *value, size_t value_len);

/* The value of a header that came, its name in any case; NULL when none did. */
extern const char *aws_reply_header_value(const AwsReply *reply, const char *name);

/* Takes bytes of the body; false when reading further is pointless: then aws_reply_finish says why. */
extern bool aws_reply_feed(AwsReply *reply, const char *bytes, size_t len);

/*
 * Ends an answer that came completely.  False: AWS_REFUSED with status, code
 * and message for an error answer, AWS_BAD_REPLY or AWS_NO_MEMORY.  Items
 * that came before a failure can still be taken.
 */
extern bool aws_reply_finish(AwsReply *reply, AwsError *error);

/*
 * Takes the next item's JSON text, not NUL-terminated; NULL: none now.  Valid
 * until the next feed, finish or free.
 */
extern const char *aws_reply_item(AwsReply *reply, size_t *len);

/* After a successful finish: the result without the items, a JSON object. */
extern const char *aws_reply_result(const AwsReply *reply, size_t *len);

/*
 * After a successful finish: whether there is a next page, by the paginator's
 * output tokens and more_results.  aws_reply_token gives the n-th token as
 * JSON text for the n-th input token, or NULL if that one is not to be sent.
 */
extern bool aws_reply_more(const AwsReply *reply);
extern const char *aws_reply_token(const AwsReply *reply, int n);

/* The request id in headers or body, or NULL. */
extern const char *aws_reply_request_id(const AwsReply *reply);

#endif /* AWS_RESPONSE_H */
