/*
 * aws_ecs_fargate.c
 *	  ECS clusters, task definitions with their containers, and services that
 *	  run on Fargate.
 *
 * Task definitions are listed by family, the newest revision of each, and by
 * the services that run them: an account keeps every revision it ever had,
 * and each costs a call.
 */
#include "modules/modules.h"

static const Resource cluster = {
	.name = "cluster",
	.service = "ecs",
	.list =
		{
			.operation = "ListClusters",
			.items = "clusterArns",
			.describe = "DescribeClusters",
			.describe_input = "{'clusters': '$#'}",
			.describe_items = "clusters",
			.describe_batch = 100,
		},
	.get = "DescribeClusters",
	.get_input = "{'clusters': '$#'}",
	.get_items = "clusters",
	.get_batch = 100,
	.absent = "status=INACTIVE",
	.leaving = "status=DEPROVISIONING",
	.broken = "status=FAILED",
	.reply_complete = 1,
	.attributes =
		{
			{"cluster_name", "clusterName", FORM_SCALAR, ATTR_KEY | ATTR_REPLACE},
			{"cluster_arn", "clusterArn", FORM_SCALAR, ATTR_ID | ATTR_COMPUTED},
			{"cluster_status", "status", FORM_SCALAR, ATTR_COMPUTED},
		},
	.create =
		{
			{
				.operation = "CreateCluster",
				.input = "{'clusterName': '$cluster_name'}",
				.item = "cluster",
			},
		},
	.remove =
		{
			{
				.operation = "DeleteCluster",
				.input = "{'cluster': '$cluster_arn'}",
				.done = "ClusterNotFoundException",
				.retry = "ClusterContainsTasksException|UpdateInProgressException",
			},
		},
};

/* Fargate takes logs only with a stream prefix. */
static const Parts containers = {
	.table = "container_definition",
	.key = "name",
	.key_path = "name",
	.template_ = "{'name': '$name', 'essential': '$essential',"
				 " 'image': {'$:image': {'image': '$image|repository_name->repository_uri"
				 "|public_repository_name->repository_uri', 'tag': '$tag', 'digest': '$digest'}},"
				 " 'cpu': '$cpu', 'memory': '$memory', 'memoryReservation': '$memory_reservation',"
				 " 'portMappings': [{'containerPort': '$container_port!', 'hostPort': '$host_port|container_port',"
				 " 'protocol': '$protocol'}],"
				 " 'environment': '$env_variables:env',"
				 " 'logConfiguration': {'logDriver': 'awslogs', 'options': {'awslogs-group': '$log_group_name!',"
				 " 'awslogs-region': '$!region', 'awslogs-stream-prefix': 'awslogs-${name}'}}}",
	.defaults = "cpu=0&portMappings[].protocol=tcp&portMappings[].hostPort=$containerPort"
				"&logConfiguration.options.awslogs-stream-prefix=*",
	.columns = "name=name&essential=essential&cpu=cpu&memory=memory&memory_reservation=memoryReservation"
			   "&container_port=portMappings[0].containerPort"
			   "&host_port=portMappings[0].hostPort|portMappings[0].containerPort&protocol=portMappings[0].protocol"
			   "&env_variables=environment:env&tag=image:image_tag&digest=image:image_digest"
			   "&log_group_name=logConfiguration.options.awslogs-group",
	.refs = "repository_name=repository&public_repository_name=public_repository&log_group_name=log_group",
	.import = import_container_image,
};

#define TASK_DEFINITION "{'taskDefinition': '$task_definition_arn', 'include': ['TAGS']}"

static const Resource task_definition = {
	.name = "task_definition",
	.service = "ecs",
	.list =
		{
			.operation = "ListTaskDefinitions",
			.input = "{'status': 'ACTIVE', 'maxResults': 100}",
			.items = "taskDefinitionArns",
			.newest = 1,
			.describe = "DescribeTaskDefinition",
			.describe_input = "{'taskDefinition': '$@', 'include': ['TAGS']}",
			.describe_items = ".",
			.describe_batch = 1,
			.only = "taskDefinition.compatibilities=FARGATE",
		},
	.also =
		{
			.operation = "DescribeTaskDefinition",
			.input = "{'taskDefinition': '$^task_definition_id', 'include': ['TAGS']}",
			.items = ".",
			.per = "service",
			.per_parent_gone = "ClientException:Unable to describe",
			.known_by = "task_definition_id",
			.only = "taskDefinition.compatibilities=FARGATE",
		},
	.get = "DescribeTaskDefinition",
	.get_input = TASK_DEFINITION,
	.get_items = ".",
	.get_batch = 1,
	.gone = "ClientException:Unable to describe",
	.absent = "taskDefinition.status=INACTIVE|DELETE_IN_PROGRESS",
	.unmanaged = "taskDefinition.containerDefinitions[portMappings[1]]"
				 "|taskDefinition.containerDefinitions[logConfiguration.logDriver!=|awslogs]",
	.unmanaged_why = "a container has several ports, or logs that do not go to CloudWatch",
	.serial = "family",
	.reply_complete = 1,
	.versioned = 1,
	.attributes =
		{
			{"task_definition_arn", "taskDefinition.taskDefinitionArn", FORM_SCALAR, ATTR_ID | ATTR_COMPUTED},
			{"family", "taskDefinition.family", FORM_SCALAR, ATTR_REPLACE},
			{"revision", "taskDefinition.revision", FORM_SCALAR, ATTR_COMPUTED},
			{"status", "taskDefinition.status", FORM_SCALAR, ATTR_COMPUTED},
			{"cpu_memory", "taskDefinition:fargate_size", FORM_SCALAR, ATTR_REPLACE | ATTR_KEEP},
			{"task_role_name", "taskDefinition.taskRoleArn:basename", FORM_REF, ATTR_REPLACE, .refers = "role"},
			{"execution_role_name", "taskDefinition.executionRoleArn:basename", FORM_REF, ATTR_REPLACE,
			 .refers = "role"},
			{"containers", "taskDefinition.containerDefinitions", FORM_PARTS, ATTR_REPLACE, .parts = &containers},
		},
	.create =
		{
			{
				.operation = "RegisterTaskDefinition",
				.input = "{'family': '$family', 'requiresCompatibilities': ['FARGATE'], 'networkMode': 'awsvpc',"
						 " 'cpu': '$cpu_memory:fargate_cpu', 'memory': '$cpu_memory:fargate_memory',"
						 " 'taskRoleArn': '$task_role_name->arn', 'executionRoleArn': '$execution_role_name->arn',"
						 " 'containerDefinitions': '$containers',"
						 " 'tags': [{'key': 'iasql:intent', 'value': '$!mark'}]}",
				.item = ".",
				.retry = "ClientException:Role is not valid|ClientException:Too many concurrent",
			},
		},
	.remove =
		{
			{
				.operation = "DeregisterTaskDefinition",
				.input = "{'taskDefinition': '$task_definition_arn'}",
				.retry = "ClientException:Too many concurrent",
			},
		},
	.created_at = "taskDefinition.registeredAt",
	.mark_path = "tags[key=iasql:intent].value",
};

#define NETWORK                                                                             \
	"{'awsvpcConfiguration': {'subnets': '$subnets', 'securityGroups': '$security_groups'," \
	" 'assignPublicIp': '$assign_public_ip'}}"

/* ECS refuses a revision that lacks the container, or the port of it, to which traffic goes. */
#define LOAD_BALANCERS                                                                                                \
	"[{'$:load_balancer': {'targetGroupArn': '$target_group_name!', 'containers': '$task_definition_id->containers'," \
	" 'now': '$~loadBalancers.[0].containerName'}}]"

#define SERVICE "'cluster': '$cluster_name', 'service': '$arn'"

/* Also while the first service of an account brings ECS's own role into being. */
#define NOT_YET_ASSUMABLE "InvalidParameterException:Unable to assume"

/* What carries its load balancer anew; one whose target group has no row keeps it unseen. */
#define UPDATE_SERVICE(condition, rebalanced)                                                     \
	{                                                                                             \
		.operation = "UpdateService", .when = condition,                                          \
		.input = "{" SERVICE ", 'desiredCount?desired_count': '$desired_count',"                  \
				 " 'taskDefinition?task_definition_id': '$task_definition_id',"                   \
				 " 'networkConfiguration?subnets,assign_public_ip,security_groups': " NETWORK "," \
				 " 'loadBalancers?" rebalanced "': " LOAD_BALANCERS ","                           \
				 " 'forceNewDeployment?force_new_deployment': '$force_new_deployment'}",          \
		.item = "service", .retry = NOT_YET_ASSUMABLE,                                            \
	}

static const Resource service = {
	.name = "service",
	.service = "ecs",
	.list =
		{
			.operation = "ListServices",
			.input = "{'cluster': '$^cluster_arn', 'launchType': 'FARGATE', 'maxResults': 100}",
			.items = "serviceArns",
			.per = "cluster",
			.per_parent_gone = "ClusterNotFoundException",
			.describe = "DescribeServices",
			.describe_input = "{'cluster': '$^cluster_arn', 'services': '$#'}",
			.describe_items = "services",
			.describe_batch = 10,
			.only = "launchType=FARGATE",
		},
	.get = "DescribeServices",
	.get_input = "{'cluster': '$cluster_name', 'services': ['$arn']}",
	.get_items = "services[0]",
	.get_batch = 1,
	.gone = "ClusterNotFoundException",
	.prepare =
		{
			"UPDATE service s SET cluster_name = c.cluster_name FROM cluster c"
			" WHERE s.cluster_name IS NULL AND s.arn IS NULL AND c.cluster_name = 'default' AND c.region = s.region",
		},
	.absent = "status=INACTIVE",
	.leaving = "status=DRAINING",
	.unmanaged = "loadBalancers[1]",
	.unmanaged_why = "it has more than one load balancer",
	.blocks = "cluster_name,target_group_name,security_groups,subnets",
	.after = "listener:target_group_name=target_group_name",
	.reply_complete = 1,
	.attributes =
		{
			{"name", "serviceName", FORM_SCALAR, ATTR_KEY | ATTR_REPLACE},
			{"arn", "serviceArn", FORM_SCALAR, ATTR_ID | ATTR_COMPUTED},
			{"status", "status", FORM_SCALAR, ATTR_COMPUTED},
			{"desired_count", "desiredCount", FORM_SCALAR, ATTR_SHARED},
			{"subnets", "networkConfiguration.awsvpcConfiguration.subnets", FORM_IDS, ATTR_KEEP, .refers = "subnet"},
			{"assign_public_ip", "networkConfiguration.awsvpcConfiguration.assignPublicIp|'DISABLED'", FORM_SCALAR,
			 ATTR_KEEP},
			{"force_new_deployment", NULL, FORM_SCALAR, ATTR_TRIGGER},
			{"cluster_name", "clusterArn", FORM_REF, ATTR_KEY | ATTR_REPLACE | ATTR_KEEP, .refers = "cluster"},
			{"task_definition_id", "taskDefinition", FORM_REF, ATTR_KEEP, .refers = "task_definition"},
			{"target_group_name", "loadBalancers[0].targetGroupArn", FORM_REF, .refers = "target_group"},
			{"security_groups", "networkConfiguration.awsvpcConfiguration.securityGroups", FORM_JOIN,
			 .refers = "security_group", .join = "service_security_groups"},
		},
	.create =
		{
			{
				.operation = "CreateService",
				.input = "{'cluster': '$cluster_name', 'serviceName': '$name',"
						 " 'taskDefinition': '$task_definition_id', 'desiredCount': '$desired_count',"
						 " 'launchType': 'FARGATE', 'schedulingStrategy': 'REPLICA', 'clientToken': '$!token',"
						 " 'networkConfiguration': " NETWORK ", 'loadBalancers': " LOAD_BALANCERS "}",
				.item = "service",
				.retry = NOT_YET_ASSUMABLE "|InvalidParameterException:does not have an associated load balancer",
				.token_ok = 1,
			},
		},
	.changes =
		{
			{
				"desired_count,subnets,assign_public_ip,security_groups,task_definition_id,target_group_name,"
				"force_new_deployment",
				{
					UPDATE_SERVICE("target_group_name", "target_group_name,task_definition_id"),
					UPDATE_SERVICE("target_group_name=", "target_group_name"),
				},
			},
		},
	.remove =
		{
			{
				.operation = "UpdateService",
				.input = "{" SERVICE ", 'desiredCount': 0}",
				.when = "desired_count!=0",
				.done = "ServiceNotFoundException|ServiceNotActiveException|ClusterNotFoundException",
			},
			{
				.operation = "DeleteService",
				.input = "{" SERVICE "}",
				.done = "ServiceNotFoundException|ServiceNotActiveException|ClusterNotFoundException",
			},
			{.until = "gone", .waiter = "ServicesInactive"},
		},
	.created_at = "createdAt",
};

static const Resource *const resources[] = {&cluster, &task_definition, &service, NULL};

const Module aws_ecs_fargate_module = {
	.name = "aws_ecs_fargate",
	.depends = {"iasql_platform", "aws_account", "aws_iam", "aws_cloudwatch", "aws_ecr", "aws_vpc",
				"aws_security_group", "aws_elb"},
	.tables = {"cluster", "task_definition", "container_definition", "service", "service_security_groups"},
	.resources = resources,
};
