// SPDX-License-Identifier: GPL-2.0

#include <linux/math64.h>

u64 rust_kthread_div64_u64(u64 dividend, u64 divisor)
{
	return div64_u64(dividend, divisor);
}
