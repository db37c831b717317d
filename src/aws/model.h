/*
 * model.h
 *	  One service's API model, compiled to a file that is mapped, not parsed.
 *
 * tools/models/compile makes one NAME.amb per service from botocore's JSON.
 * Such a file holds arrays of fixed records that refer to each other by index,
 * strings by number, and small trees coded as 16-bit words; it has no pointers,
 * so all processes share one read-only mapping.  Traits are merged and names
 * are turned into their wire form by the compiler: what is left at run time is
 * comparing integers.
 *
 * aws_model_open checks every index, offset, count and tree node of a file
 * (model_check.c) and its SHA-256.  Everything else may therefore follow any
 * reference without a test of its own.
 *
 * Integers are little-endian.  A change of any record needs a new
 * AWS_MODEL_VERSION here and in the compiler.
 */
#ifndef AWS_MODEL_H
#define AWS_MODEL_H

#include "aws/aws.h"

#define AWS_MODEL_MAGIC "AMB\n"
#define AWS_MODEL_VERSION 2

typedef enum AwsType
{
	AWS_TYPE_STRUCTURE,
	AWS_TYPE_LIST,
	AWS_TYPE_MAP,
	AWS_TYPE_STRING,
	AWS_TYPE_INTEGER,
	AWS_TYPE_LONG,
	AWS_TYPE_FLOAT,
	AWS_TYPE_DOUBLE,
	AWS_TYPE_BOOLEAN,
	AWS_TYPE_TIMESTAMP,
	AWS_TYPE_BLOB,
	AWS_TYPE_COUNT
} AwsType;

typedef enum AwsProtocol
{
	AWS_PROTOCOL_EC2 = 1,
	AWS_PROTOCOL_QUERY,
	AWS_PROTOCOL_JSON,
	AWS_PROTOCOL_REST_JSON,
	AWS_PROTOCOL_REST_XML,
	AWS_PROTOCOL_CBOR /* known, not spoken */
} AwsProtocol;

/* Where a member travels: AwsRef.flags & AWS_REF_LOCATION. */
typedef enum AwsLocation
{
	AWS_IN_BODY,
	AWS_IN_URI,
	AWS_IN_QUERY,
	AWS_IN_HEADER,
	AWS_IN_HEADERS, /* a map: every header with the wire name as prefix */
	AWS_IN_STATUS
} AwsLocation;

/* How a timestamp is written: aws_ref_time_format. */
typedef enum AwsTimeFormat
{
	AWS_TIME_DEFAULT, /* as the protocol has it */
	AWS_TIME_ISO8601,
	AWS_TIME_EPOCH,
	AWS_TIME_RFC822
} AwsTimeFormat;

/* AwsRef.flags, bits 0-2 location, bits 3-4 time format, then these; tools/models/amb.py has those that nobody here asks for */
#define AWS_REF_LOCATION 7u
#define AWS_REF_REQUIRED (1u << 5)
#define AWS_REF_TOKEN (1u << 6)		  /* idempotency token: filled when absent */
#define AWS_REF_JSON_VALUE (1u << 8)  /* JSON inside a string */
#define AWS_REF_HOST_LABEL (1u << 10) /* fills a label of the host prefix */
#define AWS_REF_FLATTENED (1u << 11)
#define AWS_REF_XML_ATTRIBUTE (1u << 12)
#define AWS_REF_CONTEXT (1u << 13)	 /* an endpoint parameter, see AWS_FACT_CONTEXT */
#define AWS_REF_NAMESPACE (1u << 14) /* see AWS_FACT_NAMESPACE */
#define AWS_REF_NAMED (1u << 15)	 /* the model gives a wire name of its own */

/* AwsShape.flags */
#define AWS_SHAPE_ERROR (1u << 0)
#define AWS_SHAPE_DOCUMENT (1u << 1)  /* a structure of any JSON */
#define AWS_SHAPE_SPARSE (1u << 3)	  /* a list or map with nulls in it */
#define AWS_SHAPE_RETRYABLE (1u << 6) /* the model says: send again */
#define AWS_SHAPE_THROTTLING (1u << 7)
#define AWS_SHAPE_HAS_BODY (1u << 8) /* a member travels in the body */

/* AwsOp.flags */
#define AWS_OP_NO_AUTH (1u << 0)	   /* is sent unsigned */
#define AWS_OP_UNSIGNED_BODY (1u << 1) /* is signed without the body */
#define AWS_OP_CHECKSUM (1u << 2)	   /* AWS requires a checksum of the body */
#define AWS_OP_EVENT_STREAM (1u << 3)  /* either side; cannot be called */
#define AWS_OP_STREAM_OUTPUT (1u << 5) /* the output's payload is a blob */
#define AWS_OP_BEARER (1u << 8)		   /* wants a bearer token, not a signature */

/* AwsModelHeader.flags */
#define AWS_MODEL_QUERY_COMPATIBLE (1u << 0) /* JSON, but error codes of the query protocol */
#define AWS_MODEL_S3 (1u << 1)				 /* signed as S3 wants it */
#define AWS_MODEL_OLD_SIGNATURE (1u << 2)	 /* not Signature Version 4; cannot be called */

/* Sparse facts: AwsFact.key is kind << 24 | index of the record it is about. */
typedef enum AwsFactKind
{
	AWS_FACT_NAMESPACE = 1,		/* of a ref: a URI, b prefix or 0 */
	AWS_FACT_CONTEXT,			/* of a ref: a endpoint parameter's name */
	AWS_FACT_ERROR,				/* of a shape: a HTTP status or 0, b 1 if the sender's fault */
	AWS_FACT_STATIC_CONTEXT,	/* of an operation: a endpoint parameter, b text or "true"/"false" */
	AWS_FACT_OPERATION_CONTEXT, /* of an operation: a endpoint parameter, b expression over the input */
	AWS_FACT_CHECKSUM_MEMBER	/* of an operation: a input member that names the checksum algorithm */
} AwsFactKind;

/* A string is a number into the file's strings; 0 is "" and means 'none'. */
typedef uint16_t AwsString;

/* An expression is an offset into the JMESPath code; 0 means 'none'. */
typedef uint16_t AwsExpression;

#define AWS_NO_REF UINT32_MAX

/* A use of a shape: a structure's member, a list's element, a map's key or value, an input or output. */
typedef struct AwsRef
{
	AwsString name; /* the member's name in the API; 0 if no member */
	AwsString wire; /* its name in requests */
	AwsString xml;	/* its name in XML answers */
	uint16_t shape;
	uint32_t flags;
} AwsRef;

typedef struct AwsShape
{
	uint8_t type; /* AwsType */
	uint8_t unused;
	uint16_t flags;
	AwsString name;	  /* of error shapes only, else 0 */
	uint16_t count;	  /* refs: a structure's members; 1 for a list; 2 for a map (key, value); else 0 */
	uint32_t first;	  /* the first ref */
	uint16_t payload; /* structure: 1 + number of the member that is the body, or 0 */
	AwsString code;	  /* error shape: the code on the wire */
} AwsShape;

typedef struct AwsOp
{
	AwsString name;
	AwsString method; /* HTTP */
	uint16_t flags;
	uint16_t response_code;	  /* HTTP status of success, or 0 */
	AwsString result_wrapper; /* element around the result (query), or 0 */
	uint16_t paginator;		  /* see aws_model_paginator; 0: none */
	uint32_t parts;			  /* see aws_model_parts */
	uint32_t input;			  /* ref of a structure, or AWS_NO_REF */
	uint32_t output;		  /* likewise */
} AwsOp;

typedef struct AwsFact
{
	uint32_t key;
	uint16_t a;
	uint16_t b;
} AwsFact;

typedef struct AwsWaiter
{
	AwsString name;
	uint16_t op;
	uint16_t delay; /* seconds between tries */
	uint16_t max_attempts;
	uint32_t acceptors; /* see aws_model_acceptors */
} AwsWaiter;

/* ---- the file ---- */

typedef struct AwsSection
{
	uint32_t offset;
	uint32_t count; /* records */
} AwsSection;

typedef struct AwsModelHeader
{
	char magic[4];
	uint32_t version;
	uint32_t size;		/* of the whole file */
	uint8_t digest[32]; /* SHA-256 of all that follows this member */
	AwsSection offsets; /* uint32: where each string starts; one more than there are strings */
	AwsSection shapes;
	AwsSection refs;
	AwsSection ops;		  /* sorted by name */
	AwsSection facts;	  /* sorted by key */
	AwsSection waiters;	  /* sorted by name */
	AwsSection hash;	  /* uint16: see aws_model_string_id; a power of two */
	AwsSection pool;	  /* uint16: lists that other records point to */
	AwsSection code;	  /* uint16: JMESPath trees, see jmespath.c */
	AwsSection rules;	  /* uint16: endpoint rules, see endpoint.c */
	AwsSection strings;	  /* bytes, each string NUL-terminated */
	AwsString service;	  /* "ec2": the name of the file */
	AwsString service_id; /* "EC2" */
	AwsString api_version;
	AwsString endpoint_prefix;
	AwsString signing_name;
	AwsString target_prefix; /* json: of X-Amz-Target */
	AwsString json_version;	 /* json: "1.0" or "1.1" */
	AwsString xml_namespace;
	uint16_t protocol; /* AwsProtocol */
	uint16_t flags;
	uint16_t rule_parameters; /* offsets into rules; 0: no rule set */
	uint16_t rule_root;
	uint16_t rule_variables; /* how many, parameters included */
	uint16_t unused;
} AwsModelHeader;

/* An open model.  Read the arrays directly; they never change. */
typedef struct AwsModel
{
	struct AwsModel *next; /* of those that a client keeps */
	const AwsModelHeader *header;
	const uint32_t *offsets;
	const char *strings;
	const AwsShape *shapes;
	const AwsRef *refs;
	const AwsOp *ops;
	const AwsFact *facts;
	const AwsWaiter *waiters;
	const uint16_t *hash;
	const uint16_t *pool;
	const uint16_t *code;
	const uint16_t *rules;
} AwsModel;

/*
 * Opens DIR/SERVICE.amb.  NULL with AWS_BAD_INPUT when there is no such
 * service (the hint has the nearest names), AWS_BAD_MODEL when the directory
 * or the file cannot be read or the file is not a valid model.
 */
extern AwsModel *aws_model_open(const char *dir, const char *service, AwsError *error);

/* Calls 'each' with the name of every model in a directory, sorted. */
extern bool aws_model_names(const char *dir, AwsNameFunction each, void *arg, AwsError *error);

/* Uses a model in memory, 'bytes' aligned to 4 and outliving it; for tests. */
extern AwsModel *aws_model_attach(const void *bytes, size_t len, AwsError *error);

extern void aws_model_close(AwsModel *model);

/*
 * Whether all records of a file refer to what exists; on false, *what names
 * the part that does not, or is NULL for lack of memory (model_check.c).
 */
extern bool aws_model_check(const AwsModel *model, const char **what);

/* ---- look-ups; none allocates, none fails but by 'not found' ---- */

static inline const char *
aws_model_string(const AwsModel *model, AwsString id)
{
	return model->strings + model->offsets[id];
}

static inline size_t
aws_model_string_len(const AwsModel *model, AwsString id)
{
	return model->offsets[id + 1] - model->offsets[id] - 1;
}

/* The number of a string that is some ref's name, wire or xml name; 0 when there is none such. */
extern AwsString aws_model_string_id(const AwsModel *model, const char *string, size_t len);

/* An operation by name, or NULL with the nearest names in the error's hint. */
extern const AwsOp *aws_model_op(const AwsModel *model, const char *name, AwsError *error);

static inline const AwsShape *
aws_model_shape(const AwsModel *model, const AwsRef *ref)
{
	return &model->shapes[ref->shape];
}

/* An operation's input or output as a ref, or NULL. */
static inline const AwsRef *
aws_model_ref(const AwsModel *model, uint32_t ref)
{
	return ref == AWS_NO_REF ? NULL : &model->refs[ref];
}

/* A structure's member by the number of its name, or NULL. */
extern const AwsRef *aws_model_member(const AwsModel *model, const AwsShape *shape, AwsString name);

/* Likewise by its name. */
extern const AwsRef *aws_model_member_named(const AwsModel *model, const AwsShape *shape, const char *name, size_t len);

static inline AwsLocation
aws_ref_location(const AwsRef *ref)
{
	return (AwsLocation) (ref->flags & AWS_REF_LOCATION);
}

static inline AwsTimeFormat
aws_ref_time_format(const AwsRef *ref)
{
	return (AwsTimeFormat) (ref->flags >> 3 & 3);
}

/* The first fact of a kind about the index-th ref, shape or operation, or NULL; then the next one about the same. */
extern const AwsFact *aws_model_fact(const AwsModel *model, AwsFactKind kind, uint32_t index);
extern const AwsFact *aws_model_next_fact(const AwsModel *model, const AwsFact *fact);

/* "ec2", "query", "json", "rest-json", "rest-xml", "cbor" */
extern const char *aws_protocol_name(AwsProtocol protocol);

/* "structure", "list", "map", "string", ... */
extern const char *aws_type_name(AwsType type);

/* ---- what an operation is made of ---- */

typedef enum AwsPartKind
{
	AWS_PART_LITERAL,
	AWS_PART_LABEL, /* {Name}: the member's value, encoded */
	AWS_PART_GREEDY /* {Name+}: '/' stays */
} AwsPartKind;

/* A piece of a URI path or host prefix. */
typedef struct AwsPart
{
	uint16_t kind;
	AwsString string; /* the text; of a label the wire name of a path, the member name of a host prefix */
} AwsPart;

/* A query parameter that the URI template has by itself. */
typedef struct AwsPair
{
	AwsString key;
	AwsString value; /* 0: the key alone */
} AwsPair;

typedef struct AwsParts
{
	const AwsPart *uri; /* the path; an empty one means "/" */
	const AwsPair *query;
	const AwsPart *host;	/* prefix of the host */
	const uint16_t *errors; /* shapes that the operation may answer with */
	int uri_count;
	int query_count;
	int host_count;
	int error_count;
} AwsParts;

extern void aws_model_parts(const AwsModel *model, const AwsOp *op, AwsParts *parts);

/*
 * The shape of an error by its code on the wire (or its shape's name): the
 * operation's own first, then the service's; NULL when it is not modelled.
 */
extern const AwsShape *aws_model_error(const AwsModel *model, const AwsOp *op, const char *code);

#define AWS_MAX_TOKENS 4 /* of a paginator */

/* A path into an output, as text and compiled. */
typedef struct AwsPath
{
	AwsString text; /* nearly always plain names with dots */
	AwsExpression code;
} AwsPath;

typedef struct AwsPaginator
{
	const AwsString *input_tokens; /* member names */
	const AwsPath *output_tokens;  /* as many as input tokens */
	const AwsPath *result_keys;	   /* the lists; the first one is the main one */
	int token_count;
	int result_count;
	AwsString limit_key;  /* input member for the page size, or 0 */
	AwsPath more_results; /* false in the last page; 0: the token's absence says so */
} AwsPaginator;

/* False if the operation has none. */
extern bool aws_model_paginator(const AwsModel *model, const AwsOp *op, AwsPaginator *paginator);

typedef enum AwsWaitState
{
	AWS_WAIT_SUCCESS,
	AWS_WAIT_FAILURE,
	AWS_WAIT_RETRY
} AwsWaitState;

typedef enum AwsMatcher
{
	AWS_MATCH_PATH,		/* the expression's value equals */
	AWS_MATCH_PATH_ALL, /* a list, not empty, of which all equal */
	AWS_MATCH_PATH_ANY, /* a list of which one equals */
	AWS_MATCH_STATUS,	/* the HTTP status is */
	AWS_MATCH_ERROR		/* the error code is; or for a boolean: there was one, or none */
} AwsMatcher;

typedef enum AwsExpected
{
	AWS_EXPECT_BOOLEAN = 1, /* value 0 or 1 */
	AWS_EXPECT_INTEGER,		/* the value itself */
	AWS_EXPECT_STRING		/* value is an AwsString */
} AwsExpected;

/* The first acceptor that matches an answer decides; if none does, try again. */
typedef struct AwsAcceptor
{
	uint16_t state;			  /* AwsWaitState */
	uint16_t matcher;		  /* AwsMatcher */
	AwsExpression expression; /* of the path matchers */
	uint16_t expected;		  /* AwsExpected */
	uint16_t value;
} AwsAcceptor;

extern const AwsWaiter *aws_model_waiter(const AwsModel *model, const char *name);
extern const AwsAcceptor *aws_model_acceptors(const AwsModel *model, const AwsWaiter *waiter, int *count);

#endif /* AWS_MODEL_H */
