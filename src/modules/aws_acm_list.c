/*
 * aws_acm_list.c
 *	  ACM certificates.
 */
#include "modules/modules.h"

/* Without key types the list leaves out all but RSA_1024 and RSA_2048 (ACM API Reference, "Filters"). */
#define ALL_KEY_TYPES \
	"['RSA_1024', 'RSA_2048', 'RSA_3072', 'RSA_4096', 'EC_prime256v1', 'EC_secp384r1', 'EC_secp521r1']"

static const Resource certificate = {
	.name = "certificate",
	.service = "acm",
	.read_only = 1,
	.list = {"ListCertificates", "{'Includes': {'keyTypes': " ALL_KEY_TYPES "}, 'MaxItems': 1000}",
			 "CertificateSummaryList"},
	.attributes =
		{
			{"arn", "CertificateArn", FORM_SCALAR, ATTR_ID | ATTR_COMPUTED},
			{"certificate_id", "CertificateArn:basename", FORM_SCALAR, ATTR_COMPUTED},
			{"domain_name", "DomainName", FORM_SCALAR, ATTR_COMPUTED},
			{"certificate_type", "Type", FORM_SCALAR, ATTR_COMPUTED},
			{"status", "Status", FORM_SCALAR, ATTR_COMPUTED},
			{"renewal_eligibility", "RenewalEligibility", FORM_SCALAR, ATTR_COMPUTED},
			{"in_use", "InUse|'false'", FORM_SCALAR, ATTR_COMPUTED},
		},
	.remove =
		{
			{
				.operation = "DeleteCertificate",
				.input = "{'CertificateArn': '$arn'}",
				.done = "ResourceNotFoundException",
				.retry = "ResourceInUseException|ConflictException",
			},
		},
};

static const Resource *const resources[] = {&certificate, NULL};

const Module aws_acm_list_module = {
	.name = "aws_acm_list",
	.depends = {"iasql_platform", "aws_account"},
	.tables = {"certificate"},
	.resources = resources,
};
