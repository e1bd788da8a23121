// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to send values to a thread: by a kfifo with a lock for those who put something in,
 * as there may be many, and a wait queue for the one who takes it out.
 */

#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kfifo.h>
#include <linux/kthread.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "bench.h"

#define VALUES 1000
#define ONE_BY_ONE 50

static DEFINE_KFIFO(fifo, u64, 1024);
static DEFINE_SPINLOCK(lock);
static DECLARE_WAIT_QUEUE_HEAD(queue);

/* The last of a round. */
#define LAST 0

static DECLARE_COMPLETION(all_received);
static u64 sum;

static int receive(void *unused)
{
	u64 value;

	while (!kthread_should_stop()) {
		wait_event_idle(queue, !kfifo_is_empty(&fifo) || kthread_should_stop());
		while (kfifo_get(&fifo, &value)) {
			sum += value;
			if (value == LAST)
				complete(&all_received);
		}
	}
	return 0;
}

static void send(u64 value)
{
	kfifo_in_spinlocked(&fifo, &value, 1, &lock);
	wake_up(&queue);
}

static void mailbox_many(void *unused)
{
	u64 i;

	for (i = VALUES; i-- > 0;)
		send(i);
	wait_for_completion(&all_received);
}

static void mailbox_one(void *unused)
{
	int i;

	for (i = 0; i < ONE_BY_ONE; i++) {
		send(LAST);
		wait_for_completion(&all_received);
	}
}

int bench_mailbox(void)
{
	struct task_struct *task = kthread_run(receive, NULL, "receiver");

	if (IS_ERR(task))
		return PTR_ERR(task);
	measure("mailbox_many", VALUES, mailbox_many, NULL);
	measure("mailbox_one", ONE_BY_ONE, mailbox_one, NULL);
	kthread_stop(task);
	return 0;
}
