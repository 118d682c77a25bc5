"""Writes losses.json: the losses of random vectors by PyTorch, and their gradients.

Run as: python3 losses.py (torch 2.11.0).
"""

import json
import pathlib

import torch
from torch.nn import functional as F

PREDICTIONS, ITEMS, WIDTH, NEGATIVES, T = 7, 11, 4, 3, 0.6


def main():
    torch.manual_seed(1)
    hidden = torch.randn(PREDICTIONS, WIDTH, requires_grad=True)
    items = torch.randn(ITEMS, WIDTH, requires_grad=True)
    targets = torch.randint(ITEMS, (PREDICTIONS,))
    shared = torch.tensor([2, 9, int(targets[0])])
    own = torch.randint(ITEMS, (PREDICTIONS, NEGATIVES))
    log_q = torch.log(torch.rand(ITEMS))
    positive = (hidden * items[targets]).sum(-1)

    def softmax(negatives, correction):
        scores = torch.einsum("pw,pnw->pn", hidden, items[negatives]) - correction[negatives]
        scores = scores.masked_fill(negatives == targets[:, None], float("-inf"))
        return F.cross_entropy(torch.cat([positive[:, None], scores], 1), torch.zeros_like(targets), reduction="sum")

    def binary(negatives, power):
        scores = torch.einsum("pw,pnw->pn", hidden, items[negatives])
        keep = (negatives != targets[:, None]).float()
        positives = -power * F.logsigmoid(positive)
        return positives.sum() - (keep * F.logsigmoid(-scores)).sum()

    rate = NEGATIVES / (ITEMS - 1)
    power = rate * (T * (1 - 1 / rate) + 1 / rate)
    everyone = shared.expand(PREDICTIONS, NEGATIVES)
    losses = {
        "cross-entropy": F.cross_entropy(hidden @ items.T, targets, reduction="sum"),
        "sampled-softmax shared": softmax(everyone, log_q),
        "sampled-softmax own": softmax(own, torch.zeros(ITEMS)),
        "binary-cross-entropy own": binary(own, 1.0),
        "gbce shared": binary(everyone, power) / (NEGATIVES + 1),
    }
    flat = lambda tensor: tensor.reshape(-1).tolist()
    golden = {
        "shape": [PREDICTIONS, ITEMS, WIDTH, NEGATIVES], "hidden": flat(hidden), "items": flat(items),
        "targets": flat(targets), "shared": flat(shared), "own": flat(own), "log_q": flat(log_q), "power": power,
        "losses": {},
    }
    for name, loss in losses.items():
        by_hidden, by_items = torch.autograd.grad(loss, [hidden, items], retain_graph=True)
        golden["losses"][name] = {"sum": loss.item(), "by_hidden": flat(by_hidden), "by_items": flat(by_items)}
    out = pathlib.Path(__file__).resolve().parent / "losses.json"
    out.write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
