"""The peer of the benchmark beside this file: T5 of Hugging Face, with the same weights and inputs.

    peer.py REQUEST

REQUEST is the file of JSON that the benchmark writes. Prints a line of JSON for each number of beams, with the users
per second of `generate` free and inside the catalogue (by `prefix_allowed_tokens_fn`) and the best sequences of the
latter, and one with the examples per second of training. Needs torch and transformers; runs on the GPU if there is one.
"""

import json
import sys
import time

import torch
from safetensors.torch import load_file
from transformers import T5Config, T5ForConditionalGeneration

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def wait():
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def model_of(request):
    config = T5Config(
        vocab_size=request["vocabulary"], pad_token_id=0, decoder_start_token_id=0, eos_token_id=None,
        feed_forward_proj="relu", tie_word_embeddings=True, **request["network"])
    model = T5ForConditionalGeneration(config)
    weights = load_file(request["weights"])
    missing, unexpected = model.load_state_dict(weights, strict=False)
    tied = {"encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight"}
    assert set(missing) <= tied and not unexpected, (missing, unexpected)
    model.tie_weights()
    return model.to(DEVICE)


def trie_of(items):
    root = {}
    for tokens in items:
        node = root
        for token in tokens:
            node = node.setdefault(token, {})
    return root


def padded(rows):
    longest = max(map(len, rows))
    tokens = torch.tensor([row + [0] * (longest - len(row)) for row in rows], device=DEVICE)
    return tokens, (tokens != 0).long()


def generate(model, request, beams, root):
    levels = len(request["items"][0])

    def allowed(_, written):
        node = root
        for token in written[1:].tolist():
            node = node.get(token, {})
        return list(node) or [0]

    def run(users, prefix):
        begun, texts = time.perf_counter(), []
        for start in range(0, len(users), request["batch"]):
            tokens, mask = padded(users[start:start + request["batch"]])
            with torch.no_grad():
                found = model.generate(
                    input_ids=tokens, attention_mask=mask, num_beams=beams, num_return_sequences=beams,
                    max_new_tokens=levels, length_penalty=0.0, do_sample=False, prefix_allowed_tokens_fn=prefix)
            texts.append(found.view(-1, beams, levels + 1)[:, :, 1:].cpu())
        wait()
        return len(users) / (time.perf_counter() - begun), torch.cat(texts)

    users = request["users"][:request["peer_users"]]
    run(users[:request["batch"]], None)
    free, _ = run(users, None)
    inside, best = run(users, allowed)
    return {"beams": beams, "free": free, "inside": inside, "best": best[:, :10].tolist()}


def train(model, request):
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01)
    batches = request["training"]

    def step(batch):
        tokens, mask = padded([inputs for inputs, _ in batch])
        labels = torch.tensor([target for _, target in batch], device=DEVICE)
        model(input_ids=tokens, attention_mask=mask, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    step(batches[0])
    wait()
    begun = time.perf_counter()
    for batch in batches[1:]:
        step(batch)
    wait()
    return {"examples": sum(map(len, batches[1:])) / (time.perf_counter() - begun)}


def main():
    with open(sys.argv[1]) as file:
        request = json.load(file)
    if request["threads"]:
        torch.set_num_threads(request["threads"])
    model = model_of(request).eval()
    root = trie_of(request["items"])
    for beams in request["beams"]:
        print(json.dumps(generate(model, request, beams, root)), flush=True)
    print(json.dumps(train(model, request)), flush=True)


main()
