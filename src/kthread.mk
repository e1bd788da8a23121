# SPDX-License-Identifier: GPL-2.0
#
# For the Kbuild of a driver:
#
#	include /lib/modules/$(KERNELRELEASE)/kthread/kthread.mk
#
# All its Rust objects may then say `use kthread::...`, and its modules need `rust_kthread`.

kthread-dir := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))

# There is no release when kbuild cleans up.
kthread-release := $(shell cat $(kthread-dir)/kernel.release)
ifneq ($(kthread-release),$(or $(KERNELRELEASE),$(kthread-release)))
$(error $(kthread-dir) is for Linux $(kthread-release), not $(KERNELRELEASE): \
	run "make install" of kthread with the KDIR that you build for)
endif

# The name makes kbuild compile again when the crate is another one.
kthread-build := kthread_$(firstword $(shell cksum $(kthread-dir)/libkthread.rmeta))
subdir-rustflags-y += -L $(kthread-dir) --extern kthread --cfg $(kthread-build)
KBUILD_EXTRA_SYMBOLS += $(kthread-dir)/Module.symvers
