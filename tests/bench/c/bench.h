/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of twin_bench share.
 */

#ifndef BENCH_H
#define BENCH_H

#include <linux/types.h>

/* How often each operation is measured; if it is not, memory is traced. */
extern unsigned int rounds;

/* Whether the clock is that on the wall. */
extern bool wall;

/* For both modules. */
u64 bench_clock(void);
int bench_soak(void);
void bench_soak_end(void);
void bench_hard_irq(void (*call)(void *data), void *data);

/* Measures one round, which does something COUNT times; data is what it gets. */
void measure(const char *name, unsigned int count, void (*round)(void *data), void *data);

/* The body of a thread that does nothing else. */
int wait_for_stop(void *unused);

/* The groups of operations. */
int bench_threads(void);
int bench_waits(void);
int bench_worker(void);
int bench_delayed(void);
int bench_mailbox(void);
int bench_workqueue(void);
int bench_growth(void);
int bench_wall(void);

int trace_memory(void);

#endif
