// SPDX-License-Identifier: GPL-2.0

#include <linux/kdebug.h>

bool rust_kthread_is_oops(unsigned long event)
{
	return event == DIE_OOPS;
}

int rust_kthread_register_die_notifier(struct notifier_block *block)
{
	return register_die_notifier(block);
}

int rust_kthread_unregister_die_notifier(struct notifier_block *block)
{
	return unregister_die_notifier(block);
}
