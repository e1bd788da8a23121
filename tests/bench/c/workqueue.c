// SPDX-License-Identifier: GPL-2.0
/*
 * What items of workqueues cost: of the system's unbound one, and of an ordered one.
 */

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "bench.h"

#define ONE_BY_ONE 50
#define ITEMS 1000

static DECLARE_COMPLETION(last);
static atomic_t left;
static struct work_struct *items;

static void run(struct work_struct *work)
{
	if (atomic_dec_and_test(&left))
		complete(&last);
}

static void queue_one(void *queue)
{
	int i;

	for (i = 0; i < ONE_BY_ONE; i++) {
		atomic_set(&left, 1);
		queue_work(queue, &items[0]);
		wait_for_completion(&last);
	}
}

static void queue_many(void *queue)
{
	int i;

	atomic_set(&left, ITEMS);
	for (i = 0; i < ITEMS; i++)
		queue_work(queue, &items[i]);
	wait_for_completion(&last);
}

int bench_workqueue(void)
{
	struct workqueue_struct *ordered;
	int i;

	items = kcalloc(ITEMS, sizeof(*items), GFP_KERNEL);
	ordered = alloc_ordered_workqueue("bench", 0);
	if (!items || !ordered) {
		kfree(items);
		return -ENOMEM;
	}
	for (i = 0; i < ITEMS; i++)
		INIT_WORK(&items[i], run);

	measure("system_dfl_wq_one", ONE_BY_ONE, queue_one, system_dfl_wq);
	measure("system_dfl_wq_many", ITEMS, queue_many, system_dfl_wq);
	measure("ordered_wq_one", ONE_BY_ONE, queue_one, ordered);
	measure("ordered_wq_many", ITEMS, queue_many, ordered);

	for (i = 0; i < ITEMS; i++)
		flush_work(&items[i]);
	destroy_workqueue(ordered);
	kfree(items);
	return 0;
}
