/*
 * config.h
 *	  The files that AWS's own tools share: ~/.aws/config and ~/.aws/credentials.
 */
#ifndef AWS_CONFIG_H
#define AWS_CONFIG_H

#include "aws/buffer.h"

typedef enum AwsSectionKind
{
	AWS_SECTION_PROFILE,	/* [default], [profile NAME]; in the credentials file [NAME] */
	AWS_SECTION_SSO_SESSION /* [sso-session NAME] */
} AwsSectionKind;

typedef struct AwsSetting
{
	AwsSectionKind section;
	const char *name; /* of the section */
	const char *key;
	const char *value;
} AwsSetting;

/* A zeroed one is empty.  The settings of the credentials file come first, so that they win. */
typedef struct AwsConfig
{
	AwsBuffer texts[2]; /* that the settings point into */
	AwsSetting *settings;
	size_t count;
	size_t size;
} AwsConfig;

/* Reads both files, as far as they are there; false for lack of memory. */
extern bool aws_config_load(AwsConfig *config);

/* Takes the settings of one text, which is cut up in place; false for lack of memory. */
extern bool aws_config_parse(AwsConfig *config, char *text, bool credentials_file);

/* The value of a setting, or NULL. */
extern const char *aws_config_get(const AwsConfig *config, AwsSectionKind section, const char *name, const char *key);

/* Whether there is such a section with any setting. */
extern bool aws_config_has(const AwsConfig *config, AwsSectionKind section, const char *name);

/* Frees and wipes. */
extern void aws_config_free(AwsConfig *config);

#endif /* AWS_CONFIG_H */
