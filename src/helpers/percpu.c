// SPDX-License-Identifier: GPL-2.0

#include <linux/percpu.h>

void __percpu *rust_kthread___alloc_percpu(size_t size, size_t align)
{
	return __alloc_percpu(size, align);
}

void *rust_kthread_per_cpu_ptr(void __percpu *pointer, unsigned int cpu)
{
	return per_cpu_ptr(pointer, cpu);
}
