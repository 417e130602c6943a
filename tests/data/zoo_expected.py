#!/usr/bin/env python3
"""Writes the first images of a zoo model's evaluation data as ../shared/tools/score.py preprocesses them.

    python zoo_expected.py SHARED MODEL COUNT OUT.npz        one array per image, named by its path under the data folder
"""
import importlib.util, json, pathlib, sys
import numpy as np

shared, model, count, out = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
spec = importlib.util.spec_from_file_location("score", shared / "tools" / "score.py")
score = importlib.util.module_from_spec(spec)
spec.loader.exec_module(score)
folder = shared / "zoo" / "models" / model
config = json.loads((folder / "preprocessor_config.json").read_text())
data = shared / "zoo" / json.loads((folder / "task.json").read_text())["eval"]
files = sorted(p for p in data.rglob("*") if p.suffix.lower() in score.IMAGES)
step = max(1, len(files) // count)
last = config.get("data_format") == "channels_last"
np.savez(out, **{str(p.relative_to(data)): score.preprocess(p, config, last) for p in files[::step][:count]})
