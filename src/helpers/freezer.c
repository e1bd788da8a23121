// SPDX-License-Identifier: GPL-2.0

#include <linux/freezer.h>

void rust_kthread_set_freezable(void)
{
	set_freezable();
}

bool rust_kthread_is_freezing(void)
{
	return freezing(current);
}

void rust_kthread_try_to_freeze(void)
{
	try_to_freeze();
}

/* One that has said so, by set_freezable(). */
bool rust_kthread_is_freezable_kthread(void)
{
	return (current->flags & (PF_KTHREAD | PF_NOFREEZE)) == PF_KTHREAD;
}
