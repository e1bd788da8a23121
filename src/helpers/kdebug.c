// SPDX-License-Identifier: GPL-2.0

#include <linux/kdebug.h>
#include <linux/preempt.h>

/* In an interrupt an oops is none of the current task, and the kernel panics. */
bool rust_kthread_is_oops_of_task(unsigned long event)
{
	return event == DIE_OOPS && !in_interrupt();
}

int rust_kthread_register_die_notifier(struct notifier_block *block)
{
	return register_die_notifier(block);
}

int rust_kthread_unregister_die_notifier(struct notifier_block *block)
{
	return unregister_die_notifier(block);
}
