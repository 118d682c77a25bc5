"""The frequencies in the tests of src/rope.rs; needs transformers 5."""

from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

SHAPE = {"hidden_size": 32, "num_attention_heads": 2, "head_dim": 16, "max_position_embeddings": 512}
SCALINGS = [
    {"rope_type": "linear", "factor": 4.0},
    {"rope_type": "dynamic", "factor": 4.0},
    {"rope_type": "yarn", "factor": 4.0},
    {
        "rope_type": "yarn",
        "factor": 8.0,
        "original_max_position_embeddings": 128,
        "beta_fast": 16.0,
        "beta_slow": 2.0,
        "mscale": 0.7,
        "mscale_all_dim": 0.9,
    },
    {"rope_type": "yarn", "factor": 4.0, "truncate": False, "attention_factor": 1.5},
]

for scaling in SCALINGS:
    rope = LlamaRotaryEmbedding(LlamaConfig(**SHAPE, rope_scaling=dict(scaling)))
    print(scaling, [float(f"{x:.9g}") for x in rope.inv_freq.tolist()], rope.attention_scaling)
