/*
 * config.c
 *	  Reads the shared files: sections, "key = value" lines and comments.
 *
 * Lines that begin with a blank continue a value or are settings below a
 * setting ("s3 =" and such); none of them is about credentials: they are
 * skipped, as is every line that cannot be read.
 *
 * Source: "Shared config and credentials files" in the AWS SDKs and Tools
 * Reference Guide.
 */
#include "aws/config.h"

#include <stdlib.h>
#include <strings.h>

#include "aws/provider.h"

#define BLANKS " \t\r"

/* Cuts blanks off both ends, in place. */
static char *
trim(char *text)
{
	size_t len;

	text += strspn(text, BLANKS);
	len = strlen(text);
	while (len > 0 && strchr(BLANKS, text[len - 1]) != NULL)
		len--;
	text[len] = '\0';
	return text;
}

/* Reads what stands between the brackets; the name of the section, or NULL for one that is not ours. */
static char *
section_name(char *header, bool credentials_file, AwsSectionKind *kind)
{
	static const struct
	{
		const char *word;
		AwsSectionKind kind;
	} words[] = {{"profile", AWS_SECTION_PROFILE}, {"sso-session", AWS_SECTION_SSO_SESSION}};
	size_t len = strcspn(header, BLANKS);

	*kind = AWS_SECTION_PROFILE;
	if (credentials_file || strcmp(header, "default") == 0)
		return header;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
	{
		if (strlen(words[i].word) != len || strncmp(header, words[i].word, len) != 0)
			continue;
		*kind = words[i].kind;
		header = trim(header + len);
		len = strlen(header);
		if (len >= 2 && (*header == '"' || *header == '\'') && header[len - 1] == *header)
		{
			header[len - 1] = '\0';
			header++;
		}
		return *header != '\0' ? header : NULL;
	}
	return NULL;
}

static bool
add_setting(AwsConfig *config, AwsSetting setting)
{
	if (config->count == config->size)
	{
		size_t size = config->size > 0 ? config->size * 2 : 32;
		AwsSetting *settings = realloc(config->settings, size * sizeof(*settings));

		if (settings == NULL)
			return false;
		config->settings = settings;
		config->size = size;
	}
	config->settings[config->count++] = setting;
	return true;
}

bool
aws_config_parse(AwsConfig *config, char *text, bool credentials_file)
{
	AwsSetting setting = {0};

	for (char *line = text, *next; line != NULL; line = next)
	{
		char *end = strchr(line, '\n');
		char *equals;

		next = end != NULL ? end + 1 : NULL;
		if (end != NULL)
			*end = '\0';
		if (*line == '[')
		{
			char *close = strchr(line, ']');

			setting.name = NULL;
			if (close == NULL)
				continue;
			*close = '\0';
			setting.name = section_name(trim(line + 1), credentials_file, &setting.section);
		}
		else if (setting.name != NULL && *line != '\0' && strchr(BLANKS "#;", *line) == NULL &&
				 (equals = strchr(line, '=')) != NULL)
		{
			*equals = '\0';
			setting.key = trim(line);
			setting.value = trim(equals + 1);
			if (*setting.key != '\0' && *setting.value != '\0' && !add_setting(config, setting))
				return false;
		}
	}
	return true;
}

/* A file is where a variable says, or below the home folder. */
static void
load_file(AwsBuffer *text, const char *variable, const char *below_home)
{
	const char *path = aws_environment(variable);
	const char *home = aws_environment("HOME");
	AwsBuffer built = {0};

	if (path != NULL)
		aws_buffer_string(&built, path);
	else if (home != NULL)
		aws_buffer_format(&built, "%s/%s", home, below_home);
	if (built.len > 0 && !built.failed)
		aws_read_file(built.data, text);
	aws_buffer_free(&built);
}

bool
aws_config_load(AwsConfig *config)
{
	load_file(&config->texts[0], "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials");
	load_file(&config->texts[1], "AWS_CONFIG_FILE", ".aws/config");
	for (int i = 0; i < 2; i++)
		if (config->texts[i].len > 0 && !aws_config_parse(config, config->texts[i].data, i == 0))
			return false;
	return true;
}

const char *
aws_config_get(const AwsConfig *config, AwsSectionKind section, const char *name, const char *key)
{
	for (size_t i = 0; i < config->count; i++)
	{
		const AwsSetting *setting = &config->settings[i];

		if (setting->section == section && strcmp(setting->name, name) == 0 && strcasecmp(setting->key, key) == 0)
			return setting->value;
	}
	return NULL;
}

bool
aws_config_has(const AwsConfig *config, AwsSectionKind section, const char *name)
{
	for (size_t i = 0; i < config->count; i++)
		if (config->settings[i].section == section && strcmp(config->settings[i].name, name) == 0)
			return true;
	return false;
}

void
aws_config_free(AwsConfig *config)
{
	aws_secret_buffer_free(&config->texts[0]);
	aws_secret_buffer_free(&config->texts[1]);
	free(config->settings);
	*config = (AwsConfig){0};
}
