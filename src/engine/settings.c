/*
 * settings.c
 *	  The settings iasql.*, as one table a type.
 *
 * What decides whose credentials are used and where requests go is a
 * superuser's; the rest is the user's, for the session.
 */
#include "postgres.h"

#include <limits.h>

#include "utils/guc.h"

#include "engine/engine.h"

char *iasql_endpoint_url;
int iasql_max_concurrency;
int iasql_connect_timeout;
int iasql_request_timeout;
int iasql_wait_timeout;
int iasql_lock_timeout;
int iasql_consistency_window;
int iasql_orphan_grace;
int iasql_audit_retention;
int iasql_max_imported_deletes;
int iasql_max_emptied;
bool iasql_use_server_credentials;
bool iasql_mark_objects;
bool iasql_allow_http;
int iasql_max_reply;
int iasql_max_pages;
int iasql_max_depth;

#define SECOND 1000
#define MINUTE (60 * SECOND)

static const struct
{
	const char *name;
	int *variable;
	int boot, min, max;
	GucContext context;
	int unit;
	const char *description;
	const char *detail;
} integers[] = {
	{"iasql.max_concurrency", &iasql_max_concurrency, 64, 1, 1024, PGC_USERSET, 0,
	 "Sets how many requests to AWS may be under way at once.", NULL},
	{"iasql.connect_timeout", &iasql_connect_timeout, 10 * SECOND, 100, INT_MAX, PGC_USERSET, GUC_UNIT_MS,
	 "Sets the time to wait for a connection to AWS.", NULL},
	{"iasql.request_timeout", &iasql_request_timeout, MINUTE, 100, INT_MAX, PGC_USERSET, GUC_UNIT_MS,
	 "Sets the time to wait for the answer to one request.", NULL},
	{"iasql.wait_timeout", &iasql_wait_timeout, 30 * MINUTE, 0, INT_MAX, PGC_USERSET, GUC_UNIT_MS,
	 "Sets the time to wait until AWS has made, changed or let go of an object.", NULL},
	{"iasql.lock_timeout", &iasql_lock_timeout, 10 * MINUTE, 0, INT_MAX, PGC_USERSET, GUC_UNIT_MS,
	 "Sets the time to wait for another operation in the same workspace.",
	 "0 waits without end. A lock_timeout of the session goes before it."},
	{"iasql.consistency_window", &iasql_consistency_window, 5 * MINUTE, 0, INT_MAX, PGC_USERSET, GUC_UNIT_MS,
	 "Sets the age up to which an object that AWS does not show may only be late.",
	 "Its row is left alone until then. 0 counts it as gone at once."},
	{"iasql.orphan_grace", &iasql_orphan_grace, 60 * MINUTE, 0, INT_MAX, PGC_USERSET, GUC_UNIT_MS,
	 "Sets how long objects of an aborted transaction are kept for the same rows to come again.", NULL},
	{"iasql.audit_retention", &iasql_audit_retention, 0, 0, INT_MAX, PGC_SUSET, GUC_UNIT_MIN,
	 "Sets how long the audit log is kept; the next apply deletes what is older.", "0 keeps all."},
	{"iasql.max_imported_deletes", &iasql_max_imported_deletes, 50, 0, INT_MAX, PGC_USERSET, 0,
	 "Sets how many imported objects one apply may delete.", NULL},
	{"iasql.max_emptied", &iasql_max_emptied, 10, 0, INT_MAX, PGC_USERSET, 0,
	 "Sets how many objects a resource may have for an apply to delete all of them.", NULL},
	{"iasql.max_reply", &iasql_max_reply, 256 * 1024, 64, 1024 * 1024, PGC_USERSET, GUC_UNIT_KB,
	 "Sets the greatest size of one answer.", NULL},
	{"iasql.max_pages", &iasql_max_pages, 10000, 1, INT_MAX, PGC_USERSET, 0,
	 "Sets the greatest number of pages of one listing.", NULL},
	{"iasql.max_depth", &iasql_max_depth, 128, 4, 1024, PGC_USERSET, 0, "Sets how deep values of one answer may nest.",
	 NULL},
};

static const struct
{
	const char *name;
	bool *variable;
	bool boot;
	GucContext context;
	const char *description;
	const char *detail;
} switches[] = {
	{"iasql.use_server_credentials", &iasql_use_server_credentials, false, PGC_SUSET,
	 "Lets a workspace without an access key use the server's own AWS credentials.",
	 "Environment, shared files, container or instance role; profiles and roles to assume need it too."},
	{"iasql.mark_objects", &iasql_mark_objects, true, PGC_USERSET,
	 "Tags what is created, so that it is known again after a crash.",
	 "The tag is iasql:intent; it does not show in the tags of rows."},
	{"iasql.allow_http", &iasql_allow_http, false, PGC_SUSET,
	 "Allows iasql.endpoint_url to be http on other hosts than this one.", NULL},
};

static bool
check_endpoint_url(char **newval, void **extra, GucSource source)
{
	if (*newval == NULL || **newval == '\0' || strncmp(*newval, "https://", 8) == 0 ||
		strncmp(*newval, "http://", 7) == 0)
		return true;
	GUC_check_errdetail("It has to begin with http:// or https://, or to be empty.");
	return false;
}

/* Defines all settings and reserves their prefix.  Called once, when the library is loaded. */
void
settings_define(void)
{
	DefineCustomStringVariable("iasql.endpoint_url", "Sets where requests go instead of AWS.",
							   "For emulators and private endpoints. Empty: AWS.", &iasql_endpoint_url, "", PGC_SUSET,
							   0, check_endpoint_url, NULL, NULL);
	DefineCustomStringVariable("iasql.test_stop", "Stops an operation at a place, for tests.", NULL, &iasql_test_stop,
							   "", PGC_SUSET, GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
	for (int i = 0; i < (int) lengthof(integers); i++)
		DefineCustomIntVariable(integers[i].name, integers[i].description, integers[i].detail, integers[i].variable,
								integers[i].boot, integers[i].min, integers[i].max, integers[i].context,
								integers[i].unit, NULL, NULL, NULL);
	for (int i = 0; i < (int) lengthof(switches); i++)
		DefineCustomBoolVariable(switches[i].name, switches[i].description, switches[i].detail, switches[i].variable,
								 switches[i].boot, switches[i].context, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("iasql");
}
