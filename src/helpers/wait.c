// SPDX-License-Identifier: GPL-2.0

#include <linux/wait.h>

bool rust_kthread_waitqueue_active(struct wait_queue_head *head)
{
	return waitqueue_active(head);
}
