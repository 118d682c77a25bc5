"""Makes the golden files of this folder: what bitsandbytes and PEFT write, with fixed seeds.

    python make.py

wants torch 2.11, bitsandbytes 0.50.2, peft 0.21 and safetensors, and runs on the CPU. It writes

- `nf4.safetensors`: matrices, and the tensors that bitsandbytes makes of them with and without
  double quantisation, in the layout of its checkpoints, and the numbers they stand for;
- `adapter-*/`: LoRA adapters of PEFT, and in `adapter-deltas.safetensors` the change of each
  weight that they make.
"""

import json
import shutil
from pathlib import Path

import torch
from bitsandbytes.functional import dequantize_4bit, quantize_4bit
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file

HERE = Path(__file__).parent
TYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}


def matrices():
    """Matrices of many shapes, each with a name."""
    random = torch.Generator().manual_seed(42)
    normal = lambda *shape: torch.randn(shape, generator=random) * 0.02
    yield "whole", normal(16, 64)
    yield "uneven-block", normal(3, 50)
    yield "odd", normal(7, 33)
    yield "two-nested-blocks", normal(129, 129)
    zeros = normal(8, 64)
    zeros[2:4] = 0
    yield "zeros", zeros
    yield "last-zeros", torch.cat([normal(64), torch.zeros(36)]).view(10, 10)
    yield "all-zeros", torch.zeros(4, 32)
    yield "ties", ties()
    yield "extremes", normal(16, 64) * torch.logspace(-38, 5, 16)[:, None]


def ties():
    """Numbers on the middles between codes, and their neighbours."""
    code = torch.tensor(
        [-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
         -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
         0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
         0.7229568362236023, 1.0]
    )
    middles = (code[1:] + code[:-1]) / 2
    below = torch.nextafter(middles, torch.tensor(-2.0))
    above = torch.nextafter(middles, torch.tensor(2.0))
    row = torch.cat([torch.ones(1), middles, below, above, code, torch.tensor([-1.0, 1e-30])])
    return torch.stack([row, row * 0.75, row * 3e-3, -row])


def quantised(name, weight, double):
    """The tensors that a checkpoint of bitsandbytes holds for a weight."""
    packed, state = quantize_4bit(weight, blocksize=64, compress_statistics=double, quant_type="nf4")
    assert state.blocksize == 64
    tensors = {name: packed}
    for key, value in state.as_dict(packed=True).items():
        tensors[f"{name}.{key}"] = value
    return tensors, dequantize_4bit(packed, state)


def make_nf4():
    tensors = {}
    for shape, matrix in matrices():
        for type_name, dtype in TYPES.items():
            if shape == "two-nested-blocks" and type_name != "bf16":
                continue  # It is large.
            if shape == "extremes" and type_name == "f16":
                continue  # It does not fit.
            weight = matrix.to(dtype)
            tensors[f"input.{shape}.{type_name}"] = weight
            for double in (False, True):
                name = f"{'double' if double else 'single'}.{shape}.{type_name}"
                written, numbers = quantised(name, weight, double)
                tensors |= written
                tensors[f"{name}.numbers"] = numbers
    tensors = {name: tensor.clone().contiguous() for name, tensor in tensors.items()}
    save_file(tensors, HERE / "nf4.safetensors")


class Attention(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.q_proj = torch.nn.Linear(8, 12, bias=False)
        self.v_proj = torch.nn.Linear(8, 4, bias=False)


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.self_attn = Attention()


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.ModuleList([Block(), Block()])


def make_adapter():
    torch.manual_seed(42)
    deltas = {}
    for name, options in {
        "plain": {},
        "rslora": {"use_rslora": True},
        "patterns": {  # The first key that matches counts.
            "rank_pattern": {r"layers\.1\.self_attn\.q_proj": 3, "v_proj": 1},
            "alpha_pattern": {"layers.0.self_attn.v_proj": 5, "^nothing": 7},
        },
    }.items():
        config = LoraConfig(
            r=2, lora_alpha=6, target_modules=["q_proj", "v_proj"], base_model_name_or_path="tiny",
            init_lora_weights=False, **options,
        )
        model = get_peft_model(Model(), config)
        folder = HERE / f"adapter-{name}"
        shutil.rmtree(folder, ignore_errors=True)
        model.save_pretrained(folder)
        (folder / "README.md").unlink(missing_ok=True)
        config = json.loads((folder / "adapter_config.json").read_text())
        config["base_model_name_or_path"] = "tiny"
        (folder / "adapter_config.json").write_text(json.dumps(config, indent=1) + "\n")
        for module, layer in model.named_modules():
            if hasattr(layer, "get_delta_weight"):
                plain = module.removeprefix("base_model.model.")
                deltas[f"{name}.{plain}"] = layer.get_delta_weight("default").detach().contiguous()
    save_file(deltas, HERE / "adapter-deltas.safetensors")


if __name__ == "__main__":
    make_nf4()
    make_adapter()
