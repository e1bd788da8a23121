// SPDX-License-Identifier: GPL-2.0
/*
 * What samples/poller.rs does, in C.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>

static unsigned int period_ms = 1000;
module_param(period_ms, uint, 0);
MODULE_PARM_DESC(period_ms, "Time between two looks, in milliseconds (at least 1)");

static struct task_struct *poller;

/* The memory that programs could get without swapping, in KiB. */
static long available_kib(void)
{
	return si_mem_available() * (PAGE_SIZE / 1024);
}

static int poll(void *unused)
{
	while (!kthread_should_stop()) {
		pr_info("%ld KiB available\n", available_kib());

		set_current_state(TASK_IDLE);
		if (!kthread_should_stop())
			schedule_timeout(msecs_to_jiffies(max(period_ms, 1)));
		__set_current_state(TASK_RUNNING);
	}
	return 0;
}

static int __init poller_init(void)
{
	poller = kthread_run(poll, NULL, "poller");
	return PTR_ERR_OR_ZERO(poller);
}

static void __exit poller_exit(void)
{
	kthread_stop(poller);
}

module_init(poller_init);
module_exit(poller_exit);

MODULE_AUTHOR("The kthread authors");
MODULE_DESCRIPTION("A kernel thread that polls once per period");
MODULE_LICENSE("GPL");
