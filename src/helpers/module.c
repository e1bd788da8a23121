// SPDX-License-Identifier: GPL-2.0

#include <linux/module.h>

bool rust_kthread_within_module(unsigned long addr, const struct module *mod)
{
	return within_module(addr, mod);
}
