"""Compares the modules of models.py with those of RecTools, with the same weights and inputs.

Run as: python3 rectools.py (torch, RecTools 0.19.0 with its extra `torch`). It prints the greatest difference of the
vectors of a sequence's places for SASRec, eSASRec's LiGR layers and HSTU, and fails if one is above 1e-5.
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
# This file's own name would hide the package.
sys.path = [place for place in sys.path if pathlib.Path(place or ".").resolve() != HERE]
import torch  # noqa: E402
from rectools.models.nn.transformers.hstu import STULayers  # noqa: E402
from rectools.models.nn.transformers.ligr import LiGRLayers  # noqa: E402
from rectools.models.nn.transformers.sasrec import SASRecTransformerLayers  # noqa: E402

sys.path.append(str(HERE))
import models as ours  # noqa: E402


def copy(theirs, own):
    """Copies an attention's weights."""
    parts = [own.query, own.key, own.value]
    theirs.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
    theirs.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
    theirs.out_proj.load_state_dict(own.output.state_dict())


def sasrec(own):
    theirs = SASRecTransformerLayers(2, ours.WIDTH, ours.HEADS, 0.0)
    for block, layer in zip(theirs.transformer_blocks, own.layers, strict=True):
        # Its perceptron is as wide as its vectors.
        layer.up, layer.down = (torch.nn.Linear(ours.WIDTH, ours.WIDTH) for _ in range(2))
        copy(block.multi_head_attn, layer.attention)
        block.q_layer_norm.load_state_dict(layer.attention_norm.state_dict())
        block.ff_layer_norm.load_state_dict(layer.perceptron_norm.state_dict())
        block.feed_forward.ff_linear_1.load_state_dict(layer.up.state_dict())
        block.feed_forward.ff_linear_2.load_state_dict(layer.down.state_dict())
    own.norm.eps = theirs.last_layernorm.eps
    theirs.last_layernorm.load_state_dict(own.norm.state_dict())
    return theirs


def ligr(own):
    theirs = LiGRLayers(2, ours.WIDTH, ours.HEADS, 0.0)
    for block, layer in zip(theirs.transformer_blocks, own.layers, strict=True):
        inner = 4 * ours.WIDTH
        layer.up, layer.gate = (torch.nn.Linear(ours.WIDTH, inner, bias=False) for _ in range(2))
        layer.down = torch.nn.Linear(inner, ours.WIDTH, bias=False)
        copy(block.multi_head_attn, layer.attention)
        for part, of_layer in {
            block.layer_norm_1: layer.attention_norm, block.layer_norm_2: layer.perceptron_norm,
            block.gating_linear_1: layer.attention_gate, block.gating_linear_2: layer.perceptron_gate,
            block.feed_forward.ff_linear_1: layer.gate, block.feed_forward.ff_linear_3: layer.up,
            block.feed_forward.ff_linear_2: layer.down,
        }.items():
            part.load_state_dict(of_layer.state_dict())
    return theirs


def hstu(own):
    head = ours.WIDTH // ours.HEADS
    theirs = STULayers(2, ours.WIDTH, ours.HEADS, head, head, ours.LENGTH, True, True, 0.0, 0.0)
    for block, layer in zip(theirs.stu_blocks, own.layers, strict=True):
        block.uvqk_proj.copy_(layer.parts.weight.T)
        block.output_mlp.load_state_dict(layer.output.state_dict())
        # Distances from behind: theirs count from the place before all others.
        block.rel_attn.pos_weights.zero_()
        block.rel_attn.pos_weights[: ours.LENGTH].copy_(layer.distances.flip(0))
        block.rel_attn.time_weights.copy_(layer.times)
    return theirs


def main():
    torch.manual_seed(1)
    length = ours.LENGTH
    vectors = torch.randn(1, length, ours.WIDTH)
    seconds = torch.arange(length).cumsum(0) * 86_400
    batch = {"x": torch.ones(1, length, dtype=torch.long), "unix_ts": torch.cat([seconds, seconds[-1:]])[None]}
    arguments = {
        "timeline_mask": torch.ones(1, length, 1), "attn_mask": ~torch.ones(length, length, dtype=torch.bool).tril(),
        "key_padding_mask": None, "batch": batch,
    }
    for name, convert in {"sasrec": sasrec, "esasrec": ligr, "hstu": hstu}.items():
        with torch.no_grad():
            own = ours.MODELS[name]()
            theirs = convert(own).eval()(vectors.clone(), **arguments)[0]
            x = vectors[0]
            for layer in own.layers:
                mask = torch.ones(length, length, dtype=torch.bool).tril()
                x = layer(x, seconds.tolist()) if name == "hstu" else layer(x, mask)
            x = own.norm(x) if name == "sasrec" else x
        difference = (x - theirs).abs().max().item()
        print(f"{name}: {difference:.1e}")
        assert difference < 1e-5, name


if __name__ == "__main__":
    main()
