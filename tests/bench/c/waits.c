// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to wait: for another thread, for an interrupt, for a while.
 */

#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "bench.h"

#define COUNT 100

static DECLARE_WAIT_QUEUE_HEAD(ping_queue);
static DECLARE_WAIT_QUEUE_HEAD(pong_queue);
static bool ball;

static DECLARE_WAIT_QUEUE_HEAD(event_queue);
static atomic_t raised;

/* Plays the ball back. */
static int pong(void *unused)
{
	while (!kthread_should_stop()) {
		/* Pairs with the release in ping_pong(). */
		wait_event_idle(pong_queue, smp_load_acquire(&ball) || kthread_should_stop());
		/* Pairs with the acquire in ping_pong(). */
		smp_store_release(&ball, false);
		wake_up(&ping_queue);
	}
	return 0;
}

static void ping_pong(void *unused)
{
	int i;

	for (i = 0; i < COUNT; i++) {
		/* Pairs with the acquire in pong(). */
		smp_store_release(&ball, true);
		wake_up(&pong_queue);
		/* Pairs with the release in pong(). */
		wait_event_idle(ping_queue, !smp_load_acquire(&ball) || kthread_should_stop());
	}
}

static void raise(void *unused)
{
	if (!atomic_xchg(&raised, 1))
		wake_up(&event_queue);
}

static void event_from_irq(void *unused)
{
	int i;

	for (i = 0; i < COUNT; i++) {
		bench_hard_irq(raise, NULL);
		wait_event_idle_exclusive(event_queue,
					  atomic_xchg(&raised, 0) || kthread_should_stop());
	}
}

static void sleep(void *unused)
{
	ktime_t time;
	int i;

	for (i = 0; i < COUNT; i++) {
		time = us_to_ktime(100);
		set_current_state(TASK_IDLE);
		if (!kthread_should_stop())
			schedule_hrtimeout_range(&time, current->timer_slack_ns, HRTIMER_MODE_REL);
		__set_current_state(TASK_RUNNING);
	}
}

int bench_waits(void)
{
	struct task_struct *task = kthread_run(pong, NULL, "pong");
	int error;

	if (IS_ERR(task))
		return PTR_ERR(task);
	measure("ping_pong", COUNT, ping_pong, NULL);
	kthread_stop(task);

	error = bench_soak();
	if (error)
		return error;
	measure("event_from_irq", COUNT, event_from_irq, NULL);
	measure("sleep", COUNT, sleep, NULL);
	bench_soak_end();
	return 0;
}
