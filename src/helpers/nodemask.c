// SPDX-License-Identifier: GPL-2.0

#include <linux/nodemask.h>

bool rust_kthread_node_is_online(unsigned int node)
{
	return node < MAX_NUMNODES && node_online(node);
}
