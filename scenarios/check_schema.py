#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Checks that scenario.schema.json is what the program prints, and that every scenario here satisfies it.

usage: check_schema.py PROGRAM
"""
import json
import pathlib
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("skipped: python3-jsonschema is not installed (ci/setup does)")
    sys.exit(77)

here = pathlib.Path(__file__).resolve().parent
published = (here / "scenario.schema.json").read_text()
printed = subprocess.run([sys.argv[1], "list", "schema"], check=True, capture_output=True, text=True).stdout
if published != printed:
    sys.exit("scenarios/scenario.schema.json is out of date: twinbench list schema > scenarios/scenario.schema.json")
validator = jsonschema.Draft7Validator(json.loads(published))
wrong = 0
files = sorted(path for path in here.rglob("*.json") if not path.name.endswith(".schema.json"))
for path in files:
    for error in validator.iter_errors(json.loads(path.read_text())):
        wrong += 1
        print(f"{path}: /{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}")
print(f"{len(files)} files, {wrong} errors")
sys.exit(1 if wrong else 0)
