// SPDX-License-Identifier: GPL-2.0

#include <linux/workqueue.h>

void rust_kthread_init_work(struct work_struct *work, work_func_t func)
{
	INIT_WORK(work, func);
}

void rust_kthread_init_delayed_work(struct delayed_work *work, work_func_t func)
{
	INIT_DELAYED_WORK(work, func);
}

bool rust_kthread_delayed_work_pending(struct delayed_work *work)
{
	return delayed_work_pending(work);
}
