/*
 * partitions.h
 *	  The partitions of AWS, for endpoint.c.  Made by tools/models/build from botocore; do not edit.
 */
/* clang-format off */
static const AwsPartition partitions[] = {
	{"aws", "amazonaws.com", "api.aws", "us-east-1", true, true,
		{"us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx", 0}, {"aws-global", 0}},
	{"aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "cn-northwest-1", true, true,
		{"cn", 0}, {"aws-cn-global", 0}},
	{"aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu", "eusc-de-east-1", true, true,
		{"eusc-de", 0}, {0}},
	{"aws-iso", "c2s.ic.gov", "api.aws.ic.gov", "us-iso-east-1", true, true,
		{"us-iso", 0}, {"aws-iso-global", 0}},
	{"aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud", "us-isob-east-1", true, true,
		{"us-isob", 0}, {"aws-iso-b-global", 0}},
	{"aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "eu-isoe-west-1", true, true,
		{"eu-isoe", 0}, {"aws-iso-e-global", 0}},
	{"aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "us-isof-south-1", true, true,
		{"us-isof", 0}, {"aws-iso-f-global", 0}},
	{"aws-us-gov", "amazonaws.com", "api.aws", "us-gov-west-1", true, true,
		{"us-gov", 0}, {"aws-us-gov-global", 0}},
};
