// SPDX-License-Identifier: GPL-2.0
/*
 * What items of a kthread worker cost.
 */

#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/slab.h>

#include "bench.h"

#define ONE_BY_ONE 50
#define ITEMS 1000
#define WORKERS 10

struct item {
	struct kthread_work work;
	struct kthread_worker *worker;
	unsigned int runs;
	unsigned int again;
};

static DECLARE_COMPLETION(last);

static void run(struct kthread_work *work)
{
	struct item *item = container_of(work, struct item, work);

	WRITE_ONCE(item->runs, READ_ONCE(item->runs) + 1);
}

static void run_again(struct kthread_work *work)
{
	struct item *item = container_of(work, struct item, work);
	unsigned int again = READ_ONCE(item->again);

	WRITE_ONCE(item->again, again - 1);
	if (again > 1)
		kthread_queue_work(item->worker, work);
	else
		complete(&last);
}

static struct kthread_worker *worker;
static struct item *items;

static void worker_one(void *unused)
{
	int i;

	for (i = 0; i < ONE_BY_ONE; i++) {
		kthread_queue_work(worker, &items[0].work);
		kthread_flush_work(&items[0].work);
	}
}

static void worker_many(void *unused)
{
	int i;

	for (i = 0; i < ITEMS; i++)
		kthread_queue_work(worker, &items[i].work);
	kthread_flush_worker(worker);
}

static void worker_again(void *again)
{
	struct item *item = again;

	WRITE_ONCE(item->again, ITEMS);
	kthread_queue_work(worker, &item->work);
	wait_for_completion(&last);
}

static void worker_flush(void *unused)
{
	int i;

	for (i = 0; i < ONE_BY_ONE; i++)
		kthread_flush_worker(worker);
}

static void worker_create(void *unused)
{
	struct kthread_worker *other;
	int i;

	for (i = 0; i < WORKERS; i++) {
		other = kthread_run_worker(0, "short");
		if (!IS_ERR(other))
			kthread_destroy_worker(other);
	}
}

int bench_worker(void)
{
	struct item again = {};
	int i, error = 0;

	items = kcalloc(ITEMS, sizeof(*items), GFP_KERNEL);
	worker = kthread_run_worker(0, "worker");
	if (!items || IS_ERR(worker)) {
		error = -ENOMEM;
		goto out;
	}
	for (i = 0; i < ITEMS; i++)
		kthread_init_work(&items[i].work, run);
	kthread_init_work(&again.work, run_again);
	again.worker = worker;

	measure("worker_one", ONE_BY_ONE, worker_one, NULL);
	measure("worker_many", ITEMS, worker_many, NULL);
	measure("worker_again", ITEMS, worker_again, &again);
	measure("worker_flush", ONE_BY_ONE, worker_flush, NULL);
	measure("worker_create", WORKERS, worker_create, NULL);
out:
	if (!IS_ERR_OR_NULL(worker))
		kthread_destroy_worker(worker);
	kfree(items);
	return error;
}
