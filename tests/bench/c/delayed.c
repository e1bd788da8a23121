// SPDX-License-Identifier: GPL-2.0
/*
 * What items of a kthread worker cost that are to run later.
 */

#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/timer.h>

#include "bench.h"

#define COUNT 100

static struct kthread_worker *worker;

static void run(struct kthread_work *work)
{
}

static DEFINE_KTHREAD_DELAYED_WORK(item, run);

static void delayed_cancel(void *unused)
{
	int i;

	for (i = 0; i < COUNT; i++) {
		kthread_queue_delayed_work(worker, &item, msecs_to_jiffies(3600 * 1000));
		kthread_cancel_delayed_work_sync(&item);
	}
}

static void delayed_modify(void *unused)
{
	int i;

	for (i = 0; i < COUNT; i++)
		kthread_mod_delayed_work(worker, &item, msecs_to_jiffies((3600 + i) * 1000));
}

static void delayed_run(void *unused)
{
	int i;

	for (i = 0; i < COUNT; i++) {
		kthread_queue_delayed_work(worker, &item, 0);
		kthread_flush_work(&item.work);
	}
}

int bench_delayed(void)
{
	worker = kthread_run_worker(0, "worker");
	if (IS_ERR(worker))
		return PTR_ERR(worker);

	measure("delayed_cancel", COUNT, delayed_cancel, NULL);
	measure("delayed_modify", COUNT, delayed_modify, NULL);
	kthread_cancel_delayed_work_sync(&item);
	measure("delayed_run", COUNT, delayed_run, NULL);

	kthread_destroy_worker(worker);
	return 0;
}
