"""Makes the golden files beside this script.

    pip install torch==2.11.0 scikit-learn==1.9.1 safetensors==0.8.0
    python make.py

- `kmeans.json`: clusters of scikit-learn from given centroids, and residual k-means made of them.
- `rq_vae.safetensors`, `rq_vae.json`: a residual-quantized autoencoder written in PyTorch: weights before and after a
  step of AdamW on given vectors, its loss, and the codes before it.
"""

import json
from pathlib import Path

import numpy
import torch
from safetensors.torch import save_file
from sklearn.cluster import KMeans
from torch import nn

FOLDER = Path(__file__).parent


def spread(count, chosen):
    """Positions that are spread evenly, as `gloss_dense::sample` chooses them."""
    return [at * count // chosen for at in range(chosen)]


def kmeans():
    draw = numpy.random.default_rng(0)
    centres = draw.normal(size=(12, 6)) * 3
    vectors = (centres[draw.integers(0, 12, 300)] + draw.normal(size=(300, 6))).astype("float32")
    residuals, levels = vectors.copy(), []
    for _ in range(3):
        start = residuals[spread(len(residuals), 8)]
        found = KMeans(8, init=start, n_init=1, max_iter=100, tol=0.0, algorithm="lloyd").fit(residuals)
        levels.append(found.labels_.tolist())
        residuals = residuals - found.cluster_centers_.astype("float32")[found.labels_]
    (FOLDER / "kmeans.json").write_text(json.dumps({"vectors": vectors.tolist(), "levels": levels}))


class Autoencoder(nn.Module):
    def __init__(self, widths, levels, size):
        super().__init__()
        self.encoder = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:]))
        back = widths[::-1]
        self.decoder = nn.ModuleList(nn.Linear(a, b) for a, b in zip(back, back[1:]))
        self.codebooks = nn.ParameterList(nn.Parameter(torch.randn(size, widths[-1])) for _ in range(levels))

    @staticmethod
    def through(layers, hidden):
        for number, layer in enumerate(layers):
            hidden = layer(hidden)
            if number + 1 < len(layers):
                hidden = torch.relu(hidden)
        return hidden

    def forward(self, vectors, commitment):
        latents = self.through(self.encoder, vectors)
        residual, chosen, loss, codes = latents, 0.0, 0.0, []
        for book in self.codebooks:
            code = torch.cdist(residual.detach(), book.detach()).argmin(-1)
            codes.append(code.tolist())
            own = book[code]
            loss = loss + ((own - residual.detach()) ** 2).mean()
            loss = loss + commitment * ((residual - own.detach()) ** 2).mean()
            chosen = chosen + own
            residual = residual - own.detach()
        output = self.through(self.decoder, latents + (chosen - latents).detach())
        return ((output - vectors) ** 2).mean() + loss, codes


def rq_vae():
    torch.manual_seed(1)
    model = Autoencoder([6, 10, 4], levels=2, size=5)
    vectors = torch.randn(16, 6)
    before = {f"before.{name}": value.clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.0)
    loss, codes = model(vectors, 0.25)
    loss.backward()
    optimizer.step()
    after = {f"after.{name}": value.clone() for name, value in model.state_dict().items()}
    save_file(before | after | {"vectors": vectors}, FOLDER / "rq_vae.safetensors")
    (FOLDER / "rq_vae.json").write_text(json.dumps({"loss": loss.item(), "codes": codes}))


if __name__ == "__main__":
    kmeans()
    rq_vae()
