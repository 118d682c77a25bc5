"""Training of SASRec beside RecBole 1.2 on the same machine, in one go.

    python3 plugins/sequential/benches/peer.py --data FOLDER [--gloss FILE] [--device cpu] [--steps 60]

FOLDER has the reviews of Amazon 2014; python3 has RecBole 1.2.1 with PyTorch. Both train the same shape
(RecBole's defaults: two layers of width 64 with two heads, 50 items, batches of 256) with cross-entropy over
all items on the training part of the leave-one-out split. RecBole makes a sequence of every prefix and predicts
one item of it; gloss predicts every item of a user's sequence at once. So the table has sequences/s, of which
gloss's have several predictions each, predictions/s, and the seconds that an epoch (every prediction once) takes.
The sides take turns; the median step of each side's turns counts, the first ten steps of a turn left out.
"""

import argparse
import gzip
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

EXPERIMENT = """
metrics = ["recall@10"]
generator = "sasrec"
retriever = "none"

[dataset]
type = "amazon"
category = CATEGORY
folder = DATA

[generator]
type = "sasrec"
settings = "original"
device = DEVICE
max_length = 50
hidden_size = 64
num_hidden_layers = 2
num_attention_heads = 2
intermediate_size = 256

[generator.training]
loss = "cross-entropy"
per_device_train_batch_size = 256
max_steps = STEPS
metric_for_best_model = "last"
eval_steps = 1000000
"""
WARM_UP = 10


def gloss_turn(arguments, folder, turn):
    """The seconds of each step, and the sequences and predictions of it."""
    text = EXPERIMENT
    values = {"CATEGORY": arguments.category, "DATA": str(arguments.data), "DEVICE": arguments.device}
    for name, value in values.items():
        text = text.replace(name, json.dumps(value))
    text = text.replace("STEPS", str(arguments.steps)).replace('generator = "sasrec"\nretriever', "retriever", 1)
    (folder / "e.toml").write_text(text)
    command = [arguments.gloss, "train", "e.toml", "--output", f"t{turn}", "--cache", f"cache{turn}", "--quiet"]
    subprocess.run(command, cwd=folder, check=True)
    lines = (folder / f"t{turn}/metrics.jsonl").read_text().splitlines()
    steps = [line for line in map(json.loads, lines) if "tokens_per_second" in line]
    tokens = [0] + [line["tokens"] for line in steps]
    predictions = [after - before for before, after in zip(tokens, tokens[1:])]
    return [(n / line["tokens_per_second"], 256, n) for n, line in zip(predictions, steps)][WARM_UP:]


def write_atomic(arguments, folder):
    """RecBole's file of interactions."""
    path = arguments.data / f"reviews_{arguments.category}_5.json.gz"
    (folder / "data/beauty").mkdir(parents=True)
    with gzip.open(path, "rt") as reviews, open(folder / "data/beauty/beauty.inter", "w") as out:
        out.write("user_id:token\titem_id:token\ttimestamp:float\n")
        for line in reviews:
            review = json.loads(line)
            out.write(f"{review['reviewerID']}\t{review['asin']}\t{review['unixReviewTime']}\n")


class Peer:
    """RecBole's model, data and optimizer; the loop is its trainer's without logging."""

    def __init__(self, arguments, folder):
        import torch
        from recbole.config import Config
        from recbole.data import create_dataset, data_preparation
        from recbole.model.sequential_recommender import SASRec

        write_atomic(arguments, folder)
        settings = {
            "data_path": str(folder / "data"), "USER_ID_FIELD": "user_id", "ITEM_ID_FIELD": "item_id",
            "TIME_FIELD": "timestamp", "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
            "MAX_ITEM_LIST_LENGTH": 50, "n_layers": 2, "n_heads": 2, "hidden_size": 64, "inner_size": 256,
            "loss_type": "CE", "train_neg_sample_args": None, "train_batch_size": 256, "seed": 1,
            "eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "mode": "full", "group_by": "user"},
            "use_gpu": arguments.device != "cpu", "state": "ERROR", "show_progress": False,
        }
        sys.argv = sys.argv[:1]
        config = Config(model="SASRec", dataset="beauty", config_dict=settings)
        dataset = create_dataset(config)
        self.torch, self.device = torch, config["device"]
        self.train = data_preparation(config, dataset)[0]
        self.model = SASRec(config, self.train.dataset).to(self.device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.001)

    def turn(self, count):
        times = []
        self.model.train()
        for number, batch in enumerate(self.train):
            if number == count:
                break
            begin = time.perf_counter()
            batch = batch.to(self.device)
            self.optimizer.zero_grad()
            loss = self.model.calculate_loss(batch)
            loss.backward()
            self.optimizer.step()
            loss.item()
            times.append((time.perf_counter() - begin, len(batch), len(batch)))
        return times[WARM_UP:]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--category", default="Beauty")
    parser.add_argument("--gloss", default="target/release/gloss")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--turns", type=int, default=2)
    arguments = parser.parse_args()
    arguments.data = arguments.data.resolve()
    arguments.gloss = str(pathlib.Path(arguments.gloss).resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        peer = Peer(arguments, folder)
        epoch = len(peer.train.dataset)
        sides = {"gloss": [], "RecBole": []}
        for turn in range(arguments.turns):
            sides["gloss"] += gloss_turn(arguments, folder, turn)
            sides["RecBole"] += peer.turn(arguments.steps)
    rates = {}
    print(f"SASRec on {arguments.category}, {arguments.device}; an epoch has {epoch:,} predictions\n")
    print("| side | sequences/s | predictions/s | seconds an epoch |\n|---|---|---|---|")
    for side, steps in sides.items():
        seconds = statistics.median(step[0] for step in steps)
        sequences, predictions = (statistics.mean(step[at] for step in steps) / seconds for at in (1, 2))
        rates[side] = (sequences, predictions)
        print(f"| {side} | {sequences:,.0f} | {predictions:,.0f} | {epoch / predictions:,.1f} |")
    ratios = [ours / theirs for ours, theirs in zip(rates["gloss"], rates["RecBole"])]
    print(f"| ratio | {ratios[0]:.2f}x | {ratios[1]:.2f}x | |")


if __name__ == "__main__":
    main()
