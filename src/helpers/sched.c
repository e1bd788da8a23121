// SPDX-License-Identifier: GPL-2.0

#include <linux/sched.h>

void rust_kthread_set_current_state(unsigned int state)
{
	set_current_state(state);
}
