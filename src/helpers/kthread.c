// SPDX-License-Identifier: GPL-2.0

#include <linux/kthread.h>

/*
 * The argument of the current task, if it is a kthread that runs this function. One
 * that is exiting may have been joined, and its argument be gone.
 */
void *rust_kthread_current_data(int (*function)(void *))
{
	if (current->flags & PF_EXITING || kthread_func(current) != function)
		return NULL;
	return kthread_data(current);
}
