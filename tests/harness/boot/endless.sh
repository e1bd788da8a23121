#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Does not end, nor does who works for it. It finds no files of the job's in /tmp.

rm -rf /tmp/*
{
	while kill -0 $$; do
		sleep 0.2
	done
	sleep 0.5
	echo "BUG: somebody goes on" >/dev/kmsg
} &
while :; do
	sleep 0.5
done
