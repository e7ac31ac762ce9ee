#!/bin/sh
# Makes a Debian of its essential packages alone, and runs there the program that `make dist` left in dist/. The oldest
# Debian that is supported: on a newer one runs what runs there. As root, since it changes the root folder.
set -eu
here=$(dirname "$0")
"$here/../scale/debian.sh" mmdebstrap
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mmdebstrap --quiet --variant=essential bookworm "$root"
cp "$1" "$root/tmp/package.tgz"
cp "$here/run.sh" "$root/tmp"
# The program finds itself by way of /proc.
unshare --fork --pid --mount-proc --root "$root" sh /tmp/run.sh /tmp/package.tgz
