// SPDX-License-Identifier: GPL-2.0

#include <linux/sysctl.h>

/* Without CONFIG_SYSCTL these are inline, and do nothing. */
struct ctl_table_header *rust_kthread_register_sysctl_sz(const char *path,
							 const struct ctl_table *table,
							 size_t size)
{
	return register_sysctl_sz(path, table, size);
}

void rust_kthread_unregister_sysctl_table(struct ctl_table_header *header)
{
	unregister_sysctl_table(header);
}
