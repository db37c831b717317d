/*
 * engine.h
 *	  The engine's one header: its data, and its functions grouped by the file
 *	  that defines them, so that it is also the map.
 *
 * The flow of one operation (apply, preview, sync, install):
 *
 *	session.c	which workspace, which account, locks
 *	catalog.c	which modules, tables, keys, regions
 *	table.c		rows  -> Object.desired
 *	state.c		state -> Object.base
 *	cloud.c		AWS   -> Object.actual		(call.c drives the AWS client)
 *	bind.c		which row, state entry and object are the same thing
 *	diff.c		per attribute: who changed what
 *	plan.c		actions; graph.c their order; guard.c what must not happen
 *	execute.c	actions' steps against AWS, journal.c before and after each
 *	settle.c	what earlier, failed or killed, runs left
 *	write.c		computed columns and imports back to rows, and the new base
 *
 * Everything lives in the operation's memory context (Session.memory); what
 * palloc does not own (the AWS client) is freed by a callback on it.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "postgres.h"

#include "access/htup.h"
#include "access/tupdesc.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "storage/itemptr.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "engine/compat.h"
#include "engine/resource.h"

/* aws/aws.h is included only by call.c and the SQL functions over AWS */
struct AwsClient;
struct AwsError;

/* ------------------------------------------------------------------ data */

/*
 * One attribute's value on one side.  Equal values have equal texts (policies
 * excepted: value_equal).  NULL, '', {} and [] are all text == NULL.
 *	SCALAR		the column type's output under the session's pinned settings; true and false
 *	SET, IDS	a JSON array of strings, sorted bytewise, without duplicates
 *	MAP, JSON, POLICY	jsonb's output
 *	REF, JOIN	for one that is bound: the cloud id / sorted array of cloud ids;
 *				"" while a referred object has none yet.  refs says which.
 *	PARTS		a JSON array of the parts as they would be sent, sorted by key
 */
typedef struct Object Object;

typedef struct Value
{
	const char *text;
	Object **refs; /* REF, IDS, JOIN: what it refers to, where known */
	int nrefs;
	bool unheld; /* of base: AWS had a value that the row could not hold, since what it refers to had no row */
} Value;

/* One row of a child table whose rows ride on their carrier (FORM_PARTS). */
typedef struct PartRow
{
	Jsonb *row;	   /* to_jsonb of it */
	Object **refs; /* what its references refer to, in the order of Parts.refs; NULL where none */
} PartRow;

typedef enum Presence
{
	PRESENCE_UNKNOWN, /* not listed, or the listing failed: freezes the object */
	PRESENCE_PRESENT,
	PRESENCE_ABSENT
} Presence;

/* A foreign key of the catalog, the region's column left out. */
typedef struct ForeignKey
{
	int n;
	const char *column[2];	 /* of the table that refers */
	const char *referred[2]; /* of the table referred to */
} ForeignKey;

#define MAX_CHILD_REFS 8

/* A join or child table, whose rows ride on a carrier. */
typedef struct Child
{
	Oid table;
	const char *qualified; /* quoted schema.table */
	bool has_region;
	ForeignKey carrier; /* its key to the carrier */
	int nrefs;			/* JOIN: one; PARTS: in the order of Parts.refs */
	const char *ref_column[MAX_CHILD_REFS];
	const char *refers[MAX_CHILD_REFS]; /* resource */
	ForeignKey ref[MAX_CHILD_REFS];
} Child;

/* A resource in this workspace: its table, and all its objects. */
typedef struct Kind
{
	struct World *world;
	const Resource *res;
	int index; /* position in World.kinds: parents first */
	int nattributes;
	Oid table;
	const char *qualified; /* quoted schema.table */
	bool has_region;	   /* the table has a region column */
	int key_columns;	   /* of the primary key */
	const char *key_column[4];
	const char *key_type[4];
	bool has_id;						   /* the primary key is an integer "id" */
	Oid type[MAX_ATTRIBUTES];			   /* column's type, InvalidOid: none (JOIN, PARTS) */
	const char *type_name[MAX_ATTRIBUTES]; /* quoted, for casts */
	ForeignKey fk[MAX_ATTRIBUTES];		   /* REF: own key; JOIN: the join table's key to .refers */
	struct Child *child[MAX_ATTRIBUTES];   /* JOIN, PARTS: the table that rides along */
	int id_attribute;					   /* ATTR_ID's index, -1 none */
	List *objects;						   /* of Object */
	struct Lookup *lookups;				   /* object.c's own */
	List *scans;						   /* cloud.c's own: how its listing went, by region */
	List *unsure; /* settle.c's own: creations of which nobody can tell whether they were done */
	bool frozen;  /* the whole kind, with .why */
	const char *why;
} Kind;

/*
 * Most rows are as they and AWS were when they agreed last.  Then desired, base
 * and actual are one array; object_part comes before anything is written into it.
 */
struct Object
{
	Kind *kind;
	const char *region; /* "" for global resources */

	/* the row, if any */
	Value *desired;			/* NULL: no row */
	const char *row_key;	/* JSON array of the primary key's values as text; also without row, from state */
	int64 row_id;			/* id column, -1 none */
	TransactionId row_xmin; /* with row_tid: the version of the row that was read */
	ItemPointerData row_tid;
	bool row_hidden; /* the owner sees a row that the caller does not */
	PartRow *parts;	 /* its child rows, if it has an attribute of FORM_PARTS */
	int nparts;

	/* what row and cloud agreed on last */
	Value *base;			 /* NULL: none */
	uint64 base_digest;		 /* state.c's own: of base as it is stored; 0: not known */
	bool base_created;		 /* by this database, rather than imported */
	TimestampTz base_time;	 /* when this database made it, or 0 */
	bool base_protected;	 /* iasql_protect */
	TimestampTz base_agreed; /* when base was written */
	const char *base_region; /* where it was then; NULL: no base */
	const char *former_key;	 /* of the row that had this base before it was renamed, or deleted and inserted again */
	Object *moved_to;		 /* its row went on in another region, or parent, as this object */
	bool renamed;			 /* its row seems to go on by another name as another object */

	/* what AWS answers */
	Presence presence;
	Value *actual; /* if present */
	Jsonb *item;   /* the reply's own form of it */
	Jsonb *kept;   /* the same, as it was when row and cloud agreed last: of what never changes, else NULL */
	const char *cloud_id;
	bool aws_protected, leaving, broken;
	Bitmapset *shared;	   /* attributes that iasql_share() marked */
	Bitmapset *unknown;	   /* attributes whose join failed: not compared */
	const char *unmanaged; /* why the table cannot hold it, or NULL */

	const char *natural_key; /* text over the key attributes, or NULL: has none */
	bool ours;				 /* made by this database by a run that did not commit: orphan or to be bound */
	TimestampTz left_at;	 /* when such a run last made or changed it, or 0 */
	const char *left_values; /* the row that wanted it then: journal_values of it */
	const char *left_for;	 /* made by it in place of another object: the row's key; else NULL */
	int resume_step;		 /* its creation stopped before this step; 0: complete */
	const char *frozen;		 /* why nothing may be done with it now, or NULL */
	bool imported;			 /* an import of this run */
	bool changed;			 /* scope.c's: the row says otherwise than base */
	bool merged;			 /* bind.c's: it went into another Object */

	struct Action *action; /* of the plan, or NULL */
};

/* All that one operation looks at. */
typedef struct World
{
	Kind **kinds; /* installed ones, parents first */
	int nkinds;
	const char **regions; /* enabled ones; the first is the default */
	int nregions;
	const char *account;  /* AWS account id, or NULL while unknown */
	Bitmapset *looked_at; /* kinds, by index, that this operation lists */
	List *scans;		  /* cloud.c's own */
	List *tombstones;	  /* state.c's own */
	bool tombstones_read;
	MemoryContext memory; /* of all that belongs to it; world_alloc carves it from blocks */
	char *block;
	Size block_left;
} World;

typedef enum ActionKind
{
	ACTION_CREATE,
	ACTION_UPDATE,
	ACTION_REPLACE,
	ACTION_DELETE
} ActionKind;

typedef enum ActionState
{
	ACTION_WAITING,
	ACTION_RUNNING,
	ACTION_DONE,
	ACTION_FAILED,
	ACTION_SKIPPED /* depends on a failed one */
} ActionState;

/* One attribute's change. */
typedef struct Delta
{
	int attribute;
	Value from;	 /* actual */
	Value to;	 /* desired */
	bool push;	 /* cloud follows row; else row follows cloud */
	bool drift;	 /* the cloud moved away from base */
	bool edited; /* the row moved away from base */
} Delta;

typedef struct Action
{
	ActionKind kind;
	Object *object;
	List *deltas;		  /* of Delta, for updates and replacements */
	bool adopted;		  /* a create that took over what is there */
	bool born;			  /* a create that takes over what AWS makes along with its parent */
	struct Action *rides; /* no calls: goes with what this deletes */
	bool row_only;		  /* an update that writes the row and calls nothing */
	bool delete_first;	  /* replacement */
	bool reported;		  /* counts as a row of the result */
	bool concluded;		  /* its row and base were written */
	ActionState state;
	const char *error; /* AWS's message for a failed one, with code and request id */
	const char *hint;  /* what can be done about it, or NULL */
	int sqlstate;
	List *before; /* of Action: those that must end first */
	List *after;  /* of Action: those that wait for this one */
	int pending;  /* members of before that have not ended */
	/* replacement: the new object's deletion half is a second action, unless the old one stays */
	struct Action *other_half;
	Object *replaced; /* the old one */
	struct Run *run;  /* execute.c's own */
} Action;

typedef struct Plan
{
	List *actions;	 /* of Action, in reporting order */
	List *imports;	 /* of Object: rows to insert */
	List *forgotten; /* of Object: state entries to drop */
	List *dropped;	 /* of Object: rows to delete (sync) */
	List *written;	 /* of Action: row_only updates not reported (shared, computed) */
	int unchanged;
	struct HTAB *creations; /* steps.c's own */
} Plan;

typedef enum DriftMode
{
	DRIFT_REVERT,
	DRIFT_IMPORT,
	DRIFT_REPORT
} DriftMode;

typedef enum Verb
{
	VERB_APPLY,
	VERB_PREVIEW_APPLY,
	VERB_SYNC,
	VERB_PREVIEW_SYNC,
	VERB_INSTALL,
	VERB_UNINSTALL,
	VERB_REFRESH
} Verb;

/* One operation, from its call to its end. */
typedef struct Session
{
	Verb verb;
	const char *params; /* JSON of its arguments, for the record; NULL: none */
	MemoryContext memory;
	Oid schema;				 /* the workspace's */
	const char *schema_name; /* not quoted */
	int workspace;			 /* iasql_workspace.id */
	Oid ext_schema;			 /* the extension's */
	const char *ext;		 /* quoted, with the dot: "public". */
	Oid owner;				 /* of the extension */
	Oid caller;
	DriftMode drift;
	bool changed_only;	/* scope => 'changed' */
	bool report_errors; /* on_error => 'report' */
	List *allow;		/* of char *: guards lifted */
	List *modules;		/* of char *: install and uninstall: the modules that come or go */
	List *refused;		/* of char *: rows that row-level security keeps the caller from changing */
	int64 operation;	/* journal's number, 0 none */
	int imported;		/* rows for what had none */
	List *left;			/* settle.c's own: what earlier operations left */
	World *world;
	Plan *plan;
	struct Account *account; /* call.c's own */
	struct Journal *journal; /* journal.c's own */
	TimestampTz started;
} Session;

/* ------------------------------------------------------------- functions */

/* in stop.c: where tests kill an operation */
extern char *iasql_test_stop;
extern void test_stop_reset(void);
extern void test_stop(const char *place);

/* in settings.c: defined by _PG_init, read everywhere */
extern char *iasql_endpoint_url;
extern int iasql_max_concurrency;
extern int iasql_connect_timeout; /* ms */
extern int iasql_request_timeout;
extern int iasql_wait_timeout;
extern int iasql_lock_timeout;
extern int iasql_consistency_window;
extern int iasql_orphan_grace;
extern int iasql_audit_retention; /* minutes; 0: all is kept */
extern int iasql_max_imported_deletes;
extern int iasql_max_emptied;
extern bool iasql_use_server_credentials;
extern bool iasql_mark_objects;
extern bool iasql_allow_http;
extern int iasql_max_reply; /* kB */
extern int iasql_max_pages;
extern int iasql_max_depth;
extern void settings_define(void);

/* in registry.c */
extern const Module *module_by_name(const char *name);
extern const Resource *resource_by_name(const char *name);
extern const Module *module_of_table(const char *table);
/* index of an attribute, -1 if there is none or 'column' is NULL; a length below zero: the name is terminated */
extern int attribute_index(const Resource *res, const char *column, int len);
extern int attribute_count(const Resource *res);
/* whether 'name' is an element of the comma separated 'list' */
extern bool list_names(const char *list, const char *name);
/* up to three known names near to this one, "a", "b" or NULL */
extern char *nearest_names(const char *name, const char *(*next)(void *arg, int i), void *arg);

/* in session.c */
extern Session *session_begin(Verb verb, MemoryContext memory);
/* for single calls to AWS; no error where there is no workspace */
extern Session *session_for_calls(MemoryContext memory);
/* the workspace lock: conditional try, NOTICE, then wait; held to the end of the transaction */
extern void session_lock(Session *session);
/* the same beyond the transaction: until it is let go, or the connection ends */
extern void session_hold(Session *session);
extern void session_let_go(Session *session);
extern bool session_holds(Session *session);
/* errors unless READ COMMITTED, writable, not in recovery, and not nested in another operation */
extern void session_check_may_act(Session *session);
/* runs SPI with pinned settings: nest = pin_settings(); ...; unpin_settings(nest) */
extern int pin_settings(void);
/* the same but for search_path: for statements that run users' triggers */
extern int pin_formats(void);
/* within a nest of settings: names without schema mean the workspace's */
extern void pin_workspace(const char *schema);
extern void unpin_settings(int nest);
/* user id switch around the extension's own tables: save and restore */
typedef struct SavedUser
{
	Oid user;
	int context;
	int nest; /* of settings */
} SavedUser;
extern SavedUser become_owner(const Session *session);
extern SavedUser become_table_owner(Oid table);
extern void become_caller(SavedUser saved);
/* runs one statement in an open SPI connection; raises unless it ends as 'expected' (SPI_OK_...) */
extern void run_sql(int expected, const char *sql, int nargs, const Oid *types, const Datum *values);
extern Datum text_array(const char *const *texts, int n); /* text[]; NULL elements allowed */
/* runs 'body' in a subtransaction; false and the error after one that 'caught' (NULL: any) says yes to */
extern bool subtransaction(void (*body)(void *), void *arg, bool (*caught)(int sqlstate), ErrorData **failure);
/* runs 'body' in a subtransaction that is rolled back, and passes its error on */
extern void subtransaction_undone(void (*body)(void *), void *arg);
/* set iff the module is installed in this workspace */
extern bool module_installed(Session *session, const char *module);
extern bool module_is_builtin(const Module *module); /* iasql_platform, iasql_functions */
extern void module_register(Session *session, const Module *module);
extern void module_unregister(Session *session, const Module *module); /* its resources' state too */
extern const char *extension_version(const Session *session);
extern bool guard_allowed(const Session *session, const char *guard);
extern bool workspace_owned(const Session *session);	/* whether the caller owns its tables */
extern const char *workspace_account(Session *session); /* as recorded, or NULL */
extern void workspace_set_account(Session *session, const char *account);
extern bool workspace_is_armed(Session *session); /* by iasql_arming: system identifier, database, timeline */
extern void database_arm(Session *session, bool armed);
extern int64 session_acting(void); /* number of the operation that acts now, 0 without one; -1: none acts */

/* in value.c: texts, equality, conversion to a column's canonical text */
extern bool value_equal(const Attribute *attr, const Value *a, const Value *b);
extern bool value_is_null(const Value *v);
/* whether it refers to what has no row, and gets none, which a row can only say by NULL */
extern bool value_unheld(const Attribute *attr, const Value *v);
/*
 * JSON value from a reply -> canonical text for the attribute; NULL: null.  'row': the row's text, or NULL.  Error text in
 * *why when the column cannot hold it.
 */
extern const char *value_from_json(const Kind *kind, int attribute, JsonbValue *json, const char *row,
								   const char **why);
/* the JSON that stands for the value in a call: quoted, bare or a document, as column type and form say */
extern void value_to_json(const Kind *kind, int attribute, const Value *value, StringInfo out);
extern int compare_texts(const ListCell *a, const ListCell *b); /* for list_sort over char *: bytewise */
extern char *sorted_json_array(List *strings);					/* of char *; NULL for none */
extern List *json_array_strings(const char *array);				/* of char * */
/* JSON text <-> JsonbValue; containers are jbvBinary, what they point to is palloc'd */
extern void jsonb_root(Jsonb *doc, JsonbValue *out);
extern void json_parse(const char *json, Size len, JsonbValue *out);				 /* raises */
extern bool json_try(const char *json, Size len, JsonbValue *out, const char **why); /* for what came from outside */
extern void json_append(StringInfo out, const JsonbValue *value);
extern void json_append_string(StringInfo out, const char *text, Size len); /* quoted */
/* steps through an array, or a single value as if it was an array of one */
typedef struct JsonElements
{
	const JsonbValue *of;
	JsonbIterator *it;
	bool started;
} JsonElements;
extern bool json_next_element(JsonElements *elements, JsonbValue *out);
extern bool json_next_member(const JsonbValue *object, JsonbIterator **it, JsonbValue *key,
							 JsonbValue *value); /* *it NULL at first */
extern bool json_is_array(const JsonbValue *value);
extern bool json_is_object(const JsonbValue *value);
extern char *json_text(const JsonbValue *value); /* a scalar's text, a container's JSON; NULL for null */

/* in policy.c: the one text of all IAM policies that mean the same; what is no JSON object stays as it is */
extern char *policy_canonical(const char *policy);

/* in path.c: paths and patterns over jsonb */
extern bool path_get(Jsonb *doc, const char *path, JsonbValue *out); /* false: nothing there */
extern char *path_text(Jsonb *doc, const char *path);				 /* scalar as text, or document; NULL */
extern bool pattern_matches(Jsonb *doc, const char *pattern);		 /* NULL or "" matches */
extern bool path_find(const JsonbValue *from, const char *path, Size len, JsonbValue *out);
/* steps through "a=b&c=d": *list to behind the next one, its halves palloc'd; false at the end */
extern bool assignment_next(const char **list, char **left, char **right);
typedef bool (*PatternLookup)(void *arg, const char *path, Size len, JsonbValue *out);
extern bool pattern_test(const char *pattern, Size len, PatternLookup lookup, void *arg);

/* in codec.c: pure conversions named in templates and paths */
extern bool codec_to_cloud(const char *codec, const char *json, StringInfo out); /* false: no value */
extern bool codec_from_cloud(const char *codec, JsonbValue *in, JsonbValue *out);
extern void codec_normalize(const char *codec, JsonbValue *value); /* lists of pairs in one order, and the like */
extern bool name_is_reserved(const char *name, Size len); /* a tag that is not the user's: aws:…, iasql:… */
/* "host:5000/team/app:1.2@sha256:…" apart; NULL for what it lacks */
extern void image_split(const char *image, char **repository, char **tag, char **digest);

/* in template.c */
typedef struct TemplateArgs
{
	Session *session;
	const Object *object; /* whose columns; NULL none */
	const Value *values;  /* desired, base or actual */
	const Action *action; /* for $column+ and $column- */
	const char *element;  /* $@, JSON text */
	const char *gathered; /* $#, JSON array text */
	const char *token;
	const char *mark;
	const Object *parent; /* $^ */
	const char *region;	  /* $!region; NULL: the object's, or the parent's */
} TemplateArgs;
/*
 * Expands; an error in the template is an elog(ERROR). *masked, unless NULL, gets the text with "***" for secrets (for the
 * journal): the result itself, where there are none.
 * A reference to what has no cloud id yet is an error (55000): a call without it would mean something else. NULL: a template that is no object or array, and has no value.
 */
extern char *template_expand(const char *template_, const TemplateArgs *args, char **masked);
/* patterns over a row: "column=value", "column->attr=value", "column.path=value" */
extern bool pattern_matches_row(const Object *object, const Value *values, const char *pattern);
extern char *template_expand_part(const Parts *parts, const PartRow *row, const TemplateArgs *args);

/* in parts.c: the text of a FORM_PARTS value from object->parts (desired), NULL: none; 'whole' as it is sent, else as it is compared */
extern char *parts_from_rows(const Session *session, const Object *object, const Parts *parts, bool whole);
/* the same from a reply's array */
extern char *parts_from_reply(const Parts *parts, const JsonbValue *array);

/* in catalog.c: installed modules, enabled regions, and the catalog's view of the tables */
extern World *world_open(Session *session);	 /* kinds, regions; no rows yet */
extern bool world_prepare(Session *session); /* runs Resource.prepare of all kinds; whether a row changed */

/* in table.c: rows */
typedef void (*RowReader)(void *arg, HeapTuple tuple, TupleDesc desc, Datum *values, bool *nulls);
/* gives each row of a query to 'reader'; for many rows.  What the reader pallocs is gone after it. */
extern void query_rows(const char *sql, RowReader reader, void *arg);
extern void world_read_rows(Session *session); /* Object.desired with references */
/* locks the rows that the plan writes; false if one changed since it was read */
extern bool rows_lock(Session *session, const Plan *plan);
/*
 * Makes desired texts anew that depend on other objects' cloud ids: REF, JOIN
 * and PARTS.  After binding, and before an action's calls are expanded.
 */
extern void object_refresh(const Session *session, Object *object);
/* the SQL expression that reads an attribute's column (of REF: of its k-th key column), and its result's text */
extern void column_select(StringInfo sql, const Kind *kind, int attribute, int k);
extern const char *column_text(const Kind *kind, int attribute, Datum value);
/* the same of the primary key and the region, and what the first columns of such a result say of the Object's row */
extern void key_select(StringInfo sql, const Kind *kind);
/* compares columns of t with the JSON array u.k */
extern void match_select(StringInfo sql, int ncolumns, const char *const *columns, const char *const *types);
extern void object_set_row(Object *object, HeapTuple tuple, TupleDesc desc);

/* in object.c: Objects and look-ups */
extern void *world_alloc(World *world, Size size); /* zeroed, lives as long as the world, cheap */
extern char *world_text(World *world, const char *text, Size len);
/* 'same', which may be NULL, if that is what the text says: else a copy */
extern const char *lasting_text(World *world, const char *same, const char *text, Size len);
extern Object *object_new(Kind *kind, const char *region);
/* of an object of this kind; lasts as long as the world */
extern Value *values_copy(const Kind *kind, const Value *values);
/* whether its row and AWS are as when they agreed last, by what is one array */
extern bool object_is_one(const Object *object);
/* gives row, base and cloud an array each */
extern void object_part(Object *object);
extern bool object_is_enabled(const Object *object); /* its region is managed; global ones always are */
/* after a cloud id or key of an object came or changed: keeps look-ups right */
extern void object_index(Object *object);
/* look-ups give NULL where there is none; of two with one value the one indexed last; region "" for kinds without */
extern Object *object_by_row(Kind *kind, int ncolumns, const char *const *columns, const char *const *values,
							 const char *region);
extern Object *object_by_row_key(Kind *kind, const char *row_key);
extern Object *object_by_cloud_id(Kind *kind, const char *region, const char *cloud_id);
extern Object *object_by_attribute(Kind *kind, const char *region, const char *column, const char *text);
/* the text of a row's column that is an attribute or part of the primary key; NULL: none */
extern const char *object_column(const Object *object, const char *column);
extern Kind *kind_by_name(World *world, const char *resource);
extern const char *object_describe(const Object *object); /* "security_group web (sg-1)" for messages */
/* the plan's description column: cloud id, or id/natural key for creates */
extern const char *object_description(const Object *object, ActionKind kind);

/* in write.c: rows follow; all of it as the caller */
/*
 * Inserts rows for objects of the cloud (Object.actual), parents first, with
 * their join and child rows.  Sets row_key, row_id, desired and base; where a
 * row cannot be inserted, Object.unmanaged instead.
 */
extern void write_imports(Session *session, List *objects);
/*
 * One UPDATE a table: computed columns, columns left to AWS, and deltas that
 * are not pushed take the cloud's value.  Object.desired follows.
 */
extern void write_rows(Session *session, List *actions);
extern void write_dropped(Session *session, List *objects); /* deletes rows, children first, and their state */

/* in child.c: join and child rows from what the cloud says of their carriers, which are of one kind */
extern void children_insert(Session *session, const List *carriers, int attribute);
extern void children_delete(const Child *child, const List *carriers);
/* a PARTS value of Object.actual that names what is not there: as its rows would give it */
extern void children_resolve(Session *session, Object *object, int attribute);
/* the SQL that stands for no value where a column is NOT NULL: its default, else the empty value; NULL: NULL */
extern const char *column_otherwise(Oid table, const char *column);

/*
 * What a PARTS import hook gets: called once for a part of the reply, after
 * Parts.columns; gives further columns by part_set.
 */
typedef struct PartImport
{
	Session *session;
	const Object *object; /* the carrier */
	const Child *child;
	Jsonb *part;
	List *columns; /* of char *: set so far, and */
	List *texts;   /* of char *: their values */
	Object **refs; /* what its references lead to, in the order of Child.ref */
} PartImport;
extern void part_set(PartImport *import, const char *column, const char *text); /* NULL: nothing */
/* sets a reference of Parts.refs to this object's row */
extern void part_refer(PartImport *import, const char *column, const Object *referred);

/* in state.c: iasql_state and its kin, as the extension's owner */
extern void state_read(Session *session); /* Object.base, cloud_id, shared for all kinds; after rows */
extern void write_base(Session *session,
					   List *objects); /* iasql_state := Object.base, .cloud_id, .base_created, .base_time */
extern void write_forgotten(Session *session, List *objects);
extern void audit_expire(Session *session); /* deletes what iasql.audit_retention no longer keeps */
extern void state_tombstones(Session *session, const List *objects);
/* whether this object was deleted by us within the last hour, so that a list that lags may still show it */
extern bool state_is_tombstone(Session *session, const Kind *kind, const char *region, const char *cloud_id);

/* in call.c: the AWS client on behalf of SQL: waits on latch and descriptor, honours cancel */
typedef struct CloudCall CloudCall;
typedef void (*CallItem)(void *arg, const char *json, Size len);
typedef void (*CallEnd)(void *arg, CloudCall *call);
extern struct Account *account_open(Session *session); /* credentials of the workspace; error 28000/55000 with HINT */
/*
 * Starts a call; 'items' as in aws.h.  Ends are collected by cloud_next.
 * Nothing throws for an AWS error: look at cloud_error.
 */
extern CloudCall *cloud_start(Session *session, const char *service, const char *operation, const char *region,
							  const char *input, const char *items, bool lost_is_final, void *user);
/* Waits until a call has ended (or 'wake' descriptors/latch), at most 'timeout' ms; NULL on timeout or latch. */
extern CloudCall *cloud_next(Session *session, long timeout);
extern void *cloud_user(CloudCall *call);
extern List *cloud_items(CloudCall *call);		  /* of char *: JSON texts, once ended */
extern const char *cloud_result(CloudCall *call); /* whole result */
typedef struct CloudError
{
	const char *code, *message, *request_id, *service, *operation, *hint;
	int kind; /* AwsErrorKind */
	int http_status;
	bool maybe_executed;
} CloudError;
extern const CloudError *cloud_error(CloudCall *call); /* NULL: success */
extern const char *cloud_request_id(CloudCall *call);
extern void cloud_free(CloudCall *call);
/*
 * Has the items of a call, or the ended call itself, given to a function
 * instead of kept for cloud_next.  It runs in the frame of who waits, and may
 * raise, start calls, and free the ended one.
 */
extern void cloud_each(CloudCall *call, CallItem each, void *arg);
extern void cloud_on_end(CloudCall *call, CallEnd end, void *arg);
extern void cloud_turn(void); /* waits until there is something to do, and does it */
extern void cloud_send(void); /* sends what was started, and gives nothing to anyone */
/* starts a call and waits for its end, whatever else ends meanwhile; to be freed */
extern CloudCall *cloud_call(Session *session, const char *service, const char *operation, const char *region,
							 const char *input, const char *items, CallItem each, void *arg);
extern const char *cloud_paces(void);		 /* services that throttled, and how fast requests go since: JSON array */
extern struct AwsClient *cloud_client(void); /* the backend's, with the limits that the settings say */
/* raises what a function of the client said, and clears it */
pg_noreturn extern void cloud_raise_client(struct AwsError *error);
extern void account_ask(Session *session); /* asks for what account_id tells, while other things are done */
extern const char *
account_id(Session *session); /* GetCallerIdentity, once per backend and credentials; NULL if refused */
extern bool codes_match(const char *codes, const char *code, const char *message);
extern int sqlstate_of(const CloudError *error); /* the one table of SQLSTATEs */
pg_noreturn extern void cloud_raise(const CloudError *error);
extern char *cloud_error_text(const CloudError *error); /* one line: call, code, message, request id */

/* in actual.c: a reply's item -> an Object's actual values */
extern Jsonb *world_jsonb(World *world, const Jsonb *doc);
/* NULL where it is no JSON; *why: its texts had to be changed, so the table cannot hold it */
extern Jsonb *item_parse(World *world, const char *json, Size len, const char **why);
extern const char *item_id(const Kind *kind, Jsonb *doc); /* its cloud id, or NULL */
extern bool items_whole(const char *items);				  /* whether the path is ".", the whole result */
/* attributes that a join brings (NULL: all joins), added to the set */
extern Bitmapset *join_attributes(const Kind *kind, const Join *join, Bitmapset *set);
/* takes an item, under pinned formats; attributes in 'unknown' keep their values; false: unmanaged */
extern bool object_take_item(Object *object, Jsonb *doc, Bitmapset *unknown, const char *why);
/* an Object that is not among its kind's objects, to look at one reply */
extern Object *object_scratch(Kind *kind, const char *region);
extern void object_resolve_actual(Session *session, Object *object); /* references by cloud id -> Objects */
extern void kind_resolve_actual(Session *session, Kind *kind); /* called parents first, after the parents were bound */

/* in cloud.c: listing */
extern void cloud_list_begin(Session *session, const Bitmapset *kinds); /* all regions and parents at once */
extern void cloud_list_end(Session *session);
/* whether the listing of a kind in a region succeeded, and why not; a per-parent listing also asks for the parent */
extern bool kind_listed(const Kind *kind, const char *region, const Object *parent, const char **why);
/* the region to ask for a kind's objects of a region */
extern const char *asked_region(const Kind *kind, const char *region);
/* puts into objects, just read, what only a join knows */
extern void cloud_join(Session *session, List *objects);

/* in reread.c: reading known objects again */
/* by cloud id, batched, joins too; sets presence, actual, item */
extern void cloud_read(Session *session, List *objects);
/*
 * Why an object that a read by id did not find may exist all the same: this
 * database made it so lately that AWS may not show it yet.  NULL: it has gone.
 */
extern const char *object_is_late(const Session *session, const Object *object);
/* its asynchronous halves without joins, for waits: objects of one kind and region; at most .get_batch of them */
extern CloudCall *cloud_read_start(Session *session, List *objects, void *user);
extern void cloud_read_finish(Session *session, CloudCall *call, List *objects); /* sets presence, actual, item */
/* finds objects by their parents (Resource.find_input): matched by cloud id, else by natural key to objects without one; returns all found */
extern List *cloud_find(Session *session, Kind *kind, List *parents);

/* in multimap.c: from a text or a pointer to a list of pointers; keys are not copied */
struct HTAB;
extern struct HTAB *multimap_of_texts(void);
extern struct HTAB *multimap_of_pointers(void);
extern void multimap_add(struct HTAB *map, const void *key, void *value); /* key NULL: nothing */
extern List *multimap_get(struct HTAB *map, const void *key);			  /* NIL: none, or key is NULL */
extern void multimap_remove(struct HTAB *map, const void *key);

/* in scope.c */
extern Bitmapset *scope_kinds(Session *session); /* kinds to list, by index; marks changed objects */

/* in bind.c */
/* the row (or state entry) takes over what was listed; the listed Object is left empty */
extern void object_bind(Object *object, Object *listed);
/* the same, where it was made in place of what the row has, which becomes an Object of its own, to be deleted */
extern void object_bind_instead(Object *object, Object *made);
extern const char *object_natural_key(const Object *object,
									  const Value *values); /* NULL: it has none, or a part is missing */
pg_noreturn extern void bound_twice(const Object *first, const Object *second); /* the error: two rows of one object */
extern void bind_world(Session *session);

/* in diff.c: pure */
extern List *diff_object(const Object *object, DriftMode drift, bool sync, const char **refusal);
/* whether a value refers to an object that the plan creates anew, so that its cloud id will change */
extern bool object_replaced(const Value *value);
/* whether iasql_share says that others may change this attribute */
extern bool object_shares(const Object *object, int attribute);

/* in plan.c */
extern Plan *plan_apply(Session *session);
extern Plan *plan_sync(Session *session);
/* in graph.c */
extern void graph_build(Session *session, Plan *plan); /* edges, order; 55000 naming a cycle */
/* the deletion that an object's action is or includes, or NULL */
extern Action *deletion_of(const Object *object);
/* in guard.c */
extern void guard_check(Session *session, Plan *plan);
extern const char *guard_name(void *arg, int i); /* what 'allow' takes; NULL past the end */

/* in execute.c */
extern void execute_plan(Session *session, Plan *plan);

/* in progress.c: what other sessions see; '*last' when that was, 0 at first; 'doing' of a running action */
extern void progress_report(Session *session, const Plan *plan, TimestampTz *last,
							const char *(*doing)(const Action *action));
#define PROGRESS_SILENCE_MS 30000
/* what the caller is told when nothing ended for so long */
extern void progress_wait(const Plan *plan, TimestampTz *last, const char *(*doing)(const Action *action));

/* in elements.c: elements are the keys of a map, cloud ids of references, else members; char * */
/* the cloud ids of a reference or a set of them, 'newest': as they are now; *complete: all are known */
extern List *reference_ids(const Attribute *attr, const Value *value, bool newest, bool *complete);
/* what an action, which may be NULL, changes of an attribute; NULL: nothing.  The second: only what goes to the cloud */
extern const Delta *action_delta(const Action *action, int attribute);
extern const Delta *pushed_delta(const Action *action, int attribute);
extern bool pushes_any(const Action *action, const char *columns); /* comma separated */
/* all elements of a value, or those that the action adds ('+') or takes away ('-'); action NULL: the object is new */
extern List *value_elements(const Kind *kind, int attribute, const Value *value, const Action *action, char sign);
/* those of "column", "column+" or "column-" as JSON texts */
extern List *action_elements(const Action *action, const Value *values, const char *column);

/* in steps.c: which calls an action makes, one after the other */
extern List *action_steps(Session *session, Plan *plan, Action *action); /* of const Call * */
/* desired, with what AWS sets taken from actual: what templates are expanded over */
extern Value *effective_values(const Object *object);

/* in conclude.c: after execution: reads back, writes rows and base, raises what failed */
extern void import_objects(Session *session, List *objects); /* their rows, and their base */
extern bool concludes_early(const Action *action); /* nothing is to be read or done before its row is written */
extern void conclude_early(Session *session, List *actions);
extern void conclude(Session *session, Plan *plan);
extern void pause_ms(long ms); /* at most; may raise */

/* in look.c: what the last look saw, for iasql_drift and iasql_unmanaged */
extern void look_record(Session *session);

/* in journal.c: talks to the recorder (recorder.c), a background worker with its own transactions */
extern int64 journal_operation_begin(Session *session, const char *verb, const char *params);
extern void journal_operation_end(Session *session, const char *result_json, const char *error_json);
extern void journal_open(Session *session); /* before the first mutating call; 53400 when no worker slot */
extern int64 journal_intent(Session *session, const Action *action, int step, const char *service,
							const char *operation, const char *request_masked, const char *token); /* queued */
extern bool journal_is_durable(Session *session, int64 intent); /* polls; never waits */
extern void journal_outcome(Session *session, int64 intent, const char *cloud_id, const char *request_id,
							const char *error_code, const char *error_message, bool finished);
extern void journal_progress(Session *session, const char *json); /* for iasql_progress and listeners; queued */
extern void journal_flush(Session *session);					  /* until all that was queued is durable */
extern void journal_close(Session *session);
/* says in the caller's (sub)transaction that nothing of this operation is left to settle */
extern void journal_witness(Session *session, int64 operation);

/*
 * in settle.c: what earlier runs left in the journal: marks Objects .ours,
 * resumes.  Until when a call that is in doubt may still come into effect, so
 * that a look before that tells nothing; 0: all is told.
 */
extern TimestampTz settle_world(Session *session);
/* after binding of a kind: rows whose creation is in doubt take what they may have made, or are frozen */
extern void settle_unsure(Session *session, Kind *kind);
/* whether a run that did not commit was about to end an object, or the row's object */
extern bool settle_was_ending(const Session *session, const Object *object);
/* whether an attribute is in AWS as a run wrote it that did not commit, after row and cloud agreed last */
extern bool settle_rolled_back(const Object *object, int attribute);
/* whether a run that made the object and did not finish wrote an attribute, so that no value in the row is a wish */
extern bool settle_left_behind(const Object *object, int attribute);
/* at the end of an operation whose actions all succeeded, if 'whole': this one and earlier ones of which nothing is left */
extern void settle_close(Session *session, bool whole);
/* the row's wish as the journal keeps it, to know it again: JSON of its texts without computed columns */
extern char *journal_values(const Object *object);

/* in operation.c: the whole of an apply, a sync, a preview */
extern bool is_sync(const Session *session); /* or its preview */
extern Plan *operation_run(Session *session);
/* 'body' as an operation that is recorded in iasql_operation, errors too; it may call operation_run */
extern void operation_record(Session *session, void (*body)(Session *session, void *arg), void *arg);

#endif /* ENGINE_ENGINE_H */
