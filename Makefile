# SPDX-License-Identifier: GPL-2.0
#
# The one door for people. kbuild reads the file Kbuild instead.

# Unset ones have defaults in scripts/settings.py.
export KDIR LINUX_SERIES KERNEL ARCH SAMPLE CACHE ACCEL JOBS DURATION CHURNS SEED
export DESTDIR INSTALL_MOD_PATH PREFIX

# $(call packages,STEPS,PURPOSES): installs them as the first step of so many. With KDIR there is
# one step less, as there is no kernel to be built.
packages = @scripts/packages.sh $(if $(KDIR),$$(($(1) - 1)) modules,$(1) kernel) $(2)

help: ## This text (default)
	@echo 'Targets:'
	@sed -nE 's/^([a-z-]+):.* ## (.*)/  \1\t\2/p' Makefile | expand -t 16
	@echo 'Variables, as in "make test KERNEL=debug":'
	@sed -nE 's/^## ([A-Z_]+) (.*)/  \1\t\2/p' Makefile | expand -t 16

run: ## Boot the kernel, load the crate, show each sample at work
	$(call packages,6,guest)
	@python3 scripts/run.py

test: ## Run every test in the guest, and prove that the harness can fail
	$(call packages,19,guest install test)
	@python3 scripts/test.py

torture: ## Do all that the crate is for at random, for DURATION, while CPUs come and go, and count
	$(call packages,6,guest)
	@python3 scripts/torture.py

churn: ## Load and unload the crate and all that uses it in changing order, CHURNS times
	$(call packages,6,guest)
	@python3 scripts/churn.py

coverage: ## Show which lines and branches of the crate the tests run
	$(call packages,8,guest coverage)
	@python3 scripts/coverage.py

bench: ## Measure what threads cost in Rust and in C, in instructions
	$(call packages,6,guest bench)
	@python3 scripts/bench.py $(MODE)

shell: ## Open a shell in the guest, with the modules at hand
	$(call packages,5,guest)
	@python3 scripts/shell.py

modules: ## Build the modules only; with KDIR, for your own kernel
	$(call packages,5)
	@python3 scripts/modules.py

install: ## Install the crate for the running kernel, or for the one of KDIR
	$(call packages,7,install)
	@python3 scripts/install.py

uninstall: ## Take that away again
	@python3 scripts/install.py uninstall

dkms: ## Put the sources where DKMS finds them: /usr/src
	@scripts/dkms.sh source "$(DESTDIR)/usr/src"

install uninstall: export KDIR := $(or $(KDIR),/lib/modules/$(shell uname -r)/build)

doc: ## Write the documentation of the crate: build/doc
	$(call packages,6)
	@python3 scripts/doc.py

check: ## Check the style: rustfmt, clippy, shellcheck, licences; and what editors are told
	$(call packages,6,check)
	@python3 scripts/check.py

rust-analyzer: ## Write rust-project.json, for editors
	$(call packages,6)
	@python3 scripts/rust_analyzer.py

update: ## Let the next run look for a newer point release of Linux
	@python3 scripts/cache.py update

clean: ## Remove what was built from this checkout
	rm -rf build scripts/__pycache__ tests/scripts/__pycache__

clean-cache: ## Remove the cache: kernels, sources, bindgen
	@python3 scripts/cache.py clean

## LINUX_SERIES 7.3 (default) or 7.2: the newest point release is taken
## KERNEL plain (default); debug: KASAN, lockdep, kmemleak and more; rt: PREEMPT_RT; up: one CPU
## KDIR the build folder of your own kernel, instead of the two above
## ARCH x86_64 (default)
## SAMPLE name of one sample to run (default: all)
## ACCEL kvm or tcg (default: kvm where it works)
## JOBS number of parallel jobs (default: one for each CPU)
## DURATION of "make torture": 90, 90s, 5m, 1h (default: 2m)
## CHURNS how often "make churn" loads the crate (default: 150, with some 1,000 modules that use it)
## MODE of "make bench": wall (on several CPUs), where (of each function), record (keeps ratios)
## SEED what its random numbers follow from (default: another one each time)
## DESTDIR what comes before all paths that "make install" writes to
## INSTALL_MOD_PATH what comes before /lib/modules
## PREFIX of the documentation (default: /usr/local)
## CACHE where kernels and tools are kept (default: ~/.cache/kthread)

.PHONY: help run test torture churn coverage bench shell modules doc check update clean clean-cache
