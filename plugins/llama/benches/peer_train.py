"""The peer of the training benchmark: PEFT on transformers, as GLoSS's script trains.

    peer_train.py --model FOLDER --texts FILE [--nf4] [--checkpointing] [--steps N]

FILE has a text a line, {"tokens": [...]}; they are taken in order, padded on the right, batch by
batch. Prints a line of JSON: tokens per second without pads in the second half of the steps, and the
memory of the GPU. Needs torch, transformers, peft and bitsandbytes; runs on the GPU if there is one.
"""

import argparse
import json
import pathlib
import time

import torch
import transformers
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, get_linear_schedule_with_warmup

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def load(arguments):
    quantization = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16)
    model = AutoModelForCausalLM.from_pretrained(
        arguments.model, dtype=torch.bfloat16, device_map=DEVICE,
        **(dict(quantization_config=quantization) if arguments.nf4 else {}))
    model.config.use_cache = False
    if arguments.nf4:
        model = prepare_model_for_kbit_training(
            model, use_gradient_checkpointing=arguments.checkpointing,
            gradient_checkpointing_kwargs=dict(use_reentrant=False))
    elif arguments.checkpointing:
        model.gradient_checkpointing_enable(dict(use_reentrant=False))
        model.enable_input_require_grads()
    return get_peft_model(model, LoraConfig(
        task_type="CAUSAL_LM", r=16, lora_alpha=16, lora_dropout=0.0, bias="none",
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]))


def padded(texts):
    longest = max(map(len, texts))
    rows = [(text + [0] * (longest - len(text)), [1] * len(text) + [0] * (longest - len(text)),
             text + [-100] * (longest - len(text))) for text in texts]
    tokens, seen, labels = (torch.tensor(column, device=DEVICE) for column in zip(*rows))
    return dict(input_ids=tokens, attention_mask=seen, labels=labels)


def used():
    free, total = torch.cuda.mem_get_info()
    return (total - free) / 2**30


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--texts", type=pathlib.Path, required=True)
    parser.add_argument("--nf4", action="store_true")
    parser.add_argument("--checkpointing", action="store_true")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--accumulation", type=int, default=4)
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    texts = [json.loads(line)["tokens"] for line in arguments.texts.open()]
    before = used() if DEVICE == "cuda" else 0
    model = load(arguments).train()
    trained = [p for p in model.parameters() if p.requires_grad]
    if DEVICE == "cuda":
        import bitsandbytes

        optimizer = bitsandbytes.optim.AdamW8bit(trained, lr=1e-4, weight_decay=0.01)
    else:
        optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.01)
    schedule = get_linear_schedule_with_warmup(optimizer, 300, 10000)
    place, tokens, losses = 0, 0, []
    for step in range(arguments.steps):
        if step == arguments.steps // 2:
            tokens, start = 0, time.perf_counter()
        total = 0.0
        for _ in range(arguments.accumulation):
            some = texts[place:place + arguments.batch]
            place = (place + arguments.batch) % (len(texts) - arguments.batch)
            tokens += sum(map(len, some))
            with torch.autocast(DEVICE, torch.bfloat16):
                loss = model(**padded(some)).loss / arguments.accumulation
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(total)
    seconds = time.perf_counter() - start
    row = dict(peer=f"transformers {transformers.__version__}", nf4=arguments.nf4,
               checkpointing=arguments.checkpointing, tokens_per_s=tokens / seconds, loss=losses[-1])
    if DEVICE == "cuda":
        row |= dict(device=torch.cuda.get_device_name(), used_gib=used() - before,
                    peak_gib=torch.cuda.max_memory_allocated() / 2**30)
    print(json.dumps(row), flush=True)


main()
