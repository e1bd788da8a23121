// SPDX-License-Identifier: GPL-2.0
/*
 * What samples/edu.rs does, in C.
 */

#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/jiffies.h>

#include "edu.h"

/* Which interrupts are pending, and where they are acknowledged. */
#define EDU_PENDING		0x24
#define EDU_ACKNOWLEDGE		0x64

/* How long the device may take. */
#define EDU_PATIENCE		(5 * HZ)

static irqreturn_t edu_interrupt(int irq, void *data)
{
	struct edu *edu = data;
	u32 pending = readl(edu->bar + EDU_PENDING);

	if (!pending)
		return IRQ_NONE;
	writel(pending, edu->bar + EDU_ACKNOWLEDGE);
	complete(&edu->done);
	return IRQ_HANDLED;
}

/* There is nothing to undo: what is taken here is given back when the device is unbound. */
int edu_init(struct edu *edu, struct pci_dev *pdev, const char *name)
{
	int error;

	init_completion(&edu->done);
	error = pcim_enable_device(pdev);
	if (error)
		return error;
	/* For DMA, and for interrupts that are messages. */
	pci_set_master(pdev);
	edu->bar = pcim_iomap_region(pdev, 0, name);
	if (IS_ERR(edu->bar))
		return PTR_ERR(edu->bar);

	/* Whoever had it before may have given up waiting. */
	if (readl(edu->bar + EDU_CONTROL) & EDU_CONTROL_COMPUTING ||
	    readl(edu->bar + EDU_DMA_COMMAND) & EDU_DMA_START)
		return -EBUSY;
	writel(readl(edu->bar + EDU_PENDING), edu->bar + EDU_ACKNOWLEDGE);

	error = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_MSI | PCI_IRQ_INTX);
	if (error < 0)
		return error;
	return devm_request_irq(&pdev->dev, pci_irq_vector(pdev, 0), edu_interrupt, IRQF_SHARED,
				name, edu);
}

/*
 * Waits for the interrupt. Also in a thread that is asked to stop: whoever comes next shall find a
 * device that is idle.
 */
int edu_wait(struct edu *edu)
{
	return wait_for_completion_timeout(&edu->done, EDU_PATIENCE) ? 0 : -ETIMEDOUT;
}
