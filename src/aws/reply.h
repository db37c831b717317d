/*
 * reply.h
 *	  Between the files that read answers: response.c and response_*.c.
 *
 * A body parser (XML, JSON) walks a stack of frames, one for each structure,
 * list, map, entry or scalar that is open, and writes JSON text as it goes.
 * The bottom frame is the output itself; it is opened before the body, for
 * members that come by header, and closed after it.
 *
 * Output goes to the result, to the item at hand, or, for a flattened list or
 * map, to a side text of its own: S3 lists Version and DeleteMarker elements
 * in turns, and JSON wants each list in one piece.
 */
#ifndef AWS_REPLY_H
#define AWS_REPLY_H

#include <expat.h>

#include "aws/buffer.h"
#include "aws/json.h"
#include "aws/response.h"

#define AWS_MAX_ITEM_PATH 8
#define AWS_MAX_DECODED 4
#define AWS_OFF_PATH UINT8_MAX
#define AWS_MAX_ERROR_TEXT 65536 /* of a code, message or request id */

typedef enum AwsFrameKind
{
	AWS_FRAME_STRUCTURE,
	AWS_FRAME_LIST,
	AWS_FRAME_MAP,
	AWS_FRAME_ENTRY,	  /* XML: of the map below it */
	AWS_FRAME_SCALAR,	  /* XML: its text is being gathered */
	AWS_FRAME_ANY_OBJECT, /* JSON: copied as it comes */
	AWS_FRAME_ANY_ARRAY
} AwsFrameKind;

/* What came so far of a flattened list or map. */
typedef struct AwsSide
{
	struct AwsSide *next;
	const AwsRef *ref;
	AwsBuffer text;
} AwsSide;

typedef struct AwsFrame
{
	const AwsRef *ref;
	const AwsShape *shape;
	AwsSide *sides;	  /* structure: its flattened members */
	AwsBuffer *outer; /* flattened: where output went before */
	AwsFrameKind kind;
	uint16_t cursor; /* structure: the member that is likely next */
	uint8_t path;	 /* structure: names of the item path that lead here, or AWS_OFF_PATH */
	bool first;		 /* nothing is in it yet */
	bool items;		 /* its elements are items */
	bool joined;	 /* XML: ends with its element */
	bool keyed;		 /* entry: the key came and the value did not */
} AwsFrame;

/* A way to read bodies. */
typedef struct AwsBodyParser
{
	bool (*feed)(AwsReply *reply, const char *bytes, size_t len);
	bool (*finish)(AwsReply *reply);
} AwsBodyParser;

extern const AwsBodyParser aws_xml_body;
extern const AwsBodyParser aws_json_body;

struct AwsReply
{
	AwsReply *next; /* page.c: the next page of a listing */
	bool drained;	/* page.c: all items were taken */
	const AwsModel *model;
	const AwsOp *op;
	const AwsShape *output;			   /* never NULL */
	const AwsRef *payload;			   /* the output's member that is the whole body, or NULL */
	bool raw;						   /* as bytes or text, not as XML or JSON */
	AwsString path[AWS_MAX_ITEM_PATH]; /* of the items */
	int path_len;					   /* 0: none are asked for */
	bool error_in_success;			   /* see AWS_RULE_ERROR_IN_200 */
	bool keep_last;					   /* a token is taken from the last item */
	int max_depth;
	size_t max_bytes;

	int status;
	AwsBuffer headers;			 /* as aws_headers_add has them */
	const AwsBodyParser *parser; /* NULL: the body is not looked at, or gathered */
	bool begun;					 /* the head is complete */
	bool refused;				 /* an error answer is being read */
	bool failed;
	AwsErrorKind failure;
	AwsBuffer message; /* why it failed; of an error answer, the service's words */
	AwsBuffer code;
	AwsBuffer request_id;
	size_t received;

	AwsFrame *frames; /* max_depth and one more */
	int depth;
	AwsBuffer *out;
	AwsBuffer result;
	AwsBuffer items;
	size_t *ends; /* of the items */
	size_t end_count;
	size_t end_size;
	size_t taken;
	AwsBuffer last; /* the last item, if kept */
	AwsBuffer text; /* XML: of a scalar; else a body that is a blob or string */
	AwsBuffer key;	/* of a map's entry, as JSON */

	bool inside;		  /* the parser is within the output */
	bool entered;		  /* it has been */
	int skip;			  /* open elements or values that nobody wants */
	const AwsRef *member; /* JSON: whose value comes next; NULL: nobody's */
	AwsBuffer *gather;	  /* error answers and ids: where the text at hand goes; NULL: nowhere */
	int level;			  /* XML: open elements */
	int outside;		  /* XML: open elements around the output */
	int error_level;	  /* XML: of the <Error> element, or 0 */
	XML_Parser xml;
	AwsJson json;
	AwsString decoded[AWS_MAX_DECODED + 1]; /* members that are URL-encoded; 0 ends them */

	char *tokens[AWS_MAX_TOKENS];
	int token_count;
	bool more;
};

/*
 * Makes the answer AWS_BAD_REPLY, unless it has failed already or is an error
 * answer, which says enough by its status; returns false.
 */
extern bool aws_reply_fail(AwsReply *reply, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes it AWS_NO_MEMORY; returns false. */
extern bool aws_reply_memory(AwsReply *reply);

/* ---- writing (response_value.c) ---- */

/* Opens a frame; when that is one too many the reply fails and the frame is good for nothing. */
extern AwsFrame *aws_frame_push(AwsReply *reply, AwsFrameKind kind, const AwsRef *ref);

static inline AwsFrame *
aws_frame_top(AwsReply *reply)
{
	return &reply->frames[reply->depth - 1];
}

/*
 * Begins a value of 'ref' within 'parent': comma, member name or key, or a new
 * item.  aws_value_end ends it, when all of the value is written.
 */
extern void aws_value_begin(AwsReply *reply, AwsFrame *parent, const AwsRef *ref);
extern void aws_value_end(AwsReply *reply, AwsFrame *parent);

/* Opens a structure, list or map with its bracket, within 'parent'; the items' list without. */
extern AwsFrame *aws_container_open(AwsReply *reply, AwsFrame *parent, const AwsRef *ref);

/* Writes the closing bracket of the top frame, ends its value and takes the frame away. */
extern void aws_container_close(AwsReply *reply);

/* Whether a member of 'parent' is the list whose elements are items. */
extern bool aws_is_items(const AwsReply *reply, const AwsFrame *parent, const AwsRef *ref);

/* Writes a scalar that came as text.  False, and nothing written, for one that is empty and no string. */
extern bool aws_value_text(AwsReply *reply, AwsFrame *parent, const AwsRef *ref, const char *text, size_t len);

/* Writes the flattened members of a structure. */
extern void aws_write_sides(AwsReply *reply, AwsFrame *frame);

/* Writes the members that come by status and header. */
extern void aws_write_headers(AwsReply *reply);

#endif /* AWS_REPLY_H */
