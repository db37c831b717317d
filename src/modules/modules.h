/*
 * modules.h
 *	  What the modules' files share: the list's entries, and phrases of EC2.
 */
#ifndef MODULES_MODULES_H
#define MODULES_MODULES_H

#include <stddef.h>

#include "engine/resource.h"

extern const Module aws_account_module;
extern const Module aws_acm_list_module;
extern const Module aws_cloudwatch_module;
extern const Module aws_ecr_module;
extern const Module aws_ecs_fargate_module;
extern const Module aws_elb_module;
extern const Module aws_iam_module;
extern const Module aws_security_group_module;
extern const Module aws_vpc_module;

/* container_image.c: Parts.import of containers */
extern void import_container_image(void *context);

/* The tags of a new EC2 object; the mark tells which intent made it. */
#define EC2_MARK "{'Key': 'iasql:intent', 'Value': '$!mark'}"
#define EC2_MARK_PATH "Tags[Key=iasql:intent].Value"
#define EC2_TAGS_OF_NEW(type, tags) "'TagSpecifications': [{'ResourceType': '" type "', 'Tags': [" tags EC2_MARK "]}]"

/* A filter is answered with what there is; a list of ids fails if one of them is gone. */
#define EC2_BY_IDS(filter) "{'Filters': [{'Name': '" filter "', 'Values': '$#'}]}"
#define EC2_MAX_FILTER_VALUES 200 /* Amazon EC2 API Reference, "Filters" */

/*
 * Who holds an object of a VPC.  Interfaces that a service made (RequesterManaged, or attached to none of the account's
 * own instances) go with what they are for; those that are detached at the moment, too.
 */
#define EC2_HELD_BY_INTERFACES(filter, id)                                                                          \
	{                                                                                                               \
		.what = "network interface", .operation = "DescribeNetworkInterfaces",                                      \
		.input = "{'Filters': [{'Name': '" filter "', 'Values': ['$" id "']}]}", .items = "NetworkInterfaces",      \
		.stays = "RequesterManaged!=true&Status!=detaching&Attachment.Status!=detaching"                            \
				 "&Attachment.InstanceId|Attachment.AttachmentId|'i-'=i-*",                                         \
		.shown =                                                                                                    \
			"NetworkInterfaceId,InterfaceType,Status,Attachment.InstanceId,Attachment.InstanceOwnerId,Description", \
		.hint = "delete the network interface or take it out",                                                      \
	}

#endif /* MODULES_MODULES_H */
