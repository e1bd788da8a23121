// SPDX-License-Identifier: GPL-2.0
/*
 * What samples/cleanup.rs does, in C.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>

static unsigned int transfers;
module_param(transfers, uint, 0);
MODULE_PARM_DESC(transfers, "Transfers after which the thread ends by itself (0: never)");

static unsigned int fails_in;
module_param(fails_in, uint, 0);
MODULE_PARM_DESC(fails_in, "The transfer that fails (0: none)");

static unsigned long bytes = 4096;
module_param(bytes, ulong, 0);
MODULE_PARM_DESC(bytes, "Size of each transfer's buffer");

static bool stopped;
module_param(stopped, bool, 0);
MODULE_PARM_DESC(stopped, "Whether the thread is stopped before its first turn (0 or 1)");

/* What has been taken, and what of it was given back. */
struct ledger {
	atomic_t taken;
	atomic_t given_back;
};

/* Something that must be given back, such as a channel of a device. */
struct channel {
	struct ledger *ledger;
};

/* A resource that is made of others. */
struct transfer {
	struct channel channel;
	void *buffer;
};

static struct ledger ledger;
/* Belongs to the thread from its first turn on. */
static struct channel control;
static struct task_struct *task;
static int result;

static void channel_take(struct channel *channel, struct ledger *ledger)
{
	atomic_inc(&ledger->taken);
	channel->ledger = ledger;
}

static void channel_give_back(struct channel *channel)
{
	atomic_inc(&channel->ledger->given_back);
}

static int transfer_begin(struct transfer *transfer, struct ledger *ledger)
{
	channel_take(&transfer->channel, ledger);
	/* The size is the user's choice, so that is nothing to warn of. */
	transfer->buffer = kzalloc(bytes, GFP_KERNEL | __GFP_NOWARN);
	if (!transfer->buffer) {
		channel_give_back(&transfer->channel);
		return -ENOMEM;
	}
	return 0;
}

static void transfer_end(struct transfer *transfer)
{
	kfree(transfer->buffer);
	channel_give_back(&transfer->channel);
}

/* Stands for what a device may refuse. */
static int transfer_run(struct transfer *transfer, bool fails)
{
	memset(transfer->buffer, 1, bytes);
	return fails ? -EIO : 0;
}

/* Fails if the thread is asked to stop meanwhile. */
static int pause_for(unsigned int msecs)
{
	/* The state comes first, so that a stop is not missed. */
	set_current_state(TASK_IDLE);
	if (!kthread_should_stop())
		schedule_timeout(msecs_to_jiffies(msecs));
	__set_current_state(TASK_RUNNING);
	/* -EINTR is that of a thread that never ran. */
	return kthread_should_stop() ? -ECANCELED : 0;
}

static int cleanup_thread(void *data)
{
	struct channel *control = data;
	struct transfer transfer;
	unsigned int number = 0;
	int ret;

	do {
		ret = transfer_begin(&transfer, control->ledger);
		if (ret)
			break;
		ret = transfer_run(&transfer, ++number == fails_in);
		/* A stop comes here as a rule, amid a transfer. */
		if (!ret)
			ret = pause_for(10);
		transfer_end(&transfer);
	} while (!ret && number != transfers);

	channel_give_back(control);
	return ret;
}

static void stop_thread(void)
{
	result = kthread_stop_put(task);
	if (result == -EINTR)
		channel_give_back(&control);
}

static const char *how_it_ended(void)
{
	switch (result) {
	case 0:
		return "ended by itself";
	case -ECANCELED:
		return "stopped";
	case -ENOMEM:
		return "out of memory";
	case -EINTR:
		return "never ran";
	default:
		/* What a crash leaves is the number of a signal. */
		return result > 0 ? "crashed" : "failed";
	}
}

static int __init cleanup_init(void)
{
	channel_take(&control, &ledger);
	task = kthread_create(cleanup_thread, &control, "cleanup");
	if (IS_ERR(task)) {
		channel_give_back(&control);
		return PTR_ERR(task);
	}

	/* It may end by itself, and is stopped nevertheless. */
	get_task_struct(task);
	if (stopped)
		stop_thread();
	else
		wake_up_process(task);
	return 0;
}

static void __exit cleanup_exit(void)
{
	if (!stopped)
		stop_thread();
	pr_info("%s: %d taken, %d given back\n", how_it_ended(),
		atomic_read(&ledger.taken), atomic_read(&ledger.given_back));
}

module_init(cleanup_init);
module_exit(cleanup_exit);

MODULE_AUTHOR("The kthread authors");
MODULE_DESCRIPTION("A kernel thread that cleans up whichever way it ends");
MODULE_LICENSE("GPL");
