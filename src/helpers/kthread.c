// SPDX-License-Identifier: GPL-2.0

#include <linux/kthread.h>

/* The argument of the current task, if it is a kthread that runs this function. */
void *rust_kthread_current_data(int (*function)(void *))
{
	return kthread_func(current) == function ? kthread_data(current) : NULL;
}
