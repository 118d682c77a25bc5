"""Writes what transformers' beam search generates, to check our own search against.

Run as: python3 beam.py tiny
        python3 beam.py beauty|grid MODEL DATA     (MODEL: the folder of SmolLM2-135M;
                                                    DATA: the folder of the Amazon 2014 files)
with torch 2.11.0 and transformers 5.17.0. All is f32 on the CPU, in left-padded batches of mixed
lengths, and every beam is returned. Files, one case a line:

- beam_tiny.json: the fixtures gqa and llama3-rope, random prompts.
- beam_beauty.json: 5 beams, 50 tokens, 100 prompts of Beauty's test users.
- beam_grid.json: many settings, 20 tokens, 20 short prompts of Beauty's test users.

A prompt of Beauty is kept as its user's number and the SHA-256 of its token ids, each as four
little-endian bytes. There the prompt's forward pass is made once for all its beams, whose rows are
equal (transformers makes it for each): it saves hours, and on the 96 cases made both ways it
changed no token and no digit of a score.

A case names its prompt by number and has, best first, the generated tokens (the end token
included, padding dropped) and transformers' `sequences_scores`: the sum of the log-probabilities
divided by the number of generated tokens to the power of the length penalty. Of one beam,
transformers decodes greedily and reports no score: there it is computed likewise.
"""

import functools
import hashlib
import json
import pathlib
import struct
import sys

import numpy
import torch
import transformers
from amazon import histories, prompt
from transformers import AutoTokenizer, LlamaForCausalLM

HERE = pathlib.Path(__file__).resolve().parent
PROMPT_TOKENS = 1024 - 50


class Output:
    """A golden file, written anew after every batch, so that a run cut short leaves what it has."""

    def __init__(self, name, **head):
        self.path = HERE / name
        self.head = {"torch": torch.__version__, "transformers": transformers.__version__} | head
        self.cases = []

    def add(self, cases):
        self.cases += cases
        head = "".join(f"{json.dumps(key)}: {dump(value)},\n" for key, value in self.head.items())
        self.path.write_text("{\n" + head + f'"examples": {dump(self.cases)}\n}}\n')
        print(f"{self.path.name}: {len(self.cases)} cases", flush=True)


def dump(value):
    """A list of records with a record a line; anything else on one line."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in value) + "\n]"
    return json.dumps(value)


def shortest(score):
    """A float whose decimal form is the shortest that gives the same f32 back."""
    return float(str(numpy.float32(score)))


def left_pad(prompts, pad):
    width = max(map(len, prompts))
    ids = [[pad] * (width - len(ids)) + ids for ids in prompts]
    mask = [[0] * (width - len(ids)) + [1] * len(ids) for ids in prompts]
    return torch.tensor(ids), torch.tensor(mask)


def share_prompt(model, beams):
    """Has the first forward pass of generation made for one of every `beams` equal rows."""
    forward = type(model).forward

    @functools.wraps(forward)
    def shared(self, input_ids, attention_mask, position_ids, **rest):
        if input_ids.shape[1] == 1:
            return forward(self, input_ids, attention_mask, position_ids, **rest)
        once = (tensor[::beams] for tensor in (input_ids, attention_mask, position_ids))
        out = forward(self, *once, **rest)
        out.logits = out.logits.repeat_interleave(beams, dim=0)
        out.past_key_values.batch_repeat_interleave(beams)
        return out

    model.forward = shared.__get__(model)


def generate(model, prompts, pad, beams, length_penalty, early_stopping, eos, new_tokens):
    """(tokens, score) of every beam of every prompt of one batch."""
    ids, mask = left_pad(prompts, pad)
    if beams == 1:
        search = dict(output_logits=True)
    else:
        search = dict(length_penalty=length_penalty, early_stopping=early_stopping,
                      num_return_sequences=beams, output_scores=True)
    out = model.generate(
        ids, attention_mask=mask, do_sample=False, num_beams=beams, max_new_tokens=new_tokens,
        eos_token_id=eos, pad_token_id=pad, return_dict_in_generate=True, **search)
    tokens = out.sequences[:, ids.shape[1]:]
    if beams == 1:
        return [[greedy(out.logits, row, tokens[row].tolist(), eos, length_penalty)]
                for row in range(len(prompts))]
    lengths = (out.beam_indices >= 0).sum(dim=1).tolist()
    found = [(row[:length].tolist(), shortest(score))
             for row, length, score in zip(tokens, lengths, out.sequences_scores.numpy())]
    return [found[at:at + beams] for at in range(0, len(found), beams)]


def greedy(logits, row, tokens, eos, length_penalty):
    total, kept = torch.tensor(0.0), []
    for step, token in zip(logits, tokens):
        total += step[row].float().log_softmax(dim=-1)[token]
        kept.append(token)
        if token in eos:
            break
    return kept, shortest(total / len(kept) ** length_penalty)


def cases(model, numbered, pad, batch, beams, length_penalty, early_stopping, eos, new_tokens, **more):
    """The cases of one setting, a list for each batch of (number, prompt)."""
    for at in range(0, len(numbered), batch):
        part = numbered[at:at + batch]
        found = generate(model, [ids for _, ids in part], pad, beams, length_penalty,
                         early_stopping, eos, new_tokens)
        yield [
            more | {"prompt": number, "beams": beams, "length_penalty": length_penalty,
                    "early_stopping": early_stopping, "eos": eos, "max_new_tokens": new_tokens,
                    "sequences": [tokens for tokens, _ in beams_found],
                    "scores": [score for _, score in beams_found]}
            for (number, _), beams_found in zip(part, found)
        ]


def load(folder):
    return LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def grid(beam_counts, early_stoppings):
    """Early stopping says nothing of one beam: there it is left at False."""
    for beams in beam_counts:
        for length_penalty in (0.0, 1.0, 2.0):
            for early_stopping in early_stoppings if beams > 1 else (False,):
                yield beams, length_penalty, early_stopping


def tiny():
    generator = torch.Generator().manual_seed(1)
    prompts = [torch.randint(3, 160, (length,), generator=generator).tolist()
               for length in (17, 3, 70, 41)]
    output = Output("beam_tiny.json", prompts=[{"tokens": ids} for ids in prompts])
    for fixture, end in TINY_ENDS.items():
        model = load(HERE.parent / "fixtures" / fixture)
        for eos in (end[:1], end):
            for setting in grid((1, 2, 5, 10, 20), (False, True, "never")):
                for found in cases(model, list(enumerate(prompts)), 0, 4, *setting, eos, 12,
                                   fixture=fixture):
                    output.add(found)


# Tokens that these random models generate often, to end sequences early and late.
TINY_ENDS = {"gqa": [4, 127], "llama3-rope": [46, 37]}


def choose(tokenizer, data, ranges):
    """A user of every range of prompt lengths, at even distances in the order of the users.

    Returns what is written of each prompt, and the prompts' tokens, truncated on the left.
    """
    users = list(enumerate(histories(data).values()))
    written, prompts = [], []
    for slot, (least, most) in enumerate(ranges):
        for user, items in users[slot * len(users) // len(ranges):]:
            ids = tokenizer(prompt(items[:-1]))["input_ids"]
            if least <= len(ids) <= most:
                break
        ids = ids[-PROMPT_TOKENS:]
        digest = hashlib.sha256(b"".join(struct.pack("<I", token) for token in ids)).hexdigest()
        written.append({"user": user, "length": len(ids), "sha256": digest})
        prompts.append(ids)
    return written, prompts


def ends(tokenizer, model):
    """The line break and the checkpoint's own end token; the former so that beams do end."""
    (line_break,) = tokenizer("\n", add_special_tokens=False)["input_ids"]
    return [line_break, model.generation_config.eos_token_id]


def beauty(model_folder, data):
    tokenizer, model = AutoTokenizer.from_pretrained(model_folder), load(model_folder)
    ranges = [(100, 250)] * 100
    ranges[9::10] = [(251, 500)] * 10
    ranges[49] = (PROMPT_TOKENS + 1, 2000)
    written, prompts = choose(tokenizer, data, ranges)
    output = Output("beam_beauty.json", prompt_tokens=PROMPT_TOKENS, prompts=written)
    numbered = list(enumerate(prompts))
    short = [row for row in numbered if len(row[1]) <= 250]
    long = [row for row in numbered if len(row[1]) > 250]
    both = ends(tokenizer, model)
    share_prompt(model, 5)
    for eos in (both, both[1:]):
        for rows, batch in ((short, 8), (long, 4)):
            for found in cases(model, rows, both[1], batch, 5, 1.0, False, eos, 50):
                output.add(found)


def settings_grid(model_folder, data):
    tokenizer, model = AutoTokenizer.from_pretrained(model_folder), load(model_folder)
    written, prompts = choose(tokenizer, data, [(90, 170)] * 20)
    output = Output("beam_grid.json", prompt_tokens=PROMPT_TOKENS, prompts=written)
    eos = ends(tokenizer, model)
    for setting in grid((1, 2, 10, 20), (False, True)):
        share_prompt(model, setting[0])
        for found in cases(model, list(enumerate(prompts)), eos[1], 5, *setting, eos, 20):
            output.add(found)


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    torch.set_grad_enabled(False)
    match sys.argv[1:]:
        case ["tiny"]:
            tiny()
        case ["beauty", model, data]:
            beauty(model, pathlib.Path(data))
        case ["grid", model, data]:
            settings_grid(model, pathlib.Path(data))
        case _:
            sys.exit(__doc__)


main()
