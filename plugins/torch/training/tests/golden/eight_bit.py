"""Writes eight_bit.safetensors: twenty steps of bitsandbytes' 8-bit AdamW on a GPU.

Run as: python3 eight_bit.py (torch 2.11.0, bitsandbytes 0.50.2, a GPU). The gradients are made of
whole numbers and powers of two, so that any program makes the same.
"""

import pathlib

import bitsandbytes
import torch
from safetensors.torch import save_file

SIZES = [8192, 4500, 1000]
RATE, DECAY, STEPS = 1e-2, 0.1, 20


def gradient(tensor, step, size):
    place = torch.arange(size, dtype=torch.int64)
    number = (place * 7919 + step * 104729 + tensor * 31) % 2003 - 1001
    power = (place + step) % 5 * 3
    return number.float() / 1024 * torch.pow(2.0, -power.float())


def main():
    values = [torch.nn.Parameter((gradient(n, 99, size) / 8).cuda()) for n, size in enumerate(SIZES)]
    optimizer = bitsandbytes.optim.AdamW8bit(values, lr=RATE, weight_decay=DECAY)
    for step in range(STEPS):
        for number, value in enumerate(values):
            value.grad = gradient(number, step, value.numel()).cuda()
        optimizer.step()
    tensors = {f"value.{n}": value.detach().cpu() for n, value in enumerate(values)}
    for number, value in enumerate(values):
        state = optimizer.state[value]
        for name in ("state1", "state2", "absmax1", "absmax2"):
            if name in state:
                tensors[f"{name}.{number}"] = state[name].cpu().contiguous()
    save_file(tensors, pathlib.Path(__file__).parent / "eight_bit.safetensors")


main()
