// SPDX-License-Identifier: GPL-2.0

#include <linux/module.h>

bool rust_kthread_within_module(unsigned long addr, const struct module *mod)
{
	return within_module(addr, mod);
}

void rust_kthread_module_text(const struct module *mod, unsigned long *start,
			      unsigned long *size)
{
	*start = (unsigned long)mod->mem[MOD_TEXT].base;
	*size = mod->mem[MOD_TEXT].size;
}
