"""Time of a patch with its share of the contexts on one core: torch against ONNX Runtime, in alternation.

    python benchmarks/backends.py --model buildings --pairs 9

Processor time of the thread that computes, so that other programs on the machine disturb little; medians of pairs.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

from fctl_geo.model.backend import Networks
from fctl_geo.model.choice import open_networks
from fctl_geo.model.modelfile import read_model_info
from fctl_geo.progress import Silent
from fctl_geo.settings import EngineSettings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="buildings")
    parser.add_argument("--pairs", type=int, default=9)
    args = parser.parse_args()
    info = read_model_info(args.model)
    image = np.random.default_rng(0).random((1, len(info.input.bands), info.patch_px, info.patch_px), np.float32)
    backends = {
        name: open_networks(args.model, EngineSettings(device="cpu", backend=name, threads=1), Silent())
        for name in ("torch", "onnx")
    }
    found: dict[str, list[float]] = {name: [] for name in backends}
    for number in range(args.pairs + 1):
        for name, networks in backends.items():
            (seconds,) = networks.device.run(lambda _, n=networks: [timed(n, image)], [0])
            if number:  # the first one sets up kernels
                found[name].append(seconds)
    for name, networks in backends.items():
        print(f"{name:<6} {statistics.median(found[name]):.3f} s a patch ({networks.device.arithmetic})")
        networks.close()
    ratios = sorted(a / b for a, b in zip(found["torch"], found["onnx"], strict=True))
    print(f"torch / onnx: {statistics.median(ratios):.2f} (from {ratios[0]:.2f} to {ratios[-1]:.2f})")


def timed(networks: Networks, image: np.ndarray) -> float:
    """Seconds for a patch and its share of the context tiles: a tile of factor f serves f x f patches."""
    network = networks.segmentation
    contexts, total = [], 0.0
    for index, factor in enumerate(network.wider):
        start = time.thread_time()
        contexts.append(network.encode(image, index))
        share = float(factor) ** 2 if network.shares_levels and factor != "global" else 1.0
        total += (time.thread_time() - start) / share
    start = time.thread_time()
    network.segment(image, contexts)
    return total + time.thread_time() - start


if __name__ == "__main__":
    main()
