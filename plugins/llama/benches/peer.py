"""The peer of the generation benchmark: Hugging Face generate, as GLoSS's script calls it.

    peer.py make OUT --shape llama-3.2-1b [--nf4] [--adapter]
    peer.py run --model FOLDER --prompts FILE [--nf4] [--adapter FOLDER] [--batch 8,64,256] ...

`make` writes checkpoints of random weights, for speed does not depend on their values: OUT/bf16,
with --nf4 also OUT/nf4 (the same, quantised by bitsandbytes) and with --adapter OUT/adapter (a
LoRA adapter of rank 16 on all seven projections). `run` prints a line of JSON for every batch
size. FILE has a prompt a line, {"tokens": [...]}; no token ends a beam, so that every user takes
all steps. Needs torch, transformers, peft for adapters, bitsandbytes for NF4; runs on the GPU if
there is one.
"""

import argparse
import itertools
import json
import pathlib
import time

import torch
import transformers
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, LlamaConfig

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
PROMPT_TOKENS = 1024 - 50
LLAMA3 = dict(
    vocab_size=128256, max_position_embeddings=131072, rms_norm_eps=1e-5, num_key_value_heads=8,
    num_attention_heads=32, bos_token_id=128000, eos_token_id=128001)


def llama3_rope(factor):
    return dict(
        rope_type="llama3", rope_theta=500000.0, factor=factor, low_freq_factor=1.0,
        high_freq_factor=4.0, original_max_position_embeddings=8192)


SHAPES = {
    "llama-3.2-1b": LLAMA3 | dict(
        num_hidden_layers=16, hidden_size=2048, intermediate_size=8192, head_dim=64,
        tie_word_embeddings=True, rope_parameters=llama3_rope(32.0)),
    "llama-3.1-8b": LLAMA3 | dict(
        num_hidden_layers=32, hidden_size=4096, intermediate_size=14336, head_dim=128,
        tie_word_embeddings=False, rope_parameters=llama3_rope(8.0)),
    # To try this script without a GPU.
    "tiny": dict(
        vocab_size=512, num_hidden_layers=2, hidden_size=64, intermediate_size=128,
        num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True),
}


def fill(model, embedding_scale):
    """Gaussian weights: of a projection's inverse square root of inputs, and `embedding_scale` of
    an embedding's, so that some tokens are likelier than others and none is certain."""
    generator = torch.Generator(DEVICE).manual_seed(1)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 2 and weight.requires_grad:
                vocabulary = "embed_tokens" in name or "lm_head" in name
                inputs = weight.shape[1] ** -0.5
                weight.normal_(0, embedding_scale * inputs if vocabulary else inputs, generator=generator)


def make(arguments):
    with torch.device(DEVICE):
        model = AutoModelForCausalLM.from_config(
            LlamaConfig(**SHAPES[arguments.shape]), dtype=torch.bfloat16)
    fill(model, 2.3)
    model.save_pretrained(arguments.out / "bf16")
    if arguments.adapter:
        from peft import LoraConfig, get_peft_model

        adapted = get_peft_model(model, LoraConfig(
            task_type="CAUSAL_LM", r=16, lora_alpha=16, lora_dropout=0.0, bias="none",
            target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]))
        fill(adapted, 1.0)
        adapted.save_pretrained(arguments.out / "adapter")
    del model
    if arguments.nf4:
        load(arguments.out / "bf16", nf4=True).save_pretrained(arguments.out / "nf4")


def load(folder, nf4=False, adapter=None):
    """In bf16, or in NF4 with double quantisation computing in bf16; the adapter is not merged."""
    quantization = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16)
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.bfloat16, device_map=DEVICE,
        **(dict(quantization_config=quantization) if nf4 else {}))
    if adapter is not None:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, adapter)
    return model.eval()


def left_pad(prompts):
    width = max(map(len, prompts))
    ids = [[0] * (width - len(prompt)) + prompt for prompt in prompts]
    mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return dict(input_ids=torch.tensor(ids, device=DEVICE), attention_mask=torch.tensor(mask, device=DEVICE))


def generate(model, prompts, beams, new_tokens):
    """Runs all steps for every user; fails if a beam ended before."""
    padded = left_pad(prompts)
    out = model.generate(
        **padded, num_beams=beams, num_return_sequences=beams, do_sample=False,
        max_new_tokens=new_tokens, length_penalty=1.0, pad_token_id=0)
    assert out.shape[1] == padded["input_ids"].shape[1] + new_tokens


def synchronize():
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def measure(model, prompts, batch, arguments):
    """Generates whole batches of the prompts, in their order, until they or the seconds are used up."""
    if len(prompts) < batch:
        return dict(too_few_prompts=len(prompts))
    generate(model, prompts[:batch], arguments.beams, 4)
    if DEVICE == "cuda":
        torch.cuda.reset_peak_memory_stats()
    synchronize()
    users, start = 0, time.perf_counter()
    for at in range(0, len(prompts) - batch + 1, batch):
        part = prompts[at:at + batch]
        generate(model, part, arguments.beams, arguments.new_tokens)
        synchronize()
        users += len(part)
        seconds = time.perf_counter() - start
        if seconds > arguments.seconds:
            break
    peak = torch.cuda.max_memory_allocated() / 2**30 if DEVICE == "cuda" else None
    return dict(users=users, seconds=seconds, users_per_s=users / seconds, peak_gib=peak)


def run(arguments):
    with arguments.prompts.open() as file:
        prompts = [json.loads(line)["tokens"][-PROMPT_TOKENS:]
                   for line in itertools.islice(file, arguments.users)]
    model = load(arguments.model, arguments.nf4, arguments.adapter)
    model.generation_config.eos_token_id = None
    device = torch.cuda.get_device_name() if DEVICE == "cuda" else "cpu"
    for batch in arguments.batch:
        row = dict(
            peer=f"transformers {transformers.__version__}", device=device, model=str(arguments.model),
            nf4=bool(getattr(model.config, "quantization_config", None)), adapter=arguments.adapter is not None, beams=arguments.beams,
            new_tokens=arguments.new_tokens, batch=batch)
        try:
            row |= measure(model, prompts, batch, arguments)
        except torch.OutOfMemoryError:
            row |= dict(out_of_memory=True)
        if DEVICE == "cuda":
            torch.cuda.empty_cache()
        print(json.dumps(row), flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    making = commands.add_parser("make", help="write checkpoints of random weights")
    making.set_defaults(command=make)
    making.add_argument("out", type=pathlib.Path)
    making.add_argument("--shape", choices=SHAPES, required=True)
    making.add_argument("--nf4", action="store_true")
    making.add_argument("--adapter", action="store_true")
    running = commands.add_parser("run", help="measure users per second")
    running.set_defaults(command=run)
    running.add_argument("--model", type=pathlib.Path, required=True)
    running.add_argument("--prompts", type=pathlib.Path, required=True)
    running.add_argument("--nf4", action="store_true", help="quantise the checkpoint on loading")
    running.add_argument("--adapter", type=pathlib.Path)
    running.add_argument("--batch", type=lambda text: [int(part) for part in text.split(",")],
                         default=[8, 64, 256], help="batch sizes, in users (default 8,64,256)")
    running.add_argument("--beams", type=int, default=5)
    running.add_argument("--new-tokens", type=int, default=50)
    running.add_argument("--users", type=int, help="read the first N prompts (default all)")
    running.add_argument("--seconds", type=float, default=60.0,
                         help="begin no batch after so long, at each batch size (default 60)")
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    arguments.command(arguments)


main()
