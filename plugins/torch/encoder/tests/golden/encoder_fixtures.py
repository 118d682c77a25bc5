"""Writes the tiny random encoders in `fixtures` beside this script, each with the vectors it must give.

Run as: python3 encoder_fixtures.py (torch 2.11.0, transformers 5.17.0, sentence-transformers 6.2.0;
the seeds are fixed).

Every folder is a model as sentence-transformers loads it, plus golden.json: texts, and their
vectors by `SentenceTransformer.encode` in f32 on the CPU, for each way of pooling.

  bert        WordPiece, GELU; the layout that sentence-transformers 6 writes, CLS, not normalised
  bert-old    the same weights inside a BertForMaskedLM with `gamma` and `beta`, in the layout of
              sentence-transformers 2, mean, normalised
  xlm-r       Unigram, GELU by tanh, positions after the padding token, mean, normalised
"""

import json
import pathlib
import shutil

import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer, models
from tokenizers import (
    Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors, trainers)
from tokenizers import models as pieces
from transformers import (
    BertConfig, BertModel, BertTokenizerFast, PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel)

HERE = pathlib.Path(__file__).resolve().parent / "fixtures"
CORPUS = [
    "shampoo for dry hair with argan oil, 250 ml", "Shampoo and conditioner", "red lipstick",
    "a nail polish set of 12 colours", "Crème de jour pour peau sèche", "Гель для душа",
    "moisturising cream for the face, SPF 30", "hair brush", "eye shadow palette",
]
TEXTS = [
    "", " ", "shampoo", "Shampoo ", "SHAMPOO FOR DRY HAIR", "red <pad> lipstick [PAD] cream",
    "Crème de jour", "Гель для душа", "nail polish & \u0000 \u200b oil\t12\n", "💄💅🏽", "中文",
    "hair " * 40, "x" * 120, "shampoo",
]
SIZES = dict(
    hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=3,
    max_position_embeddings=34, type_vocab_size=2, layer_norm_eps=1e-6)


def fill(model, seed):
    """Weights large enough that texts differ much."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            noise = torch.randn(weight.shape, generator=generator)
            if "LayerNorm" in name:
                weight.copy_(noise * 0.3 + (1 if name.endswith("weight") else 0))
            elif name.endswith("bias"):
                weight.copy_(noise * 0.3)
            elif "embeddings" in name:
                weight.copy_(noise)
            else:
                weight.copy_(noise * 1.5 / weight.shape[1] ** 0.5)
    return model.eval()


def wordpiece():
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(pieces.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=160, special_tokens=special))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.decoder = decoders.WordPiece()
    return BertTokenizerFast(tokenizer_object=tokenizer, model_max_length=24)


def unigram():
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer = Tokenizer(pieces.Unigram())
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " "),
        normalizers.Strip(left=True, right=True)])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(
        CORPUS, trainers.UnigramTrainer(vocab_size=120, special_tokens=special, unk_token="<unk>"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    tokenizer.decoder = decoders.Metaspace()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=24, bos_token="<s>", eos_token="</s>",
        cls_token="<s>", sep_token="</s>", pad_token="<pad>", unk_token="<unk>")


def write(name, value):
    path = HERE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def old_layout(name, pooling):
    """What sentence-transformers 2 wrote beside the weights."""
    module = "sentence_transformers.models."
    write(f"{name}/modules.json", [
        {"idx": 0, "name": "0", "path": "", "type": module + "Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": module + "Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": module + "Normalize"}])
    modes = ["cls_token", "mean_tokens", "max_tokens"]
    write(f"{name}/1_Pooling/config.json", {
        "word_embedding_dimension": SIZES["hidden_size"],
        **{f"pooling_mode_{mode}": mode.startswith(pooling) for mode in modes}})
    write(f"{name}/sentence_bert_config.json", {"max_seq_length": 16, "do_lower_case": False})


def golden(name):
    """The vectors of the folder as it is, and with its pooling replaced."""
    model = SentenceTransformer(str(HERE / name), device="cpu")
    own = model[1].pooling_mode
    vectors = {"own": model.encode(TEXTS).tolist()}
    for mode in ["mean", "cls", "max"]:
        model[1].pooling_mode = mode
        vectors[mode] = model.encode(TEXTS).tolist()
    assert vectors[own] == vectors["own"]
    rounded = {mode: [[round(x, 6) for x in row] for row in rows] for mode, rows in vectors.items()}
    (HERE / name / "golden.json").write_text(
        json.dumps({"texts": TEXTS, **rounded}, ensure_ascii=False) + "\n", encoding="utf-8")


def bert():
    tokenizer = wordpiece()
    config = BertConfig(vocab_size=len(tokenizer), pad_token_id=0, **SIZES)
    model = fill(BertModel(config, add_pooling_layer=False), 1)
    folder = HERE / "plain"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    transformer = models.Transformer(str(folder))
    pooling = models.Pooling(SIZES["hidden_size"], pooling_mode="cls")
    SentenceTransformer(modules=[transformer, pooling], device="cpu").save(str(HERE / "bert"), create_model_card=False)
    shutil.rmtree(folder)


def bert_old():
    source, target = HERE / "bert", HERE / "bert-old"
    target.mkdir()
    for name in ["config.json", "tokenizer.json", "tokenizer_config.json"]:
        shutil.copy(source / name, target / name)
    old_layout("bert-old", "mean")
    weights = {f"bert.{name}": weight for name, weight in load_file(source / "model.safetensors").items()}
    renamed = {}
    for name, weight in weights.items():
        name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        renamed[name] = weight
    renamed["cls.predictions.bias"] = torch.zeros(3)
    # The peer is given today's names, so that the vectors are those of the weights themselves.
    save_file(weights, target / "model.safetensors", metadata={"format": "pt"})
    golden("bert-old")
    save_file(renamed, target / "model.safetensors", metadata={"format": "pt"})


def xlm_r():
    tokenizer = unigram()
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer), pad_token_id=1, bos_token_id=0, eos_token_id=2, hidden_act="gelu_new",
        **(SIZES | dict(type_vocab_size=1)))
    model = fill(XLMRobertaModel(config, add_pooling_layer=False), 2)
    model.save_pretrained(HERE / "xlm-r")
    tokenizer.save_pretrained(HERE / "xlm-r")
    old_layout("xlm-r", "mean")


def main():
    shutil.rmtree(HERE, ignore_errors=True)
    HERE.mkdir()
    bert()
    bert_old()
    xlm_r()
    golden("bert")
    golden("xlm-r")


if __name__ == "__main__":
    main()
