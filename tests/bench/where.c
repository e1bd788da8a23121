// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin of QEMU that counts how often each instruction of the kernel is executed between two
 * readings of the benchmark's clock: see scripts/bench_where.py.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "qemu-plugin.h"

/* VERSION is that of the interface. */
EXPORT int qemu_plugin_version = VERSION;

/* What follows in the kernel's half of memory, of which only a part has code. */
#define KERNEL 0xffff800000000000
#define SLOTS (1 << 20)
/*
 * Reading the clock begins with two instructions of this length, in bytes. A compiler may have one
 * before a loop.
 */
#define MARK 15

static struct slot {
	uint64_t address;
	uint64_t count;
} slots[SLOTS];

static FILE *out;
static bool on;

static struct slot *slot_of(uint64_t address)
{
	uint64_t i, first = address * 0x9e3779b97f4a7c15 >> 44;

	for (i = 0; i < SLOTS; i++) {
		struct slot *slot = &slots[(first + i) % SLOTS];

		if (!slot->address || slot->address == address) {
			slot->address = address;
			return slot;
		}
	}
	fprintf(stderr, "where.c: make SLOTS more than %d\n", SLOTS);
	exit(1);
}

static void executed(unsigned int cpu, void *data)
{
	struct slot *slot = data;

	slot->count++;
}

/* Each second reading ends what the one before has begun. */
static void marked(unsigned int cpu, void *data)
{
	on = !on;
	for (struct slot *slot = slots; slot < slots + SLOTS; slot++) {
		if (!on && slot->count)
			fprintf(out, "%llx %llu\n", (unsigned long long)slot->address,
				(unsigned long long)slot->count);
		slot->count = 0;
	}
	if (!on)
		fprintf(out, "\n");
	fflush(out);
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	size_t size_before = 0;

	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t address = qemu_plugin_insn_vaddr(insn);
		size_t size = qemu_plugin_insn_size(insn);

		if (address < KERNEL)
			return;
		if (size == MARK && size_before == MARK)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, marked, NO_REGISTERS, NULL);
		else
			qemu_plugin_register_vcpu_insn_exec_cb(insn, executed, NO_REGISTERS,
							       slot_of(address));
		size_before = size;
	}
}

EXPORT int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc, char **argv)
{
	const char *name = argc == 1 ? argv[0] : "";

	/* As QEMU passes it on: out=NAME. */
	while (*name && *name++ != '=')
		;
	out = fopen(name, "w");
	if (!out) {
		perror(name);
		return 1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
