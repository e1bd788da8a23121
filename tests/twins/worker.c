// SPDX-License-Identifier: GPL-2.0
/*
 * What samples/worker.rs does, in C.
 */

#include <linux/atomic.h>
#include <linux/cleanup.h>
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kref.h>
#include <linux/kthread.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/wait.h>

#include "edu.h"

#define WORKER_DMA_SOURCE	0x80
#define WORKER_DMA_TARGET	0x88
#define WORKER_DMA_LENGTH	0x90

/* Where the device's own memory begins, as it sees it, and how large it is. */
#define WORKER_MEMORY		0x40000
#define WORKER_MEMORY_SIZE	4096

static unsigned int dma_bits = 28;
module_param(dma_bits, uint, 0);
MODULE_PARM_DESC(dma_bits, "How many bits of an address the device uses for DMA (at most 32)");

/* What all files and the worker share. It is there until the last of them has gone. */
struct worker_engine {
	struct kref ref;
	struct edu edu;
	struct miscdevice node;
	/* Part of it, as files cancel their work also when the thread has gone. */
	struct kthread_worker worker;
	struct task_struct *thread;
	/* Used by the worker only; NULL if the device has not answered. */
	void *buffer;
	dma_addr_t address;
	/* Keeps work from being queued when the device is going away. */
	spinlock_t lock;
	bool gone;
	wait_queue_head_t ended;
	atomic_t asked;
	atomic_t done;
	atomic_t cancelled;
};

enum worker_state {
	WORKER_IDLE,
	WORKER_QUEUED,
	WORKER_ENDED,
};

/* What belongs to an open file: one copy at a time. */
struct worker_copy {
	struct worker_engine *engine;
	struct kthread_work work;
	/* Protects what follows; while it is queued, the data belongs to the worker. */
	struct mutex lock;
	enum worker_state state;
	void *data;
	size_t length;
	/* What it has ended with, and how much of the data has been read. */
	int error;
	loff_t read;
};

static void worker_engine_free(struct kref *ref)
{
	kfree(container_of(ref, struct worker_engine, ref));
}

static void worker_engine_put(void *data)
{
	struct worker_engine *engine = data;

	kref_put(&engine->ref, worker_engine_free);
}

static int worker_transfer(struct worker_engine *engine, u32 from, u32 to, u32 length, u32 how)
{
	struct edu *edu = &engine->edu;

	reinit_completion(&edu->done);
	writel(from, edu->bar + WORKER_DMA_SOURCE);
	writel(to, edu->bar + WORKER_DMA_TARGET);
	writel(length, edu->bar + WORKER_DMA_LENGTH);
	writel(how | EDU_DMA_START | EDU_DMA_INTERRUPT, edu->bar + EDU_DMA_COMMAND);
	return edu_wait(edu);
}

/* Has the device copy the data into its memory and back. */
static int worker_copy_data(struct worker_engine *engine, void *data, size_t length)
{
	void *buffer = engine->buffer;
	int error;

	if (!buffer)
		return -EIO;
	memcpy(buffer, data, length);
	error = worker_transfer(engine, engine->address, WORKER_MEMORY, length, 0);
	if (!error) {
		/* What is there in the end has come from the device. */
		memset(buffer, 0, length);
		error = worker_transfer(engine, WORKER_MEMORY, engine->address, length,
					EDU_DMA_FROM_DEVICE);
	}
	if (error) {
		/* The device may still write there: memory that is lost does no harm. */
		engine->buffer = NULL;
		return error;
	}
	memcpy(data, buffer, length);
	return 0;
}

static void worker_run(struct kthread_work *work)
{
	struct worker_copy *copy = container_of(work, struct worker_copy, work);
	struct worker_engine *engine = copy->engine;
	int error = worker_copy_data(engine, copy->data, copy->length);

	scoped_guard(mutex, &copy->lock) {
		copy->error = error;
		WRITE_ONCE(copy->state, WORKER_ENDED);
	}
	atomic_inc(&engine->done);
	wake_up_interruptible(&engine->ended);
}

static int worker_open(struct inode *inode, struct file *file)
{
	struct worker_engine *engine = container_of(file->private_data, struct worker_engine, node);
	struct worker_copy *copy = kzalloc_obj(*copy);

	if (!copy)
		return -ENOMEM;
	kref_get(&engine->ref);
	copy->engine = engine;
	kthread_init_work(&copy->work, worker_run);
	mutex_init(&copy->lock);
	file->private_data = copy;
	return 0;
}

static int worker_release(struct inode *inode, struct file *file)
{
	struct worker_copy *copy = file->private_data;
	struct worker_engine *engine = copy->engine;

	if (kthread_cancel_work_sync(&copy->work))
		atomic_inc(&engine->cancelled);
	kfree(copy->data);
	kfree(copy);
	worker_engine_put(engine);
	return 0;
}

static ssize_t worker_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct worker_copy *copy = file->private_data;
	struct worker_engine *engine = copy->engine;

	if (!count || count > WORKER_MEMORY_SIZE)
		return -EMSGSIZE;
	void *data __free(kfree) = memdup_user(from, count);

	if (IS_ERR(data))
		return PTR_ERR(data);

	guard(mutex)(&copy->lock);
	if (copy->state != WORKER_IDLE)
		return -EBUSY;
	guard(spinlock)(&engine->lock);
	if (engine->gone)
		return -ENODEV;
	copy->data = no_free_ptr(data);
	copy->length = count;
	copy->read = 0;
	WRITE_ONCE(copy->state, WORKER_QUEUED);
	kthread_queue_work(&engine->worker, &copy->work);
	atomic_inc(&engine->asked);
	return count;
}

/* Says whether it has ended, or never will. */
static bool worker_readable(struct worker_copy *copy)
{
	enum worker_state state = READ_ONCE(copy->state);

	return state == WORKER_ENDED || (state == WORKER_IDLE && READ_ONCE(copy->engine->gone));
}

/* Reads what is left. */
static ssize_t worker_read_data(struct worker_copy *copy, char __user *to, size_t count)
{
	ssize_t copied;

	guard(mutex)(&copy->lock);
	if (!worker_readable(copy))
		return -EAGAIN;
	if (copy->state == WORKER_IDLE)
		return -ENODEV;
	copied = copy->error;
	if (!copied)
		copied = simple_read_from_buffer(to, count, &copy->read, copy->data, copy->length);
	if (copy->error || copy->read == copy->length) {
		kfree(copy->data);
		copy->data = NULL;
		WRITE_ONCE(copy->state, WORKER_IDLE);
	}
	return copied;
}

static ssize_t worker_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	struct worker_copy *copy = file->private_data;
	ssize_t copied;

	/* Another reader of the file may be faster. */
	while ((copied = worker_read_data(copy, to, count)) == -EAGAIN) {
		if (file->f_flags & O_NONBLOCK)
			break;
		if (wait_event_interruptible(copy->engine->ended, worker_readable(copy)))
			return -ERESTARTSYS;
	}
	return copied;
}

static __poll_t worker_poll(struct file *file, poll_table *wait)
{
	struct worker_copy *copy = file->private_data;
	__poll_t ready = 0;

	poll_wait(file, &copy->engine->ended, wait);
	if (worker_readable(copy))
		ready |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(copy->state) == WORKER_IDLE)
		ready |= EPOLLOUT | EPOLLWRNORM;
	return ready;
}

static const struct file_operations worker_fops = {
	.owner = THIS_MODULE,
	.open = worker_open,
	.release = worker_release,
	.read = worker_read,
	.write = worker_write,
	.poll = worker_poll,
};

static int worker_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct worker_engine *engine;
	int error;

	if (!dma_bits || dma_bits > 32)
		return -EINVAL;
	engine = kzalloc_obj(*engine);
	if (!engine)
		return -ENOMEM;
	kref_init(&engine->ref);
	spin_lock_init(&engine->lock);
	init_waitqueue_head(&engine->ended);
	kthread_init_worker(&engine->worker);
	engine->node.minor = MISC_DYNAMIC_MINOR;
	engine->node.name = KBUILD_MODNAME;
	engine->node.fops = &worker_fops;

	/* It comes first, as the interrupt needs the engine until the end. */
	error = devm_add_action_or_reset(&pdev->dev, worker_engine_put, engine);
	if (error)
		return error;
	error = edu_init(&engine->edu, pdev, KBUILD_MODNAME);
	if (error)
		return error;
	/* The device drops the other bits of an address, and so would hit other memory. */
	error = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(dma_bits));
	if (error)
		return error;
	engine->buffer = dma_alloc_coherent(&pdev->dev, WORKER_MEMORY_SIZE, &engine->address,
					    GFP_KERNEL);
	if (!engine->buffer)
		return -ENOMEM;

	engine->thread = kthread_run(kthread_worker_fn, &engine->worker, KBUILD_MODNAME);
	if (IS_ERR(engine->thread)) {
		error = PTR_ERR(engine->thread);
		goto free_buffer;
	}
	sched_set_fifo(engine->thread);
	error = misc_register(&engine->node);
	if (error)
		goto stop_thread;
	pci_set_drvdata(pdev, engine);
	return 0;

stop_thread:
	kthread_stop(engine->thread);
free_buffer:
	dma_free_coherent(&pdev->dev, WORKER_MEMORY_SIZE, engine->buffer, engine->address);
	return error;
}

static void worker_remove(struct pci_dev *pdev)
{
	struct worker_engine *engine = pci_get_drvdata(pdev);

	misc_deregister(&engine->node);
	scoped_guard(spinlock, &engine->lock)
		WRITE_ONCE(engine->gone, true);
	wake_up_interruptible(&engine->ended);
	kthread_flush_worker(&engine->worker);
	kthread_stop(engine->thread);
	if (engine->buffer)
		dma_free_coherent(&pdev->dev, WORKER_MEMORY_SIZE, engine->buffer, engine->address);
	dev_info(&pdev->dev, "%d copies: %d done, %d cancelled\n", atomic_read(&engine->asked),
		 atomic_read(&engine->done), atomic_read(&engine->cancelled));
}

static const struct pci_device_id worker_ids[] = {
	{ EDU_ID },
	{ }
};
MODULE_DEVICE_TABLE(pci, worker_ids);

static struct pci_driver worker_driver = {
	.name = KBUILD_MODNAME,
	.id_table = worker_ids,
	.probe = worker_probe,
	.remove = worker_remove,
};
module_pci_driver(worker_driver);

MODULE_AUTHOR("The kthread authors");
MODULE_DESCRIPTION("Copies by DMA, in order on a real-time worker, on QEMU's edu device");
MODULE_LICENSE("GPL");
