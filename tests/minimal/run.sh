#!/bin/sh
# Runs the program as npm's package brings it, here: in a system that holds nothing that the program's makers have installed.
set -eu
folder=$(mktemp -d)
tar -xzf "$1" -C "$folder"
cd "$folder/package"
./host-harness --version
./host-harness validate portkey-provider.wasm
# A chat, models and images, before a stand-in on this machine.
HOME="$folder" ./host-harness demo
