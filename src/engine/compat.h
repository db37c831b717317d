/*
 * compat.h
 *	  What differs between the supported versions of PostgreSQL, 15 to 18.
 */
#ifndef ENGINE_COMPAT_H
#define ENGINE_COMPAT_H

#if PG_VERSION_NUM >= 180000
#define relation_primary_key(rel) RelationGetPrimaryKeyIndex(rel, true)
#else
#define pg_noreturn _Noreturn
#define relation_primary_key(rel) RelationGetPrimaryKeyIndex(rel)
#endif

#if PG_VERSION_NUM >= 160000
#define insert_index_entries(result, slot, estate) \
	ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL, false)
#else
#define insert_index_entries(result, slot, estate) ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL)
#endif

/* whether the current user has the rights of the owner; need utils/acl.h, catalog/pg_class.h, catalog/pg_namespace.h */
#if PG_VERSION_NUM >= 160000
#define owns_table(oid) object_ownercheck(RelationRelationId, oid, GetUserId())
#define owns_schema(oid) object_ownercheck(NamespaceRelationId, oid, GetUserId())
#else
#define owns_table(oid) pg_class_ownercheck(oid, GetUserId())
#define owns_schema(oid) pg_namespace_ownercheck(oid, GetUserId())
#endif

#if PG_VERSION_NUM >= 170000
#define lock_held_by_me(tag, mode) LockHeldByMe(tag, mode, false)
#else
#define lock_held_by_me(tag, mode) LockHeldByMe(tag, mode)
#endif

#endif /* ENGINE_COMPAT_H */
