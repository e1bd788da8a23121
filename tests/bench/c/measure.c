// SPDX-License-Identifier: GPL-2.0
/*
 * Measures an operation, and logs what came out.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/printk.h>

#include "bench.h"

/* That a line of the log has room for. */
#define MOST_ROUNDS 50
#define LINE 900

/* Until caches of the kernel, such as those of stacks, are filled. */
#define WARM_UP 3

unsigned int rounds = 5;
module_param(rounds, uint, 0);
MODULE_PARM_DESC(rounds, "How often to measure each operation; 0: trace memory");

void measure(const char *name, unsigned int count, void (*round)(void *data), void *data)
{
	static u64 taken[MOST_ROUNDS];
	static char line[LINE];
	unsigned int i, length = 0, most = min(rounds, MOST_ROUNDS);
	u64 start;

	for (i = 0; i < WARM_UP; i++)
		round(data);
	for (i = 0; i < most; i++) {
		start = bench_clock();
		round(data);
		taken[i] = bench_clock() - start;
	}
	for (i = 0; i < most; i++)
		length += scnprintf(line + length, LINE - length, " %llu", taken[i]);
	pr_info("%s x%u:%s\n", name, count, line);
}
