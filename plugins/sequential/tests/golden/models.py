"""Writes models/: what PyTorch makes of each model, and of 50 steps of its training.

Run as: python3 models.py (torch 2.11.0, safetensors). The modules below are written after the papers'
descriptions with PyTorch's own layers where it has them, and share no code with the crate. Weights
are random; `NAME.safetensors` has them before and after the training, `NAME.json` the users, the
options, the scores of all items after each user's last item, and the losses.
"""

import json
import math
import pathlib
import random

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

OUT = pathlib.Path(__file__).resolve().parent / "models"
ITEMS, LENGTH, WIDTH, HEADS, INNER, STEPS, RATE = 13, 6, 8, 2, 12, 50, 3e-3
WORDS = [[(item * 7 + n) % 5 for n in range(item % 3)] for item in range(ITEMS)]


def users():
    generator = random.Random(5)
    lengths = [2, 3, 5, 6, 7, 9]
    return [[generator.randrange(ITEMS) for _ in range(length)] for length in lengths]


def times(items):
    return [1_000 * 86_400 * (n * n + len(items)) for n in range(len(items))]


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.query, self.key, self.value, self.output = (nn.Linear(WIDTH, WIDTH) for _ in range(4))

    def forward(self, queries, x, mask):
        length = x.shape[0]
        q, k, v = (
            part.view(length, HEADS, -1).transpose(0, 1)
            for part in (self.query(queries), self.key(x), self.value(x))
        )
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.output(attended.transpose(0, 1).reshape(length, WIDTH))


class Layer(nn.Module):
    def __init__(self, kind, activation, epsilon):
        super().__init__()
        self.kind, self.activation = kind, activation
        self.attention = Attention()
        self.attention_norm = nn.LayerNorm(WIDTH, epsilon)
        bias = kind != "ligr"
        self.up, self.down = nn.Linear(WIDTH, INNER, bias), nn.Linear(INNER, WIDTH, bias)
        self.perceptron_norm = nn.LayerNorm(WIDTH, epsilon)
        if kind == "ligr":
            self.attention_gate, self.perceptron_gate = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
            self.gate = nn.Linear(WIDTH, INNER, bias)

    def forward(self, x, mask):
        if self.kind == "post-norm":
            x = self.attention_norm(x + self.attention(x, x, mask))
            return self.perceptron_norm(x + self.down(self.activation(self.up(x))))
        if self.kind == "sasrec":
            queries = self.attention_norm(x)
            x = self.perceptron_norm(queries + self.attention(queries, x, mask))
            return x + self.down(self.activation(self.up(x)))
        normal = self.attention_norm(x)
        x = x + self.attention(normal, normal, mask) * torch.sigmoid(self.attention_gate(x))
        normal = self.perceptron_norm(x)
        inner = F.silu(self.gate(normal)) * self.up(normal)
        return x + self.down(inner) * torch.sigmoid(self.perceptron_gate(x))


class Transformer(nn.Module):
    def __init__(self, kind="post-norm", activation=F.gelu, epsilon=1e-12):
        super().__init__()
        self.kind = kind
        self.places = nn.Parameter(torch.randn(LENGTH, WIDTH))
        self.layers = nn.ModuleList(Layer(kind, activation, epsilon) for _ in range(2))
        self.norm = nn.LayerNorm(WIDTH, epsilon)

    def forward(self, x, causal):
        length = x.shape[0]
        x = x + self.places[LENGTH - length :]
        if self.kind == "post-norm":
            x = self.norm(x)
        mask = torch.ones(length, length, dtype=torch.bool)
        mask = mask.tril() if causal else mask
        for layer in self.layers:
            x = layer(x, mask)
        return x if self.kind == "post-norm" else self.norm(x)


class Sasrec(Transformer):
    def __init__(self, *options):
        super().__init__(*options)
        self.items = nn.Parameter(torch.randn(ITEMS, WIDTH))

    def hidden(self, items, _):
        return self(self.items[items], True)

    def matrix(self):
        return self.items


class Bert4rec(Transformer):
    masked = True

    def __init__(self):
        super().__init__()
        self.items = nn.Parameter(torch.randn(ITEMS + 1, WIDTH))

    def hidden(self, items, _):
        return self(self.items[items], False)

    def matrix(self):
        return self.items[:ITEMS]


class Gru4rec(nn.Module):
    def __init__(self):
        super().__init__()
        self.items = nn.Parameter(torch.randn(ITEMS, WIDTH))
        self.gru = nn.GRU(WIDTH, INNER, batch_first=True)
        self.output = nn.Linear(INNER, WIDTH)

    def hidden(self, items, _):
        return self.output(self.gru(self.items[items][None])[0][0])

    def matrix(self):
        return self.items


class Fdsa(nn.Module):
    def __init__(self):
        super().__init__()
        self.streams = nn.ModuleDict({"of_items": Transformer(), "of_features": Transformer()})
        self.items_matrix = nn.Parameter(torch.randn(ITEMS, WIDTH))
        self.features_matrix = nn.Parameter(torch.randn(5, WIDTH))
        self.output = nn.Linear(2 * WIDTH, WIDTH)

    def of_item(self, item):
        own = WORDS[item]
        return self.features_matrix[own].mean(0) if own else torch.zeros(WIDTH)

    def hidden(self, items, _):
        features = torch.stack([self.of_item(item) for item in items])
        streams = self.streams["of_items"](self.items_matrix[items], True), self.streams["of_features"](features, True)
        return self.output(torch.cat(streams, -1))

    def matrix(self):
        return self.items_matrix


class HstuLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.output = nn.Linear(WIDTH, WIDTH)
        self.distances = nn.Parameter(torch.randn(LENGTH) * 0.02)
        self.times = nn.Parameter(torch.randn(129) * 0.02)

    def forward(self, x, seconds):
        length = x.shape[0]
        u, v, q, k = F.silu(self.parts(F.layer_norm(x, [WIDTH], eps=1e-6))).chunk(4, -1)
        q, k, v = (part.view(length, HEADS, -1).transpose(0, 1) for part in (q, k, v))
        scores = q @ k.transpose(1, 2)
        following = seconds[1:] + seconds[-1:]
        bias = torch.zeros(length, length)
        for i in range(length):
            for j in range(i + 1):
                bucket = int(math.log(max(1.0, abs(following[i] - seconds[j]))) / 0.301)
                bias[i, j] = self.distances[i - j] + self.times[min(bucket, 128)]
        weights = (F.silu(scores + bias) / LENGTH) * torch.ones(length, length).tril()
        attended = (weights @ v).transpose(0, 1).reshape(length, WIDTH)
        return x + self.output(F.layer_norm(attended, [WIDTH], eps=1e-6) * u)


class Hstu(nn.Module):
    def __init__(self):
        super().__init__()
        self.items = nn.Parameter(torch.randn(ITEMS, WIDTH))
        self.places = nn.Parameter(torch.randn(LENGTH, WIDTH))
        self.layers = nn.ModuleList(HstuLayer() for _ in range(2))

    def hidden(self, items, milliseconds):
        x = self.items[items] * math.sqrt(WIDTH) + self.places[LENGTH - len(items) :]
        for layer in self.layers:
            x = layer(x, [time / 1000 for time in milliseconds])
        return F.normalize(x, dim=-1)

    def matrix(self):
        return F.normalize(self.items, dim=-1) / 0.05


MODELS = {
    "sasrec": lambda: Sasrec("sasrec", F.relu, 1e-5),
    "original": Sasrec,
    "esasrec": lambda: Sasrec("ligr", F.relu, 1e-5),
    "bert4rec": Bert4rec,
    "gru4rec": Gru4rec,
    "fdsa": Fdsa,
    "hstu": Hstu,
}


def name(parameter):
    return parameter.replace("streams.of_", "").replace("items_matrix", "items").replace("features_matrix", "features")


def is_masked(model):
    return getattr(model, "masked", False)


def scores(model, items):
    own, when = items[-LENGTH:], times(items)[-LENGTH:]
    if is_masked(model):
        own = (items + [ITEMS])[-LENGTH:]
    return model.hidden(own, when)[-1] @ model.matrix().T


def loss(model, all_items):
    losses = []
    for items in all_items:
        if is_masked(model):
            own = items[-LENGTH:]
            predicted = model.hidden([ITEMS] * len(own), None)
            targets = own
        else:
            own, when = items[-LENGTH - 1 :], times(items)[-LENGTH - 1 :]
            predicted = model.hidden(own[:-1], when[:-1])
            targets = own[1:]
        losses.append(F.cross_entropy(predicted @ model.matrix().T, torch.tensor(targets), reduction="none"))
    return torch.cat(losses).mean()


def main():
    OUT.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    for label, build in MODELS.items():
        torch.manual_seed(3)
        model = build()
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.dim() > 1:
                    parameter.mul_(0.5)
        tensors = {f"before.{name(n)}": p.detach().clone() for n, p in model.named_parameters()}
        with torch.no_grad():
            before = [scores(model, items).tolist() for items in users()]
        optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
        losses = []
        for _ in range(STEPS):
            optimizer.zero_grad()
            value = loss(model, users())
            value.backward()
            optimizer.step()
            losses.append(value.item())
        tensors |= {f"after.{name(n)}": p.detach().clone() for n, p in model.named_parameters()}
        save_file(tensors, OUT / f"{label}.safetensors")
        golden = {
            "users": users(), "times": [times(items) for items in users()], "words": WORDS, "scores": before,
            "losses": losses,
        }
        (OUT / f"{label}.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
