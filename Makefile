# iasql: a PostgreSQL extension in C.
#
#   make deps          install what building and testing needs (apt, .venv, npm); quick when nothing is to do
#   make               build iasql.so and sql/iasql--VERSION.sql
#   make install       install into the PostgreSQL of PG_CONFIG; make uninstall takes it away
#   make check         build with warnings as errors, install, run every suite; ends with "N passed, N failed"
#   make check-faults  the suites that break transactions, the server and the network, at their full size
#   make check-long    every suite at its full size, then the engine with assertions and a sanitizer, and under valgrind
#   make check-matrix  build and test on PostgreSQL 16 and 18, from a Python package
#   make installcheck  only pg_regress, against a private cluster
#   make demo          play the tutorial on a private cluster and an emulated AWS; make demo-stop ends both
#   make bench         measure; make models: compile the service models anew; make docs: write the reference
#   make fmt           format the C files; make clean
#
# The build itself is pgxs.mk, apart from this file because PGXS has a target `check` of its own.

SUDO = $(if $(filter-out 0,$(shell id -u)),sudo)

all install uninstall clean build/libaws.a build/asan/libaws.a:
	@$(MAKE) --no-print-directory -f pgxs.mk $@

deps:
	tools/deps

check:
	@$(MAKE) --no-print-directory -s -j$(shell nproc) WERROR=1 all build/libaws.a build/asan/libaws.a
	@$(SUDO) $(MAKE) --no-print-directory -s install
	test/run $(SUITES)

check-faults check-long: export IASQL_LONG = 1
check-faults: SUITES = kill faults rollback recorder
check-faults check-long: check

check-matrix:
	test/matrix/check $(SUITES)

installcheck:
	test/regress/run

demo: deps
	@$(MAKE) --no-print-directory -s -j$(shell nproc) all
	@$(SUDO) $(MAKE) --no-print-directory -s install
	tools/demo start

demo-stop:
	tools/demo stop

bench: all
	bench/run

models: deps
	.venv/bin/python tools/models/build

docs:
	tools/docs

fmt:
	clang-format-14 -i $(sort $(wildcard src/*.[ch] src/*/*.[ch]))

.PHONY: all install uninstall clean build/libaws.a build/asan/libaws.a deps check check-faults check-long check-matrix \
	installcheck demo demo-stop bench models docs fmt
