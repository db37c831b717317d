/*
 * config.c
 *	  Fuzz target: AWS's shared files, and the command lines in them.
 *
 * The input: a byte, odd for the credentials file; the text.
 */
#include "fuzz.h"

#include "aws/config.h"
#include "aws/provider.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	FuzzInput input = {data, len};
	bool credentials_file = fuzz_byte(&input) & 1;
	AwsConfig config = {0};
	char *text;
	char *command;
	char **words;

	/* The settings point into a text that the caller holds. */
	text = fuzz_rest(&input, &len);
	command = strdup(text);
	FUZZ_CHECK(aws_config_parse(&config, text, credentials_file));
	for (size_t i = 0; i < config.count; i++)
	{
		const AwsSetting *setting = &config.settings[i];

		FUZZ_CHECK(*setting->key != '\0' && *setting->value != '\0');
		FUZZ_CHECK(aws_config_has(&config, setting->section, setting->name));
		FUZZ_CHECK(aws_config_get(&config, setting->section, setting->name, setting->key) != NULL);
	}
	aws_config_get(&config, AWS_SECTION_PROFILE, "default", "region");
	aws_config_free(&config);
	free(text);

	words = aws_split_command(command);
	for (int i = 0; words != NULL && words[i] != NULL; i++)
		FUZZ_CHECK(strlen(words[i]) <= len);
	free(words);
	free(command);
	return 0;
}
