/*
 * recorder.h
 *	  What the journal's two halves share: the backend that acts (journal.c)
 *	  and the background worker that writes (recorder.c).
 *
 * A message is a kind, an id, and texts, sent over a shared memory queue.
 * Ids come from one sequence and rise; the worker answers with the id up to
 * which everything is durable.
 */
#ifndef ENGINE_RECORDER_H
#define ENGINE_RECORDER_H

#include "postgres.h"

#include "storage/dsm.h"
#include "storage/shm_mq.h"

#define RECORDER_MAGIC 0x1a5c01
#define RECORDER_QUEUE_SIZE (256 * 1024)
#define RECORDER_ACK_SIZE 8192

/* Start of the shared segment; two queues follow. */
typedef struct RecorderHeader
{
	uint32 magic;
	Oid database;
	Oid owner;				  /* of the extension: whom the worker acts as */
	char schema[NAMEDATALEN]; /* of the extension */
	Size requests;			  /* offset of the queue to the worker */
	Size acks;				  /* and of the one back */
} RecorderHeader;

/* The worker's answer: all messages so far are committed. */
typedef struct RecorderAck
{
	int64 id;	 /* the highest of their ids */
	int64 count; /* how many they are */
} RecorderAck;

/* What a message says: its texts are the parameters of one statement, in order. */
typedef enum RecorderKind
{
	RECORD_OPERATION_BEGIN,
	RECORD_OPERATION_END,
	RECORD_INTENT,
	RECORD_OUTCOME,
	RECORD_PROGRESS,
	RECORD_KINDS
} RecorderKind;

extern PGDLLEXPORT void recorder_main(Datum segment);

#endif /* ENGINE_RECORDER_H */
