// SPDX-License-Identifier: GPL-2.0
/*
 * What several CPUs do to each other: producers that share a queue, and how long it takes a thread
 * to wake up on another CPU.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kfifo.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "bench.h"

#define PRODUCERS 4
#define VALUES 1000
#define SAMPLES 2000
#define BUCKETS 32
#define NAME_SIZE 20

static DEFINE_KFIFO(fifo, u64, 1024);
static DEFINE_SPINLOCK(lock);
static DECLARE_WAIT_QUEUE_HEAD(queue);
static DECLARE_COMPLETION(all_received);
static unsigned long expected;

static int receive(void *unused)
{
	unsigned long received = 0;
	u64 value;

	while (!kthread_should_stop()) {
		wait_event_idle(queue, !kfifo_is_empty(&fifo) || kthread_should_stop());
		while (kfifo_get(&fifo, &value)) {
			if (++received == READ_ONCE(expected)) {
				received = 0;
				complete(&all_received);
			}
		}
	}
	return 0;
}

static int produce(void *done)
{
	u64 i;

	for (i = 0; i < VALUES; i++) {
		while (!kfifo_in_spinlocked(&fifo, &i, 1, &lock))
			usleep_range(50, 100);
		wake_up(&queue);
	}
	complete(done);
	return 0;
}

static void producers(void *count)
{
	struct task_struct *tasks[PRODUCERS];
	struct completion done;
	unsigned long i, most = (unsigned long)count;

	init_completion(&done);
	WRITE_ONCE(expected, most * VALUES);
	for (i = 0; i < most; i++) {
		tasks[i] = kthread_create(produce, &done, "producer");
		if (IS_ERR(tasks[i]))
			return;
		get_task_struct(tasks[i]);
	}
	for (i = 0; i < most; i++)
		wake_up_process(tasks[i]);
	for (i = 0; i < most; i++)
		wait_for_completion(&done);
	wait_for_completion(&all_received);
	for (i = 0; i < most; i++)
		kthread_stop_put(tasks[i]);
}

static DECLARE_WAIT_QUEUE_HEAD(wakes);
static DECLARE_COMPLETION(woken);
static atomic64_t since;
static unsigned int histogram[BUCKETS];

static int wake(void *unused)
{
	s64 start;

	while (!kthread_should_stop()) {
		start = 0;
		wait_event_idle(wakes, (start = atomic64_xchg(&since, 0)) ||
				       kthread_should_stop());
		if (!start)
			break;
		histogram[ilog2(ktime_get_ns() - start)]++;
		complete(&woken);
	}
	return 0;
}

static int measure_latency(void)
{
	struct task_struct *task = kthread_create_on_cpu(wake, NULL, 1, "wakes/%u");
	int i;

	if (IS_ERR(task))
		return PTR_ERR(task);
	wake_up_process(task);
	for (i = 0; i < SAMPLES; i++) {
		usleep_range(100, 200);
		atomic64_set(&since, ktime_get_ns());
		wake_up(&wakes);
		wait_for_completion(&woken);
	}
	kthread_stop(task);
	for (i = 0; i < BUCKETS; i++)
		if (histogram[i])
			pr_info("woken within 2^%d ns: %u\n", i + 1, histogram[i]);
	return 0;
}

int bench_wall(void)
{
	struct task_struct *task = kthread_run(receive, NULL, "receiver");
	char name[NAME_SIZE];
	unsigned long i;

	if (IS_ERR(task))
		return PTR_ERR(task);
	for (i = 1; i <= PRODUCERS; i++) {
		snprintf(name, NAME_SIZE, "producers_%lu", i);
		measure(name, i * VALUES, producers, (void *)i);
	}
	kthread_stop(task);
	return measure_latency();
}
