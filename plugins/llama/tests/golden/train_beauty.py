"""Writes train_beauty.json: fifty steps of PEFT on SmolLM2-135M with texts of Amazon Beauty.

Run as: python3 train_beauty.py MODEL DATA, folders of the checkpoint and of Amazon's files of 2014
(torch 2.11.0, transformers 5.17.0, peft 0.21.2). In f32 on the CPU. Step n trains on the texts of
users 2n and 2n + 1 of those whose text has at most 160 tokens, in order of their identifiers. The
first factors begin as whole numbers over 4096, the second ones as 0.
"""

import json
import pathlib
import sys

import torch
from amazon import histories, prompt
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, get_linear_schedule_with_warmup

STEPS, BATCH, MOST, SAMPLED = 50, 2, 160, 211
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def first_factor(shape):
    number = torch.arange(shape[0] * shape[1], dtype=torch.int64) * 7919 % 401 - 200
    return number.float().div(4096).view(shape)


def main():
    model_folder, data = map(pathlib.Path, sys.argv[1:])
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    texts = []
    for user, items in sorted(histories(data).items()):
        text = f"{prompt(items[:-2])}Title: {items[-2]}"
        tokens = tokenizer(text)["input_ids"] + [tokenizer.eos_token_id]
        if len(tokens) <= MOST:
            texts.append((user, tokens))
        if len(texts) == STEPS * BATCH:
            break
    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32)
    model = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules=TARGETS, task_type="CAUSAL_LM"))
    trained = [(name, value) for name, value in model.named_parameters() if value.requires_grad]
    with torch.no_grad():
        for name, value in trained:
            value.copy_(first_factor(value.shape) if "lora_A" in name else torch.zeros_like(value))
    optimizer = torch.optim.AdamW([value for _, value in trained], lr=1e-3, weight_decay=0.01)
    schedule = get_linear_schedule_with_warmup(optimizer, 5, STEPS)
    losses = []
    for step in range(STEPS):
        some = [tokens for _, tokens in texts[step * BATCH:(step + 1) * BATCH]]
        total, count = 0.0, sum(len(tokens) - 1 for tokens in some)
        for tokens in some:
            ids = torch.tensor([tokens])
            logits = model(input_ids=ids).logits[0, :-1]
            total = total + torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="sum")
        loss = total / count
        loss.backward()
        torch.nn.utils.clip_grad_norm_([value for _, value in trained], 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        print(step, loss.item(), flush=True)
    weights = {name.replace(".default", ""): value.detach().flatten()[::SAMPLED].tolist() for name, value in trained}
    written = {"users": [user for user, _ in texts], "losses": losses, "sampled": SAMPLED, "weights": weights}
    path = pathlib.Path(__file__).parent / "train_beauty.json"
    path.write_text(json.dumps(written) + "\n")


main()
