"""Writes train/: what PyTorch, PEFT and bitsandbytes make of 50 steps of training.

Run as: python3 train.py [NAME...] (torch 2.11.0, transformers 5.17.0, peft 0.21.2, bitsandbytes 0.50.2).
Each case of CASES trains a tiny checkpoint of ../fixtures on texts at random, in f32 on the CPU; that
with 8-bit states on a GPU, since bitsandbytes rounds its states more coarsely on the CPU.
train/NAME.json has the texts and the losses, train/NAME.safetensors the weights before (`before.`,
of an adapter) and after (`after.`).
"""

import json
import pathlib
import random
import sys

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE / "train"
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
STEPS, BATCH, ACCUMULATION, WARMUP = 50, 3, 2, 5
CASES = {
    "lora": {"fixture": "gqa"},
    "target": {"fixture": "gqa", "loss": "target", "lr_scheduler_type": "cosine"},
    "some": {"fixture": "biases", "target_modules": ["q_proj", "v_proj", "down_proj"], "use_rslora": True},
    "untied": {"fixture": "untied", "weight_decay": 0.0},
    "eight-bit": {"fixture": "gqa", "r": 128, "optim": "adamw-8bit"},
    "nf4": {"fixture": "nf4"},
    "rows": {"fixture": "gqa", "rows": 4, "use_rslora": True},
    "rows-untied": {"fixture": "untied", "rows": 4, "target_modules": ["v_proj"]},
    "full": {"fixture": "gqa", "method": "full"},
    "full-untied": {"fixture": "untied", "method": "full", "loss": "target"},
    "full-biases": {"fixture": "biases", "method": "full"},
}
DEFAULTS = {
    "method": "lora", "r": 4, "lora_alpha": 8.0, "use_rslora": False, "target_modules": ALL,
    "optim": "adamw", "learning_rate": 3e-3, "weight_decay": 0.05, "max_grad_norm": 0.7,
    "lr_scheduler_type": "linear", "loss": "all", "rows": 0,
}


def texts(generator, vocabulary):
    lengths = [generator.randint(6, 40) for _ in range(STEPS * BATCH * ACCUMULATION)]
    return [
        {"tokens": [generator.randrange(3, vocabulary) for _ in range(length)],
         "target": generator.randint(2, 5)}
        for length in lengths
    ]


def parameters(model, options):
    trained = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    decayed = [p for n, p in trained if p.dim() > 1]
    others = [p for n, p in trained if p.dim() <= 1]
    return [
        {"params": decayed, "weight_decay": options["weight_decay"]},
        {"params": others, "weight_decay": 0.0},
    ]


def optimizer(model, options):
    groups = parameters(model, options)
    if options["optim"] == "adamw":
        return torch.optim.AdamW(groups, lr=options["learning_rate"])
    import bitsandbytes

    return bitsandbytes.optim.AdamW8bit(groups, lr=options["learning_rate"])


def loss_sum(model, some, scope):
    device = model.device
    longest = max(len(text["tokens"]) for text in some)
    tokens = torch.zeros(len(some), longest, dtype=torch.long)
    labels = torch.full((len(some), longest), -100)
    seen = torch.zeros(len(some), longest, dtype=torch.long)
    for row, text in enumerate(some):
        length = len(text["tokens"])
        tokens[row, :length] = torch.tensor(text["tokens"])
        seen[row, :length] = 1
        start = length - text["target"] if scope == "target" else 0
        labels[row, start:length] = tokens[row, start:length]
    logits = model(input_ids=tokens.to(device), attention_mask=seen.to(device)).logits
    return torch.nn.functional.cross_entropy(
        logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten().to(device), ignore_index=-100, reduction="sum"
    )


def predicted(text, scope):
    return text["target"] if scope == "target" else len(text["tokens"]) - 1


def state(model, options):
    if options["method"] == "lora":
        return {k: v.detach().clone().contiguous() for k, v in get_peft_model_state_dict(model, save_embedding_layers=False).items()}
    return {n: p.detach().clone() for n, p in model.named_parameters()}


def case(name, given, device):
    options = DEFAULTS | given
    torch.manual_seed(7)
    generator = random.Random(name)
    folder = HERE.parent / "fixtures" / options["fixture"]
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tables = ["embed_tokens"] if model.config.tie_word_embeddings else ["embed_tokens", "lm_head"]
    rows = options.pop("rows")
    tokens = list(range(model.config.vocab_size - 3, model.config.vocab_size + rows))
    if rows:
        model.resize_token_embeddings(model.config.vocab_size + rows, mean_resizing=False)
        for table in {model.get_input_embeddings(), model.get_output_embeddings()}:
            torch.nn.init.normal_(table.weight.data[-rows:], std=0.5)
    if options["method"] == "lora":
        config = LoraConfig(
            r=options["r"], lora_alpha=options["lora_alpha"], use_rslora=options["use_rslora"],
            target_modules=options["target_modules"], task_type="CAUSAL_LM",
            trainable_token_indices={table: tokens for table in tables} if rows else None,
        )
        model = get_peft_model(model, config)
        for key, value in model.named_parameters():
            if "lora_B" in key:
                torch.nn.init.normal_(value, std=0.02)
    model.to(device).train()
    before = state(model, options) if options["method"] == "lora" else {}
    all_texts = texts(generator, model.config.vocab_size)
    steps = optimizer(model, options)
    schedules = {"linear": get_linear_schedule_with_warmup, "cosine": get_cosine_schedule_with_warmup}
    schedule = schedules[options["lr_scheduler_type"]](steps, WARMUP, STEPS)
    losses, norms = [], []
    for step in range(STEPS):
        some = all_texts[step * BATCH * ACCUMULATION:(step + 1) * BATCH * ACCUMULATION]
        count = sum(predicted(text, options["loss"]) for text in some)
        total = 0.0
        for start in range(0, len(some), BATCH):
            loss = loss_sum(model, some[start:start + BATCH], options["loss"]) / count
            loss.backward()
            total += loss.item()
        trained = [p for p in model.parameters() if p.requires_grad]
        norms.append(float(torch.nn.utils.clip_grad_norm_(trained, options["max_grad_norm"])))
        steps.step()
        schedule.step()
        steps.zero_grad()
        losses.append(total)
    after = state(model, options)
    tensors = {f"before.{k}": v for k, v in before.items()} | {f"after.{k}": v for k, v in after.items()}
    save_file(tensors, OUT / f"{name}.safetensors")
    written = {
        "fixture": options.pop("fixture"),
        "training": options | {"per_device_train_batch_size": BATCH, "gradient_accumulation_steps": ACCUMULATION, "warmup_steps": WARMUP},
        "texts": [[text["tokens"], text["target"]] for text in all_texts],
        "tokens": tokens if rows else [],
        "losses": losses,
        "norms": norms,
    }
    (OUT / f"{name}.json").write_text(json.dumps(written) + "\n")
    print(name, losses[0], losses[-1])


OUT.mkdir(exist_ok=True)
for name in sys.argv[1:] or CASES:
    given = CASES[name]
    if given.get("optim") != "adamw-8bit":
        case(name, given, "cpu")
    elif torch.cuda.is_available():
        case(name, given, "cuda")
    else:
        print(name, "is left as it is: there is no GPU")
