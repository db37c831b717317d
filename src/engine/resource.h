/*
 * resource.h
 *	  The vocabulary in which a module says what its resources are.
 *
 * A resource is one kind of cloud object that has a table.  Everything that
 * the engine knows of it is data: static designated initialisers in
 * src/modules, one file a module.  The engine never names a resource.
 *
 * Four small languages are used inside the strings.
 *
 * Template: the input of an API call, JSON with single quotes for double
 *	 ones and placeholders for values, expanded by template.c:
 *		$column			the value; a reference gives the cloud id of what it
 *						refers to, a set an array, a map or JSON its document
 *		$column->attr	an attribute of the referred object
 *		$column.path	a place in a document: "$parts.[essential=true].name"
 *		$column:codec	the value through a codec (codec.c)
 *		$a|b->c			the first of them that has a value
 *		$column!		has to have a value: else the object or array that it
 *						stands in is left out
 *		$column+ $column-	elements that a change adds or takes away
 *		$@				the element at hand, in a call with .each
 *		$#				the cloud ids at hand, an array, in a batched read; in a batched
 *						call the array of the batch's expanded .element templates;
 *						in .create what the .lookup found
 *		$!token			the idempotency token of this step
 *		$!mark			the mark of this intent, or nothing where marks are off
 *		$!region $!account
 *		$~member		what AWS said last of the object: "$~loadBalancers.[0].containerName"
 *		$^attr			an attribute of the parent, in a listing .per parent; of
 *						the carrier, in a part
 *	 A placeholder that is the whole string gives JSON of the column's type; in
 *	 the midst of text, where ${...} sets it off, it gives its text.  $$ is a
 *	 dollar.  An array in an array gives its elements: ['$tags:tags', {...}].
 *	 {'$:codec': {...}} is the object through a codec.  A member whose
 *	 placeholder has no value is left out; so is an object or array that holds
 *	 placeholders, none of which has a value ($!region and $!account do not
 *	 count).  The outermost object stays.  A member 'name?columns' of an update
 *	 is there if one of these columns changes, and an object or array then stays
 *	 even without values; so one call takes several changes.
 *
 * Path: a place in a reply: "VpcId", "State.Code", "Listeners[0].Arn",
 *	 "Tags:tags" (through a codec), "Subnets[].SubnetId" (all, as an array),
 *	 "Tags[Key=Name].Value" (the first that the pattern matches).
 *	 Alternatives are separated by '|': the first that is there counts, and
 *	 'text' in quotes is always there: what AWS means where it says nothing.
 *
 * Pattern: "Path=value|value" or "Path!=value|value" or "Path" (is there),
 *	 joined by '&': tested against a reply, or against a row's columns where
 *	 said so.  A '*' in a value stands for any text; what is not there equals
 *	 the empty text; an array equals what any of its elements equals.
 *
 * Codes: AWS error codes separated by '|'; one may end in ':' and a substring
 *	 of the message ("InvalidParameterException:not been attached").
 */
#ifndef ENGINE_RESOURCE_H
#define ENGINE_RESOURCE_H

/* How an attribute's value is compared, read and written. */
typedef enum Form
{
	FORM_SCALAR, /* text of the column's type */
	FORM_SET,	 /* an array column: unordered, without duplicates */
	FORM_MAP,	 /* jsonb object of strings: tags; aws: and iasql: keys are not seen */
	FORM_JSON,	 /* a JSON document (jsonb or text column), compared structurally */
	FORM_POLICY, /* an IAM policy, compared in its canonical form (policy.c) */
	FORM_REF,	 /* a foreign key to .refers' table */
	FORM_IDS,	 /* an array of cloud ids of .refers; rows of it may be missing */
	FORM_JOIN,	 /* rows of the join table .join: a set of references to .refers */
	FORM_PARTS	 /* rows of the child table .parts, as the call's JSON (see Parts) */
} Form;

/* What an attribute is for. */
enum
{
	ATTR_ID = 1 << 0,		 /* the cloud id: AWS knows the object by it, in its region */
	ATTR_KEY = 1 << 1,		 /* part of the natural key */
	ATTR_COMPUTED = 1 << 2,	 /* AWS sets it: actual always wins */
	ATTR_REPLACE = 1 << 3,	 /* cannot change in place */
	ATTR_SHARED = 1 << 4,	 /* AWS changes it too: an unchanged row follows the cloud */
	ATTR_SECRET = 1 << 5,	 /* write-only: in no log and no state; NULL in the row once AWS has it */
	ATTR_TRIGGER = 1 << 6,	 /* acts when true, then returns to false */
	ATTR_KEEP = 1 << 7,		 /* setting NULL cannot clear it: the value returns with a NOTICE */
	ATTR_VOLATILE = 1 << 8,	 /* computed, and changes by itself: written back, never a difference */
	ATTR_EXCLUSIVE = 1 << 9, /* a reference that only one object may hold */
	ATTR_INSIDE = 1 << 10,	 /* ids of what is in an object that it cannot leave: left to AWS where that is made anew */
	ATTR_ACCOUNT = 1 << 11,	 /* computed: the account's id, which no reply has to say */
	ATTR_VARIANT = 1 << 12	 /* says of what kind the object is: a change from or to NULL cannot be made in place */
};

/*
 * Rows of a child table that have no life of their own and are sent with
 * their carrier: an ECS task definition's containers.  They are compared as
 * the JSON that the call would send, each reply cut down to the members that
 * the template can send.
 */
typedef struct Parts
{
	const char *table;	   /* child table */
	const char *fk;		   /* its column(s) that refer to the carrier; taken from the catalog when NULL */
	const char *key;	   /* column that tells the parts of one carrier apart; also in a reply, see key_path */
	const char *key_path;  /* the same in a reply part */
	const char *template_; /* template of one part, over the child's columns */
	/* "Path=value" joined by '&': what AWS fills in by itself, not compared; '*': any value, since no column holds it */
	const char *defaults;
	const char *columns; /* import: "column=Path" joined by '&' (codecs allowed) */
	const char *refs;	 /* "column=resource" joined by '&': the child's own references */
	/* import hook for columns that one path cannot give (an image reference);
	 * see engine.h's PartImport, NULL when columns says all */
	void (*import)(void *context);
} Parts;

typedef struct Attribute
{
	const char *column;
	const char *path; /* in a reply; NULL: no reply holds it */
	Form form;
	int flags;
	const char *refers; /* REF, IDS, JOIN: the resource referred to */
	const char *join;	/* JOIN: the join table */
	const Parts *parts; /* PARTS */
	const char *clear;	/* JSON that is sent for NULL when the column is cleared; NULL: the member is left out */
} Attribute;

/* One step: an API call, or a wait. */
typedef struct Call
{
	const char *operation; /* of the resource's .service, or "service:Operation" */
	const char *input;	   /* template */
	const char *when;	   /* pattern over the row's columns: only then; or NULL */
	const char *item;	   /* path of the object in the reply; NULL: the reply says nothing of it; "." the whole */
	const char *each;	   /* column that is a set or a map: once per element; "col+" added, "col-" removed */
	const char *needs;	   /* the same notation: only if there is such an element */
	const char *done;	   /* codes that mean 'already done' */
	const char *retry;	   /* codes to repeat with backoff until iasql.wait_timeout, or what .holders finds stays */
	const char *fail;	   /* path of members that report failures inside a 200 answer */
	/* batches: actions whose .batch columns are equal share one call */
	const char *batch;	 /* columns, comma separated; NULL: none */
	const char *element; /* template of one action's part, gathered in $# */
	int batch_max;
	const char *reply_items; /* path of the list in a batch's reply, matched to rows by natural key */
	/* a wait: no operation; the object is read until .until holds */
	const char *until; /* pattern over the object; "gone": until it is absent */
	/* the model's waiter for this, whose delay is the longest between two looks; NULL: it has none */
	const char *waiter;
	const char *bad; /* pattern: the wait has failed for good */
	int token_ok;	 /* the operation honours $!token for repeats */
} Call;

#define MAX_CALLS 6
#define MAX_CHANGES 12
#define MAX_ATTRIBUTES 40

/* A change in place: the columns that it covers and its calls. */
typedef struct Change
{
	const char *columns; /* comma separated; the calls run once if any of them changed */
	Call calls[MAX_CALLS];
} Change;

/* How all objects of a region are found. */
typedef struct Listing
{
	const char *operation;
	const char *input;			 /* template; NULL: {} */
	const char *items;			 /* path of the list; NULL: the paginator's result key */
	const char *per;			 /* resource: once per object of it, $^attr gives its attributes */
	const char *per_parent_gone; /* codes that mean that the parent has none, or has gone */
	const char *known_by; /* the parent's attribute that is the cloud id of what is asked for: not if that is listed */
	/* where the listing gives ids only: read them in batches */
	const char *describe;		/* operation */
	const char *describe_input; /* template with $# */
	const char *describe_items; /* path */
	int describe_batch;
	int newest;		  /* of ids that differ only in the number at their end, the greatest; read if not known */
	const char *only; /* pattern an item must match */
} Listing;

/* Another bulk listing whose items are put into the first's, by key. */
typedef struct Join
{
	const char *operation;
	const char *input;
	const char *items;
	const char *key;   /* path in its items */
	const char *match; /* path in the first's items */
	const char *as;	   /* member that takes the item */
} Join;

/* What AWS makes along with a new object, of another resource. */
typedef struct Born
{
	const char *resource; /* whose objects appear */
	const char *parent;	  /* its FORM_REF attribute that names the new object */
	const char *columns;  /* pattern over that resource's columns: which of them; NULL: all */
	const char *of;		  /* FORM_REF attribute of the new object: only if the item of what it refers to */
	const char *where;	  /* matches this pattern; NULL: always */
	int import;			  /* imported as a row; else adopted by an equal row, or .remove'd */
	Call remove;		  /* over the new object's columns */
} Born;

/* What may hold an object whose deletion is refused for now: asked for once, when it was refused twice. */
typedef struct Holders
{
	const char *what;	   /* "network interface" */
	const char *operation; /* paginated; where it is refused the deletion is repeated all the same */
	const char *input;	   /* template over the columns of the object */
	const char *items;	   /* path of the list */
	const char *stays;	   /* pattern over an item: it does not go by itself, so that repeating is no use */
	const char *shown;	   /* paths of what the error tells of it, comma separated; its id first */
	const char *hint;
} Holders;

typedef struct Resource
{
	const char *name;	 /* the table's name, and the resource's */
	const char *service; /* AWS service: "ec2" */
	const char *region;	 /* NULL: regional; else where a global one is asked ("aws-global", "us-east-1") */
	int read_only;		 /* AWS's own list: a row cannot create, nor delete unless there is .remove */

	Listing list;
	Listing also; /* a second listing whose items are added, or no operation */
	Join joins[3];

	/* read by cloud id: batched where .get_batch > 1; what is not in the reply is gone */
	const char *get;	   /* operation; NULL: only by listing */
	const char *get_input; /* template with $# (ids), or over the object's columns when get_batch is 1 */
	const char *get_items; /* path of the list, or of the object when get_batch is 1 */
	int get_batch;
	const char *gone; /* codes that mean absence */

	/* read by parent, for objects whose id no reply gave: .get's operation with other input */
	const char *find_input;	 /* template with $#, the parents' cloud ids */
	const char *find_parent; /* FORM_REF attribute */

	/*
	 * SQL statements, run in the workspace with the caller's rights before
	 * rows are read: what NULL means for a new row (default VPC, its subnets)
	 */
	const char *prepare[4];
	/* gives (id, id) of rows that .prepare makes one: for the error, when their key kept it from it */
	const char *equal;

	/* states: patterns over an item */
	const char *absent;	   /* as if it was not there */
	const char *leaving;   /* on its way out: not imported, its name is taken until it is gone */
	const char *broken;	   /* failed: shown; replaced if the row still wants it */
	const char *protect;   /* AWS's own: never changed or deleted; the row is put back */
	const char *unmanaged; /* the table cannot hold it: listed in iasql_unmanaged */
	const char *unmanaged_why;

	/* graph */
	const char *dies_with; /* FORM_REF attribute: goes with it, no call */
	/* "attribute=refs->attribute": computed; the parent of what refs name, which it cannot leave: else it is replaced */
	const char *stays_in;
	const char *blocks;	  /* FORM_REF attributes, comma separated: the referred cannot be deleted while this refers */
	const char *after;	  /* "resource:their_attr=my_attr" comma separated: create after those, delete before */
	const char *serial;	  /* attribute: one action at a time per value */
	const char *overlaps; /* "range_attr,scope_attr": ranges of one scope may not overlap */
	/* replies to create and change hold all: no reading back, unless a row leaves one of .reply_lacks to AWS */
	int reply_complete;
	const char *reply_lacks; /* columns, comma separated */
	int versioned;	/* an edit makes the next version; the old one goes after its users moved, if all are rows */
	int loses_data; /* replacement, renaming or a move of region loses contents: guarded */

	Attribute attributes[MAX_ATTRIBUTES];
	/* before .create, where a row leaves to AWS what the API asks for: $# in create[0] is what .item finds */
	Call lookup;
	Call create[MAX_CALLS];
	Change changes[MAX_CHANGES];
	Call remove[MAX_CALLS];
	Holders holders;
	Born born[3];
	const char *created_at; /* path of the creation time in an item, or NULL */
	const char *mark_path;	/* path of tags in an item where the mark is found, or NULL */
} Resource;

typedef struct Module
{
	const char *name;
	const char *depends[10];		  /* modules */
	const char *tables[8];			  /* all of its tables in order of creation, join and child tables too */
	const Resource *const *resources; /* NULL-terminated, parents first */
} Module;

/* registry.c: all modules, NULL-terminated, dependencies first. */
extern const Module *const iasql_modules[];

#endif /* ENGINE_RESOURCE_H */
