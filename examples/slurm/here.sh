#!/bin/bash
# The same as two_nodes.sbatch without Slurm, to try it on one machine: two processes, which a coordinator's address, their
# number and the number of each bring together. With XLA_FLAGS as below each takes its processor for two devices.
set -e
export XLA_FLAGS="$XLA_FLAGS --xla_force_host_platform_device_count=2" JAX_PLATFORMS=cpu
command=(run study.toml --output run.h5)
if [ -e run.h5 ]; then command=(resume run.h5); fi
shared=(--distributed --coordinator 127.0.0.1:12400 --processes 2)
latentinv "${command[@]}" "${shared[@]}" --process 1 > process-1.txt 2>&1 &
latentinv "${command[@]}" "${shared[@]}" --process 0
wait
