"""Reads what `gloss log` writes with the trackers' own code, and prints it as JSON.

    pip install wandb==0.31.0 tensorboard
    gloss log RUN --tracker wandb && python3 tests/golden/trackers.py wandb/*/*.wandb
    gloss log RUN --tracker tensorboard && python3 tests/golden/trackers.py runs
"""

import json
import pathlib
import struct
import sys
import zlib

BLOCK, HEAD = 32768, 7


def wandb_records(path):
    from wandb.proto import wandb_internal_pb2

    log = path.read_bytes()
    assert log[:HEAD] == b":W&B" + struct.pack("<HB", 0xBEE1, 0)
    at, parts = HEAD, b""
    while at < len(log):
        left = BLOCK - at % BLOCK
        if left < HEAD:
            at += left
            continue
        checksum, length, kind = struct.unpack("<IHB", log[at : at + HEAD])
        part = log[at + HEAD : at + HEAD + length]
        assert zlib.crc32(part, zlib.crc32(bytes([kind]))) == checksum
        at += HEAD + length
        parts += part
        if kind in (1, 4):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(parts)
            yield record
            parts = b""


def wandb_run(path):
    run = {"config": {}, "summary": {}, "history": {}}
    for number, record in enumerate(wandb_records(path), 1):
        assert record.num == number
        kind = record.WhichOneof("record_type")
        if kind == "run":
            run |= {"id": record.run.run_id, "project": record.run.project, "name": record.run.display_name}
            run["start"] = record.run.start_time.seconds
            run["config"] = {item.key: json.loads(item.value_json) for item in record.run.config.update}
        elif kind == "summary":
            run["summary"] = {item.key: json.loads(item.value_json) for item in record.summary.update}
        elif kind == "history":
            run["history"] = {item.key: json.loads(item.value_json) for item in record.history.item}
        elif kind == "exit":
            run["exit_code"], run["seconds"] = record.exit.exit_code, record.exit.runtime
    return run


def tensorboard_runs(root):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for path in sorted(root.rglob("events.out.tfevents.*")):
        events = EventAccumulator(str(path.parent)).Reload()
        tags = events.Tags()["scalars"]
        yield {"folder": str(path.parent), "scalars": {tag: events.Scalars(tag)[0].value for tag in tags}}


if __name__ == "__main__":
    for name in map(pathlib.Path, sys.argv[1:]):
        for found in [wandb_run(name)] if name.suffix == ".wandb" else tensorboard_runs(name):
            print(json.dumps(found))
