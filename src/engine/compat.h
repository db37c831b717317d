/*
 * compat.h
 *	  What differs between the supported versions of PostgreSQL, 15 to 18.
 */
#ifndef ENGINE_COMPAT_H
#define ENGINE_COMPAT_H

#if PG_VERSION_NUM >= 180000
#define relation_primary_key(rel) RelationGetPrimaryKeyIndex(rel, true)
#else
#define relation_primary_key(rel) RelationGetPrimaryKeyIndex(rel)
#endif

#endif /* ENGINE_COMPAT_H */
