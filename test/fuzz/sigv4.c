/*
 * sigv4.c
 *	  Fuzz target: the canonical form of a request, and its signature.
 *
 * The input: a byte of flags; lines: the method, the path, the query, headers
 * "Name:value" up to an empty line; the body.
 */
#include "fuzz.h"

#include "aws/sigv4.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	FuzzInput input = {data, len};
	unsigned flags = fuzz_byte(&input);
	char *lines[3] = {fuzz_line(&input), fuzz_line(&input), fuzz_line(&input)};
	AwsBuffer headers = {0};
	char *line;
	char *colon;
	char hash[AWS_SHA256_HEX];
	AwsSigRequest request = {.method = lines[0],
							 .path = lines[1],
							 .query = flags & 4 ? NULL : lines[2],
							 .headers = &headers,
							 .payload_hash = hash,
							 .normalize_path = flags & 1,
							 .double_encode = flags & 2};
	AwsSigScope scope = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service",
						 "20150830T123600Z"};
	AwsBuffer authorization = {0};
	AwsBuffer canonical = {0};
	AwsBuffer signed_headers = {0};

	for (; (colon = strchr(line = fuzz_line(&input), ':')) != NULL; free(line))
	{
		*colon = '\0';
		aws_headers_add(&headers, line, colon + 1);
	}
	free(line);
	FUZZ_CHECK(aws_sha256_hex(input.data, input.len, hash));
	FUZZ_CHECK(strlen(hash) == AWS_SHA256_HEX - 1);
	aws_sigv4_canonical(&request, &canonical, &signed_headers);
	FUZZ_CHECK(!canonical.failed && !signed_headers.failed);
	FUZZ_CHECK(fuzz_is_clean(lines[0], strlen(lines[0]), "") ||
			   memcmp(canonical.data, lines[0], strlen(lines[0])) == 0);
	FUZZ_CHECK(canonical.len > 64 && strcmp(canonical.data + canonical.len - 64, hash) == 0);
	FUZZ_CHECK(aws_sigv4_authorization(&request, &scope, &authorization));
	FUZZ_CHECK(strstr(authorization.data, aws_buffer_text(&signed_headers)) != NULL);
	aws_buffer_free(&authorization);
	aws_buffer_free(&canonical);
	aws_buffer_free(&signed_headers);
	aws_buffer_free(&headers);
	for (int i = 0; i < 3; i++)
		free(lines[i]);
	return 0;
}
