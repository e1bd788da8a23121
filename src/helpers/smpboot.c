// SPDX-License-Identifier: GPL-2.0

/* Nothing to wrap: `kernel::bindings` lacks the header, so bindgen reads it here. */
#include <linux/smpboot.h>
