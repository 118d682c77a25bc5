"""Makes the golden files `t5.safetensors` and `t5.json` beside this script.

    pip install torch==2.11.0 transformers==5.24.0 safetensors==0.8.0
    python make.py

- `t5.safetensors`, `t5.json`: a tiny T5 of transformers with random weights, and its logits for two inputs of
  different lengths.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import T5Config, T5ForConditionalGeneration

FOLDER = Path(__file__).parent


def t5():
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=23, d_model=8, d_kv=4, d_ff=16, num_layers=2, num_decoder_layers=2, num_heads=3,
        relative_attention_num_buckets=8, relative_attention_max_distance=12, dropout_rate=0.0,
        feed_forward_proj="relu", pad_token_id=0, decoder_start_token_id=0, eos_token_id=1, tie_word_embeddings=True,
    )
    model = T5ForConditionalGeneration(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn_like(weight) * 0.4)
    inputs = [[3, 9, 14, 2, 8, 17, 4, 10, 15, 6, 11, 20, 5, 9, 21, 7, 12, 16], [5, 12, 18]]
    read = [[0, 3, 11], [0, 7, 9]]
    longest = max(map(len, inputs))
    tokens = torch.tensor([row + [0] * (longest - len(row)) for row in inputs])
    with torch.no_grad():
        logits = model(
            input_ids=tokens, attention_mask=(tokens != 0).long(), decoder_input_ids=torch.tensor(read)
        ).logits
    weights = {name: value.contiguous() for name, value in model.state_dict().items()
               if not name.endswith("embed_tokens.weight") and name != "lm_head.weight"}
    save_file(weights, FOLDER / "t5.safetensors")
    (FOLDER / "t5.json").write_text(json.dumps({"inputs": inputs, "read": read, "logits": logits.tolist()}))


if __name__ == "__main__":
    t5()
