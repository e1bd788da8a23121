#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Gathers what drivers need to import the crate: stage.sh OBJECTS RELEASE FOLDER, the objects being
# the folder that kbuild has built the crate in, and the release that of the kernel.

set -eu

objects=$1
release=$2
folder=$3

mkdir -p "$folder"
cp "$(dirname "$0")/../src/kthread.mk" "$objects/src/libkthread.rmeta" "$folder"
# The crate's symbols, where it will be.
grep '	rust_kthread	' "$objects/Module.symvers" >"$folder/Module.symvers"
echo "$release" >"$folder/kernel.release"
