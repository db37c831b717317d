/*
 * journal.c
 *	  The acting backend's half of the journal: before a call is sent its
 *	  intent is durable, after it its outcome follows.
 *
 * Writing is left to a background worker (recorder.c), reached by two shared
 * memory queues.  Nothing here waits for it but journal_flush: executing goes
 * on and asks whether an intent is durable.  The worker is started by the
 * first message and ends when the operation's memory does.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/wait_event.h"

#include "engine/spi.h"

#include "engine/engine.h"
#include "engine/recorder.h"

#define SLOT_TRIES 50
#define SLOT_PAUSE_MS 100
#define END_WAIT 10 /* wake-ups at most to wait for the record of an operation's end */

typedef struct Journal
{
	dsm_segment *segment;
	shm_mq_handle *requests;
	shm_mq_handle *acks;
	BackgroundWorkerHandle *worker;
	Oid sequence;	 /* of the journal's ids */
	List *queued;	 /* of StringInfo: the queue was full */
	int64 sent;		 /* messages so far, the queued ones too */
	RecorderAck ack; /* what of them is committed */
	bool lost;
	MemoryContextCallback cleanup;
} Journal;

static void
journal_release(void *arg)
{
	Journal *journal = arg;

	if (journal->segment != NULL)
		dsm_detach(journal->segment);
	journal->segment = NULL;
}

static Oid
ext_relation(const Session *session, const char *name)
{
	Oid relation = get_relname_relid(name, session->ext_schema);

	if (!OidIsValid(relation))
		elog(ERROR, "relation \"%s\" of extension iasql does not exist", name);
	return relation;
}

/* The worker could not see tables that this very transaction created. */
static bool
extension_is_uncommitted(const Session *session)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(ext_relation(session, "iasql_journal")));
	bool mine;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation \"iasql_journal\"");
	mine = TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetRawXmin(tuple->t_data)) &&
		   !HeapTupleHeaderXminFrozen(tuple->t_data);
	ReleaseSysCache(tuple);
	return mine;
}

/* Starts the worker and the queues; false where there is no slot for it. */
static bool
start_worker(Session *session, int tries)
{
	Journal *journal = session->journal;
	Size header = MAXALIGN(sizeof(RecorderHeader));
	Size requests = MAXALIGN(RECORDER_QUEUE_SIZE);
	Size acks = MAXALIGN(RECORDER_ACK_SIZE);
	RecorderHeader *shared;
	shm_mq *to_worker;
	shm_mq *to_backend;
	BackgroundWorker worker = {0};
	MemoryContext old;

	journal->segment = dsm_create(header + requests + acks, 0);
	dsm_pin_mapping(journal->segment);
	shared = dsm_segment_address(journal->segment);
	shared->magic = RECORDER_MAGIC;
	shared->database = MyDatabaseId;
	shared->owner = session->owner;
	strlcpy(shared->schema, get_namespace_name(session->ext_schema), NAMEDATALEN);
	shared->requests = header;
	shared->acks = header + requests;
	to_worker = shm_mq_create((char *) shared + shared->requests, requests);
	shm_mq_set_sender(to_worker, MyProc);
	to_backend = shm_mq_create((char *) shared + shared->acks, acks);
	shm_mq_set_receiver(to_backend, MyProc);

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_ConsistentState;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = UInt32GetDatum(dsm_segment_handle(journal->segment));
	worker.bgw_notify_pid = MyProcPid;
	strlcpy(worker.bgw_library_name, "iasql", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "recorder_main", sizeof(worker.bgw_function_name));
	snprintf(worker.bgw_name, BGW_MAXLEN, "iasql recorder for pid %d", MyProcPid);
	strlcpy(worker.bgw_type, "iasql recorder", BGW_MAXLEN);

	old = MemoryContextSwitchTo(session->memory);
	while (!RegisterDynamicBackgroundWorker(&worker, &journal->worker))
	{
		if (--tries <= 0)
		{
			MemoryContextSwitchTo(old);
			journal_release(journal);
			return false;
		}
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, SLOT_PAUSE_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	journal->requests = shm_mq_attach(to_worker, journal->segment, journal->worker);
	journal->acks = shm_mq_attach(to_backend, journal->segment, journal->worker);
	MemoryContextSwitchTo(old);
	return true;
}

/* The journal of this operation, with its worker if there can be one. */
static Journal *
journal_get(Session *session, int tries)
{
	if (session->journal == NULL)
	{
		Journal *journal = MemoryContextAllocZero(session->memory, sizeof(Journal));

		journal->cleanup.func = journal_release;
		journal->cleanup.arg = journal;
		MemoryContextRegisterResetCallback(session->memory, &journal->cleanup);
		journal->sequence = ext_relation(session, "iasql_journal_id_seq");
		session->journal = journal;
	}
	if (session->journal->segment == NULL && !session->journal->lost && !RecoveryInProgress() &&
		!extension_is_uncommitted(session))
		(void) start_worker(session, tries);
	return session->journal;
}

static void
raise_lost(Journal *journal)
{
	journal->lost = true;
	ereport(ERROR, (errcode(ERRCODE_OPERATOR_INTERVENTION), errmsg("the journal's recorder was lost"),
					errdetail("Nothing more was sent to AWS; calls under way are in doubt."),
					errhint("Look into the server log, then call iasql_apply() again: it settles what was done.")));
}

/* Sends what is queued, takes acknowledgements; never waits.  False: the worker is gone. */
static bool
pump(Journal *journal)
{
	void *data;
	Size len;
	shm_mq_result result;

	if (journal->segment == NULL)
		return false;
	while (journal->queued != NIL)
	{
		StringInfo message = linitial(journal->queued);

		result = shm_mq_send(journal->requests, message->len, message->data, true, true);
		if (result == SHM_MQ_DETACHED)
			return false;
		if (result == SHM_MQ_WOULD_BLOCK)
			break;
		journal->queued = list_delete_first(journal->queued);
		pfree(message->data);
		pfree(message);
	}
	while ((result = shm_mq_receive(journal->acks, &len, &data, true)) == SHM_MQ_SUCCESS)
		if (len == sizeof(RecorderAck))
			journal->ack = *(RecorderAck *) data;
	return result != SHM_MQ_DETACHED || journal->ack.count >= journal->sent;
}

/* Queues a message; returns its id. */
static int64
send_message(Session *session, RecorderKind kind, int64 id, int ntexts, const char *const *texts)
{
	Journal *journal = session->journal;
	MemoryContext old = MemoryContextSwitchTo(session->memory);
	StringInfo message = makeStringInfo();

	if (id == 0)
		id = nextval_internal(journal->sequence, false);
	journal->sent++;
	pq_sendint32(message, kind);
	pq_sendint64(message, id);
	pq_sendint32(message, ntexts);
	for (int i = 0; i < ntexts; i++)
	{
		if (texts[i] == NULL)
			pq_sendint32(message, (uint32) -1);
		else
		{
			pq_sendint32(message, strlen(texts[i]));
			pq_sendbytes(message, texts[i], strlen(texts[i]));
		}
	}
	journal->queued = lappend(journal->queued, message);
	MemoryContextSwitchTo(old);
	(void) pump(journal);
	return id;
}

static char *
number(int64 n)
{
	return psprintf(INT64_FORMAT, n);
}

/*
 * Records that an operation begins; 0 where no worker can run, which only a
 * preview may ignore.  'params' is JSON.
 */
int64
journal_operation_begin(Session *session, const char *verb, const char *params)
{
	Journal *journal = journal_get(session, 1);

	if (journal->segment == NULL)
		return 0;
	session->operation = nextval_internal(journal->sequence, false);
	send_message(session, RECORD_OPERATION_BEGIN, session->operation, 6,
				 (const char *const[]){number(session->workspace), verb, params, timestamptz_to_str(session->started),
									   GetUserNameFromId(session->caller, false), number(MyProcPid)});
	return session->operation;
}

/* Waits until all that was queued is committed; false when the worker is gone, or after so many wake-ups. */
static bool
wait_durable(Journal *journal, int wakeups)
{
	for (int waited = 0; pump(journal) && waited <= wakeups; waited++)
	{
		if (journal->ack.count >= journal->sent)
			return true;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 1000, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	return false;
}

/*
 * Records an operation's end.  Also called while an error is on its way, in an
 * aborted transaction: it touches no catalog.
 */
void
journal_operation_end(Session *session, const char *result_json, const char *error_json)
{
	Journal *journal = session->journal;
	StringInfo message;

	if (session->operation == 0 || journal == NULL || journal->segment == NULL)
		return;
	message = makeStringInfo();
	pq_sendint32(message, RECORD_OPERATION_END);
	pq_sendint64(message, session->operation);
	pq_sendint32(message, 2);
	for (int i = 0; i < 2; i++)
	{
		const char *text = i == 0 ? result_json : error_json;

		pq_sendint32(message, text ? strlen(text) : (uint32) -1);
		if (text != NULL)
			pq_sendbytes(message, text, strlen(text));
	}
	journal->queued = lappend(journal->queued, message);
	journal->sent++;
	HOLD_INTERRUPTS();
	if (!wait_durable(journal, END_WAIT))
		journal->lost = true;
	RESUME_INTERRUPTS();
}

/* Must be called before the first call that changes something: makes sure that there is a worker. */
void
journal_open(Session *session)
{
	Journal *journal;

	if (session->journal == NULL || session->journal->segment == NULL)
	{
		if (extension_is_uncommitted(session))
			ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
							errmsg("cannot change the cloud in the transaction that creates the extension"),
							errhint("Commit CREATE EXTENSION iasql first.")));
		journal = journal_get(session, SLOT_TRIES);
		if (journal->segment == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					 errmsg("no background worker slot is free for the journal"), errdetail("Nothing was sent to AWS."),
					 errhint("Increase max_worker_processes, or try again when others have ended.")));
		journal_operation_begin(session, "apply", "{}");
	}
}

static const char *
action_name(ActionKind kind)
{
	static const char *const names[] = {"create", "update", "replace", "delete"};

	return names[kind];
}

int64
journal_intent(Session *session, const Action *action, int step, const char *service, const char *operation,
			   const char *request_masked, const char *token)
{
	const Object *object = action->object;
	MemoryContext scratch = AllocSetContextCreate(session->memory, "iasql intent", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	int64 id = send_message(session, RECORD_INTENT, 0, 14,
							(const char *const[]){number(session->workspace), number(session->operation),
												  action_name(action->kind), object->kind->res->name, object->row_key,
												  object->cloud_id, object->region, number(step), service, operation,
												  request_masked, token, GetUserNameFromId(session->caller, false),
												  object->desired ? journal_values(object) : NULL});

	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	return id;
}

bool
journal_is_durable(Session *session, int64 intent)
{
	Journal *journal = session->journal;

	if (journal->ack.id < intent && !pump(journal))
		raise_lost(journal);
	return journal->ack.id >= intent;
}

void
journal_outcome(Session *session, int64 intent, const char *cloud_id, const char *request_id, const char *error_code,
				const char *error_message, bool finished)
{
	send_message(session, RECORD_OUTCOME, 0, 8,
				 (const char *const[]){number(session->workspace), number(session->operation), number(intent), cloud_id,
									   request_id, error_code, error_message, finished ? "true" : "false"});
}

void
journal_progress(Session *session, const char *json)
{
	if (session->operation != 0 && session->journal != NULL && session->journal->segment != NULL)
		send_message(session, RECORD_PROGRESS, session->operation, 1, &json);
}

void
journal_flush(Session *session)
{
	if (session->journal != NULL && session->journal->segment != NULL && !wait_durable(session->journal, INT_MAX))
		raise_lost(session->journal);
}

/* Lets the worker go: it commits what it has and leaves. */
void
journal_close(Session *session)
{
	if (session->journal != NULL)
		journal_release(session->journal);
}

/*
 * The row by which a later operation knows that nothing of this one is left to
 * settle.  It goes with the caller's (sub)transaction.
 */
void
journal_witness(Session *session, int64 operation)
{
	SavedUser saved = become_owner(session);
	Oid types[2] = {INT4OID, INT8OID};
	Datum values[2] = {Int32GetDatum(session->workspace), Int64GetDatum(operation)};

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	run_sql(SPI_OK_INSERT, psprintf("INSERT INTO %siasql_witness (workspace, operation) VALUES ($1, $2)", session->ext),
			2, types, values);
	SPI_finish();
	become_caller(saved);
}
