/*
 * recorder.c
 *	  The background worker that writes the journal in transactions of its own.
 *
 * The caller's transaction may roll back, what was done in AWS stays done; so
 * what is to be remembered is committed here, while the caller goes on.  The
 * worker lives as long as the operation that started it.  It only runs the
 * statements of a table, one a message, and commits all messages that have
 * gathered at once, so that concurrent calls share a commit.  Journal tables
 * have no foreign keys, and the caller's transaction writes none of the rows
 * that are written here: the two never wait for each other's locks.
 */
#include "postgres.h"

#include "engine/spi.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"

#include "engine/recorder.h"

#define MAX_TEXTS 16

/* One statement a kind; parameters are texts, the id is the first. */
static const char *const statements[RECORD_KINDS] = {
	[RECORD_OPERATION_BEGIN] = "INSERT INTO %s.iasql_operation (id, workspace, verb, params, started, usr, pid)"
							   " VALUES ($1::bigint, $2::int, $3, $4::jsonb, $5::timestamptz, $6::name, $7::int)",
	[RECORD_OPERATION_END] =
		"UPDATE %s.iasql_operation SET ended = clock_timestamp(), result = $2::jsonb, error = $3::jsonb"
		" WHERE id = $1::bigint",
	[RECORD_INTENT] =
		"INSERT INTO %s.iasql_journal (id, workspace, operation, at, action, resource, row_key, natural_key, region,"
		" step, service, aws_operation, request, token, usr, vals)"
		" VALUES ($1::bigint, $2::int, $3::bigint, clock_timestamp(), $4, $5, $6, $7, $8, $9::int, $10, $11, $12::jsonb,"
		" $13, $14::name, $15::jsonb)",
	[RECORD_OUTCOME] =
		"INSERT INTO %s.iasql_journal (id, workspace, operation, intent, at, cloud_id, request_id, error_code,"
		" error_message, finished)"
		" VALUES ($1::bigint, $2::int, $3::bigint, $4::bigint, clock_timestamp(), $5, $6, $7, $8, $9::bool)",
	[RECORD_PROGRESS] = "UPDATE %s.iasql_operation SET progress = $2::jsonb WHERE id = $1::bigint",
};

/* Runs one message's statement; returns its id. */
static int64
record(const RecorderHeader *header, const char *data, Size len)
{
	StringInfoData message = {.data = (char *) data, .len = len, .maxlen = len};
	RecorderKind kind = pq_getmsgint(&message, 4);
	int64 id = pq_getmsgint64(&message);
	int ntexts = pq_getmsgint(&message, 4);
	Oid types[MAX_TEXTS + 1];
	Datum values[MAX_TEXTS + 1];
	char nulls[MAX_TEXTS + 1];
	char *sql;

	if (kind >= RECORD_KINDS || ntexts > MAX_TEXTS)
		elog(ERROR, "malformed message to the recorder");
	types[0] = TEXTOID;
	values[0] = CStringGetTextDatum(psprintf(INT64_FORMAT, id));
	nulls[0] = ' ';
	for (int i = 1; i <= ntexts; i++)
	{
		int text_len = (int) pq_getmsgint(&message, 4);

		types[i] = TEXTOID;
		nulls[i] = text_len < 0 ? 'n' : ' ';
		values[i] = text_len < 0
						? (Datum) 0
						: PointerGetDatum(cstring_to_text_with_len(pq_getmsgbytes(&message, text_len), text_len));
	}
	sql = psprintf(statements[kind], quote_identifier(header->schema));
	if (SPI_execute_with_args(sql, ntexts + 1, types, values, nulls, false, 0) < 0)
		elog(ERROR, "could not write the journal");
	if (kind == RECORD_PROGRESS || kind == RECORD_OPERATION_END)
		(void) SPI_execute(psprintf("SELECT pg_notify('iasql', '" INT64_FORMAT "')", id), false, 0);
	return id;
}

static void
begin(const RecorderHeader *header)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	SetUserIdAndSecContext(header->owner, SECURITY_LOCAL_USERID_CHANGE);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
}

static void
commit(void)
{
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
	/* a transaction must not begin under a changed security context */
	SetUserIdAndSecContext(GetSessionUserId(), 0);
}

/*
 * Entry point.  'segment' is the handle of the dynamic shared memory that the
 * backend made.  Ends when the backend lets go of its queue, or, after what
 * has arrived is committed, on SIGTERM.
 */
void
recorder_main(Datum segment)
{
	dsm_segment *seg;
	RecorderHeader *header;
	shm_mq *queue;
	shm_mq_handle *requests;
	shm_mq_handle *acks;
	RecorderAck ack = {0};
	bool open = true;

	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();

	seg = dsm_attach(DatumGetUInt32(segment));
	if (seg == NULL)
		return; /* the backend has gone already */
	header = dsm_segment_address(seg);
	if (header->magic != RECORDER_MAGIC)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("the recorder found a foreign segment")));
	queue = (shm_mq *) ((char *) header + header->requests);
	shm_mq_set_receiver(queue, MyProc);
	requests = shm_mq_attach(queue, seg, NULL);
	queue = (shm_mq *) ((char *) header + header->acks);
	shm_mq_set_sender(queue, MyProc);
	acks = shm_mq_attach(queue, seg, NULL);

	BackgroundWorkerInitializeConnectionByOid(header->database, InvalidOid, 0);
	SetConfigOption("synchronous_commit", "on", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("default_transaction_read_only", "off", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("default_transaction_isolation", "read committed", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("default_transaction_deferrable", "off", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("search_path", "pg_catalog", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("lock_timeout", "5s", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("statement_timeout", "0", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("row_security", "off", PGC_USERSET, PGC_S_OVERRIDE);

	while (open)
	{
		void *data;
		Size len;
		shm_mq_result result;
		bool started = false;

		CHECK_FOR_INTERRUPTS();
		while ((result = shm_mq_receive(requests, &len, &data, true)) == SHM_MQ_SUCCESS)
		{
			int64 id;

			if (!started)
			{
				pgstat_report_activity(STATE_RUNNING, "iasql journal");
				begin(header);
				started = true;
			}
			id = record(header, data, len);
			ack.id = Max(ack.id, id);
			ack.count++;
		}
		if (started)
		{
			commit();
			pgstat_report_activity(STATE_IDLE, NULL);
			open = shm_mq_send(acks, sizeof(ack), &ack, false, true) == SHM_MQ_SUCCESS;
		}
		else if (result == SHM_MQ_DETACHED || ShutdownRequestPending)
			open = false; /* all that has arrived is taken; the backend will see it */
		else
		{
			(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH, -1, PG_WAIT_EXTENSION);
			ResetLatch(MyLatch);
		}
	}
	dsm_detach(seg);
}
