#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Does an accelerator work? It does when the guest comes this far.
