# The build of iasql by PGXS: one shared library from src, the extension's scripts, the modules' scripts, the models.
# Sources and scripts are found, not listed.

EXTENSION = iasql
EXTVERSION = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" iasql.control)
MODULE_big = iasql
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard $(addsuffix /*.c,src src/aws src/engine src/modules src/api))))
DATA = $(wildcard sql/iasql--*--*.sql)
DATA_built = sql/iasql--$(EXTVERSION).sql

WARNINGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers \
	-Wno-declaration-after-statement $(if $(CI)$(WERROR),-Werror)
PG_CPPFLAGS = -Isrc
# -MMD -MP: Debian's server is built without --enable-depend, so PGXS would not follow headers.
PG_CFLAGS = -std=gnu11 $(WARNINGS) -MMD -MP $(COUNTERS) $(CHECKS)
# For tools/instrument: gcov's counters, no optimisation that would blur them, and assertions, without which gcov takes a
# function that always raises for one that is never entered; or assertions and a sanitizer.
COUNTERS = $(if $(COVERAGE),--coverage -O0 -DUSE_ASSERT_CHECKING)
CHECKS = $(if $(CHECKED),-DUSE_ASSERT_CHECKING -fsanitize=undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
SHLIB_LINK = $(COUNTERS) $(CHECKS) -lcurl -lcrypto -lexpat -ljson-c -lm
EXTRA_CLEAN = build/libaws.a build/asan $(OBJS:.o=.d)
NO_INSTALLCHECK = 1

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
override with_llvm = no
include $(PGXS)
-include $(OBJS:.o=.d)

sql/iasql--$(EXTVERSION).sql: sql/iasql.sql iasql.control
	cp $< $@

# What PGXS has no word for: the modules' scripts and the service models, in a folder of the extension's own.
sharedir = $(DESTDIR)$(datadir)/extension/iasql
MODULE_SQL = $(sort $(wildcard sql/modules/*.sql))
MODELS = $(wildcard models/models.tar.xz)

install: install-share
install-share: installdirs
	rm -rf '$(sharedir)/modules'
	$(MKDIR_P) '$(sharedir)/modules' '$(sharedir)/models'
	$(if $(MODULE_SQL),$(INSTALL_DATA) $(MODULE_SQL) '$(sharedir)/modules/')
	$(if $(MODELS),cmp -s $(MODELS) '$(sharedir)/models/models.tar.xz' || \
		{ tar --no-same-owner --unlink-first -C '$(sharedir)/models' -xJf $(MODELS) && \
		$(INSTALL_DATA) $(MODELS) '$(sharedir)/models/models.tar.xz'; })

uninstall: uninstall-share
uninstall-share:
	rm -rf '$(sharedir)'

# src/aws without PostgreSQL: the objects of the extension itself, and the same under the sanitizers.
AWS_OBJS = $(filter src/aws/%,$(OBJS))
ASAN_OBJS = $(patsubst src/%.o,build/asan/%.o,$(AWS_OBJS))
ASAN_FLAGS = -std=gnu11 -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined $(COUNTERS)

build/libaws.a: $(AWS_OBJS)
	@mkdir -p $(@D)
	rm -f $@ && ar rcs $@ $^

build/asan/libaws.a: $(ASAN_OBJS)
	rm -f $@ && ar rcs $@ $^

build/asan/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(ASAN_FLAGS) $(WARNINGS) -MMD -MP -Isrc -c $< -o $@
-include $(ASAN_OBJS:.o=.d)

.PHONY: install-share uninstall-share
