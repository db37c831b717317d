/*
 * registry.c
 *	  Prints the modules' static tables for the round trips to be made from:
 *	  one line a resource and one an attribute, fields set apart by tabs.
 *
 *	resource	MODULE NAME REGION PROPERTY...
 *	attribute	RESOURCE COLUMN FORM TABLE REFERS FLAG...
 *
 * REGION is empty for regional resources; TABLE is the join or child table
 * that holds the attribute's rows, REFERS the resource referred to, or empty.
 */
#include <stdio.h>

#include "engine/resource.h"

#define LENGTH(array) ((int) (sizeof(array) / sizeof((array)[0])))

static const char *const forms[] = {
	[FORM_SCALAR] = "scalar", [FORM_SET] = "set",		[FORM_MAP] = "map",
	[FORM_JSON] = "json",	  [FORM_POLICY] = "policy", [FORM_REF] = "ref",
	[FORM_IDS] = "ids",		  [FORM_JOIN] = "join",		[FORM_PARTS] = "parts",
};

static const struct
{
	int flag;
	const char *name;
} flags[] = {
	{ATTR_ID, "id"},
	{ATTR_KEY, "key"},
	{ATTR_COMPUTED, "computed"},
	{ATTR_REPLACE, "replace"},
	{ATTR_SHARED, "shared"},
	{ATTR_SECRET, "secret"},
	{ATTR_TRIGGER, "trigger"},
	{ATTR_KEEP, "keep"},
	{ATTR_VOLATILE, "volatile"},
	{ATTR_ACCOUNT, "account"},
	{ATTR_VARIANT, "variant"},
	{ATTR_EXCLUSIVE, "exclusive"},
	{ATTR_INSIDE, "inside"},
};

/* The hook needs a server; its place in the table is all that is asked for. */
extern void import_container_image(void *context);

void
import_container_image(void *context)
{
	(void) context;
}

static void
print_resource(const Module *module, const Resource *res)
{
	printf("resource\t%s\t%s\t%s%s%s\n", module->name, res->name, res->region ? res->region : "",
		   res->read_only ? "\tread_only" : "", res->versioned ? "\tversioned" : "");
	for (const Attribute *a = res->attributes; a->column != NULL; a++)
	{
		const char *rows = a->join ? a->join : a->parts ? a->parts->table : "";

		printf("attribute\t%s\t%s\t%s\t%s\t%s", res->name, a->column, forms[a->form], rows, a->refers ? a->refers : "");
		for (int i = 0; i < LENGTH(flags); i++)
			if (a->flags & flags[i].flag)
				printf("\t%s", flags[i].name);
		putchar('\n');
	}
}

int
main(void)
{
	for (const Module *const *m = iasql_modules; *m != NULL; m++)
		for (const Resource *const *r = (*m)->resources; r != NULL && *r != NULL; r++)
			print_resource(*m, *r);
	return 0;
}
