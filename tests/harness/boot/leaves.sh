#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Ends the guest before the job is done.

poweroff -f
