/* SPDX-License-Identifier: GPL-2.0 */
/*
 * QEMU's edu device, for the twins that drive it.
 *
 * See https://www.qemu.org/docs/master/specs/edu.html.
 */
#ifndef TWINS_EDU_H
#define TWINS_EDU_H

#include <linux/completion.h>
#include <linux/pci.h>

#define EDU_ID			PCI_DEVICE(0x1234, 0x11e8)

/* What the device is to do when it has computed something, and whether it does so now. */
#define EDU_CONTROL		0x20
#define EDU_CONTROL_COMPUTING	0x01
#define EDU_CONTROL_INTERRUPT	0x80

/* What its DMA engine is to do, and whether it does so now. */
#define EDU_DMA_COMMAND		0x98
#define EDU_DMA_START		0x01
#define EDU_DMA_FROM_DEVICE	0x02
#define EDU_DMA_INTERRUPT	0x04

struct edu {
	void __iomem *bar;
	struct completion done;
};

int edu_init(struct edu *edu, struct pci_dev *pdev, const char *name);
int edu_wait(struct edu *edu);

#endif /* TWINS_EDU_H */
