// SPDX-License-Identifier: GPL-2.0
/*
 * A hard interrupt, for both modules.
 */

#include <linux/export.h>
#include <linux/hrtimer.h>

#include "bench.h"

/* How long it takes to come: longer than the caller takes to fall asleep. */
#define DELAY_NS (50 * NSEC_PER_USEC)

static struct {
	struct hrtimer timer;
	void (*call)(void *data);
	void *data;
} irq;

static enum hrtimer_restart fire(struct hrtimer *timer)
{
	irq.call(irq.data);
	return HRTIMER_NORESTART;
}

/* Has an interrupt call something soon, which must come before this is called again. */
void bench_hard_irq(void (*call)(void *data), void *data)
{
	irq.call = call;
	irq.data = data;
	hrtimer_setup(&irq.timer, fire, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(&irq.timer, DELAY_NS, HRTIMER_MODE_REL_PINNED_HARD);
}
EXPORT_SYMBOL_GPL(bench_hard_irq);
