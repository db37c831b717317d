# The fuzz targets: src/aws and one file of this folder each, by clang with libFuzzer and the sanitizers.
CC = clang-14
CFLAGS = -std=gnu11 -g -O1 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers -Werror -fno-omit-frame-pointer \
	-fno-sanitize-recover=undefined -Isrc
SANITIZE = -fsanitize=address,undefined
folder = build/fuzz

TARGETS = $(addprefix $(folder)/,config endpoint jmespath model request sigv4)
REPLIES = $(addprefix $(folder)/,json xml)
AWS = $(patsubst src/%.c,$(folder)/src/%.o,$(sort $(wildcard src/aws/*.c)))

all: $(TARGETS) $(REPLIES)

$(TARGETS): $(folder)/%: $(folder)/test/fuzz/%.o
$(REPLIES): $(folder)/test/fuzz/reply.o
$(TARGETS) $(REPLIES): $(folder)/test/fuzz/fuzz.o $(AWS)
	$(CC) $(SANITIZE),fuzzer $^ -o $@ -lcurl -lcrypto -lexpat -ljson-c -lm

$(folder)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(SANITIZE),fuzzer-no-link -MMD -MP -c $< -o $@

.SECONDARY:
-include $(wildcard $(folder)/*/*/*.d)
