"""Writes the small tokenizers ../fixtures/tokenizer*, and tokens.json: what transformers makes of them.

Run as: python3 tokens.py (transformers 5.17.0, tokenizers 0.23.2). The tokenizers are trained on the
titles of the shop in examples/, and are of the three designs that differ most: byte-level BPE as
in Llama 3, BPE with marked spaces and bytes to fall back on as in Llama 2, and words between two
special tokens, whose decoded text is cleaned up.

tokens.json has, by tokenizer: texts with their tokens and the text that comes back; tokens at
random with their text; and prompts (histories and targets as titles) with their tokens whole,
truncated, and with target and EOS.
"""

import ast
import gzip
import json
import pathlib
import random

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent / "fixtures"
SHOP = HERE.parents[3] / "examples" / "shop" / "meta_Shop.json.gz"
SPECIAL = ["<pad>", "<begin>", "<end>"]
# How Llama 3 splits a text before its BPE.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
PROMPT = (
    "Below is a customer's purchase history on Amazon, listed in chronological order "
    "(earliest to latest). \n"
    "Each item is represented by the following format: Title: <item title> \n"
    "Based on this history, predict **only one** item the customer is most likely to purchase "
    "next in the same format.\n"
    "\n"
    "### Purchase history:\n"
    "{}\n"
    "\n"
    "### Next item:\n"
    "{}"
)
TEXTS = [
    "", " ", "a", "Title: Rose Soap", "Title:  Rose\tSoap ,  3.5 oz. !", "Title: Crème brûlée – 香り 🕯️",
    "Title: it 's the maker's , isn't it ?", "two\nlines\n\n\nand more\n", " leading and trailing  ",
    "Title: 1234567 x 89", "special <end> and <begin> in it", "Title: \u00e9 e\u0301 \ufb01", "\u200b\x00\x7f",
    "AT&amp;T &quot;quoted&quot;", "Title:", "<unknown> <pad>",
]


def titles():
    with gzip.open(SHOP, "rt", encoding="utf-8") as lines:
        items = [ast.literal_eval(line) for line in lines]
    return ["Title: " + item["title"] for item in items if item.get("title")]


def byte_level():
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(SPLIT), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=768, special_tokens=SPECIAL, show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )
    tokenizer.train_from_iterator([PROMPT.format("", "")] * 20 + titles(), trainer)
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single="<begin> $A", special_tokens=[("<begin>", 1)]),
    ])
    # Settings that somebody left in the file, and that must not matter.
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=12)
    return tokenizer


def marked_spaces():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([
        decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0),
    ])
    fallback = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=700, special_tokens=["<pad>", "<begin>", "<end>", "<unk>"] + fallback, show_progress=False,
    )
    # Trained by words, since a text without any split would make one token of whole titles.
    words = [word for title in titles() for word in title.split()]
    tokenizer.train_from_iterator(words, trainer)
    # The bytes were special so that they come first; in Llama 2 they are tokens as others are.
    kept = json.loads(tokenizer.to_str())
    kept["added_tokens"] = [token for token in kept["added_tokens"] if token["id"] < 4]
    tokenizer = Tokenizer.from_str(json.dumps(kept))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<begin> $A", special_tokens=[("<begin>", 1)]
    )
    return tokenizer


def words():
    vocabulary = SPECIAL + ["<unk>"]
    for text in TEXTS + titles()[:200]:
        for word, _ in pre_tokenizers.Whitespace().pre_tokenize_str(text):
            if word not in vocabulary:
                vocabulary.append(word)
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(vocabulary)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<begin> $A <end>", special_tokens=[("<begin>", 1), ("<end>", 2)]
    )
    return tokenizer


def write(name, tokenizer, clean_up, eos):
    folder = FIXTURES / name
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<begin>", "eos_token": "<end>",
        "pad_token": "<pad>", "clean_up_tokenization_spaces": clean_up,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    for file, content in eos.items():
        (folder / file).write_text(json.dumps(content, indent=2) + "\n")
    return AutoTokenizer.from_pretrained(folder, truncation_side="left")


def golden(tokenizer, chance, items):
    vocabulary = len(tokenizer)
    texts = TEXTS + chance.sample(items, 20)
    at_random = [[chance.randrange(vocabulary) for _ in range(length)] for length in (0, 1, 5, 40)]
    prompts = []
    for length in (0, 1, 2, 12, 60):
        history, target = chance.choices(items, k=length), chance.choice(items)
        prompt = PROMPT.format("\n".join(history), "")
        training = PROMPT.format("\n".join(history), target) + tokenizer.eos_token
        left = lambda text, most: tokenizer(text, truncation=True, max_length=most).input_ids
        prompts.append({
            "history": history, "target": target, "whole": tokenizer(prompt).input_ids,
            "left_200": left(prompt, 200), "left_10": left(prompt, 10), "training_200": left(training, 200),
        })
    encode = lambda text: tokenizer(text).input_ids
    decode = lambda ids: tokenizer.decode(ids, skip_special_tokens=True)
    return {
        "texts": [{"text": t, "tokens": encode(t), "decoded": decode(encode(t))} for t in texts],
        "random": [{"tokens": ids, "decoded": decode(ids)} for ids in at_random],
        "prompts": prompts,
    }


def main():
    tokenizers = {
        "tokenizer": write("tokenizer", byte_level(), True, {
            "config.json": {"eos_token_id": 0, "vocab_size": 800},
            "generation_config.json": {"eos_token_id": [0, 2]},
        }),
        "tokenizer-marked-spaces": write("tokenizer-marked-spaces", marked_spaces(), False, {
            "config.json": {"eos_token_id": 2, "vocab_size": 700},
        }),
        "tokenizer-words": write("tokenizer-words", words(), True, {}),
    }
    items = titles()
    chance = random.Random(3407)
    result = {name: golden(tokenizer, chance, items) for name, tokenizer in tokenizers.items()}
    (HERE / "tokens.json").write_text(json.dumps(result, ensure_ascii=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
