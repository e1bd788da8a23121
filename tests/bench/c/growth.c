// SPDX-License-Identifier: GPL-2.0
/*
 * How costs grow: with the threads and workers that are alive, and with the items that are queued.
 */

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/vmalloc.h>

#include "bench.h"

#define COUNT 10
#define MOST_ALIVE 1000
#define MOST_ITEMS 100000
/* How many items a round has at least, in as many turns as it takes. */
#define ITEMS_OF_ROUND 1000
#define NAME_SIZE 20

static struct task_struct *tasks[MOST_ALIVE];
static struct kthread_worker *workers[MOST_ALIVE];
static struct kthread_work *items;

static void run(struct kthread_work *work)
{
}

static void create_stop(void *unused)
{
	struct task_struct *task;
	int i;

	for (i = 0; i < COUNT; i++) {
		task = kthread_run(wait_for_stop, NULL, "short");
		if (!IS_ERR(task))
			kthread_stop(task);
	}
}

static void queue_flush(void *unused)
{
	int i;

	for (i = 0; i < COUNT; i++) {
		kthread_queue_work(workers[0], &items[0]);
		kthread_flush_work(&items[0]);
	}
}

static unsigned long turns(unsigned long count)
{
	return DIV_ROUND_UP(ITEMS_OF_ROUND, count);
}

static void queue_many(void *most)
{
	unsigned long turn, i, count = (unsigned long)most;

	for (turn = 0; turn < turns(count); turn++) {
		for (i = 0; i < count; i++)
			kthread_queue_work(workers[0], &items[i]);
		kthread_flush_worker(workers[0]);
	}
}

/* There are so many threads and workers besides those that are measured. */
static void measure_alive(unsigned int alive)
{
	char name[NAME_SIZE];
	unsigned int i;

	for (i = 0; i < alive; i++)
		tasks[i] = kthread_run(wait_for_stop, NULL, "alive");
	snprintf(name, NAME_SIZE, "threads_%u", alive);
	measure(name, COUNT, create_stop, NULL);
	for (i = 0; i < alive; i++)
		if (!IS_ERR(tasks[i]))
			kthread_stop(tasks[i]);

	for (i = 0; i < alive; i++)
		workers[i] = kthread_run_worker(0, "alive");
	snprintf(name, NAME_SIZE, "workers_%u", alive);
	if (!IS_ERR(workers[0])) {
		kthread_init_work(&items[0], run);
		measure(name, COUNT, queue_flush, NULL);
	}
	for (i = 0; i < alive; i++)
		if (!IS_ERR(workers[i]))
			kthread_destroy_worker(workers[i]);
}

static void measure_items(unsigned long count)
{
	char name[NAME_SIZE];
	unsigned long i;

	for (i = 0; i < count; i++)
		kthread_init_work(&items[i], run);
	snprintf(name, NAME_SIZE, "items_%lu", count);
	measure(name, turns(count) * count, queue_many, (void *)count);
}

int bench_growth(void)
{
	unsigned long i;

	items = vzalloc(array_size(MOST_ITEMS, sizeof(*items)));
	if (!items)
		return -ENOMEM;
	for (i = 1; i <= MOST_ALIVE; i *= 10)
		measure_alive(i);
	workers[0] = kthread_run_worker(0, "items");
	if (!IS_ERR(workers[0])) {
		for (i = 1; i <= MOST_ITEMS; i *= 10)
			measure_items(i);
		kthread_destroy_worker(workers[0]);
	}
	vfree(items);
	return PTR_ERR_OR_ZERO(workers[0]);
}
