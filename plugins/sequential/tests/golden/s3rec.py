"""Writes s3rec.json and s3rec.safetensors: the loss of S3-Rec's four tasks by PyTorch, and its gradients.

Run as: python3 s3rec.py (torch 2.11.0, safetensors). Sequences, masks, negatives and segments are drawn
here; the network is the one of models.py.
"""

import json
import random

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from models import ITEMS, LENGTH, OUT, WIDTH, WORDS, Transformer

MASK, FEATURES = ITEMS, 5
WEIGHTS = {"aap_weight": 0.2, "mip_weight": 1.0, "map_weight": 0.7, "sp_weight": 0.5}


class Pretrained(nn.Module):
    def __init__(self):
        super().__init__()
        self.items, self.mask = nn.Parameter(torch.randn(ITEMS, WIDTH)), nn.Parameter(torch.randn(1, WIDTH))
        self.network = Transformer()
        self.features = nn.Parameter(torch.randn(FEATURES, WIDTH))
        for name in ("aap_norm", "mip_norm", "map_norm", "sp_norm"):
            setattr(self, name, nn.Linear(WIDTH, WIDTH))

    def encode(self, items):
        return self.network(torch.cat([self.items, self.mask])[items], False)

    def of_features(self, vector, item):
        truth = torch.zeros(FEATURES)
        truth[WORDS[item]] = 1.0
        return F.binary_cross_entropy_with_logits(self.features @ vector, truth, reduction="sum")

    def loss(self, draw):
        hidden = self.encode(draw["masked"])
        total = torch.zeros(())
        for place, (item, seen, negative) in enumerate(zip(draw["items"], draw["masked"], draw["negatives"])):
            if seen != MASK:
                total = total + WEIGHTS["aap_weight"] * self.of_features(self.aap_norm(hidden[place]), item)
                continue
            difference = self.mip_norm(hidden[place]) @ (self.items[item] - self.items[negative])
            total = total - WEIGHTS["mip_weight"] * torch.log(torch.sigmoid(difference))
            total = total + WEIGHTS["map_weight"] * self.of_features(self.map_norm(hidden[place]), item)
        around, own, other = (self.encode(items)[-1] for items in draw["segments"])
        context = self.sp_norm(around)
        return total - WEIGHTS["sp_weight"] * torch.log(torch.sigmoid(context @ own - context @ other))


def draws():
    generator = random.Random(9)
    for length in (2, 3, 5, 6):
        items = [generator.randrange(ITEMS) for _ in range(length)]
        masked = [MASK if generator.random() < 0.4 else item for item in items]
        size = max(1, length // 2)
        start = generator.randrange(length - size + 1)
        other = [generator.randrange(ITEMS) for _ in range(size)]
        among = lambda part: [MASK] * start + part + [MASK] * (length - start - size)
        yield {
            "times": [0] * length, "items": items, "masked": masked,
            "negatives": [generator.randrange(ITEMS) for _ in range(length)],
            "segments": [items[:start] + [MASK] * size + items[start + size :], among(items[start : start + size]), among(other)],
        }


def main():
    torch.manual_seed(4)
    model, all_draws = Pretrained(), list(draws())
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(0.5)
    loss = sum(model.loss(draw) for draw in all_draws)
    loss.backward()
    name = lambda parameter: parameter.replace("network.", "")
    tensors = {f"value.{name(n)}": p.detach() for n, p in model.named_parameters()}
    tensors |= {f"gradient.{name(n)}": p.grad for n, p in model.named_parameters()}
    save_file(tensors, OUT.parent / "s3rec.safetensors")
    golden = {"words": WORDS, "length": LENGTH, "options": WEIGHTS, "draws": all_draws, "loss": loss.item()}
    (OUT.parent / "s3rec.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
