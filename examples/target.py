#!/usr/bin/env python3
"""A target of one's own for `kind: command`: a JSON file of settings, and a program that copies it when it starts.

targets:
  - kind: command
    name: gateway
    run: [python3, examples/target.py]
    settings: { dir: /srv/gateway, variable: RADIUS_SECRET }

The question comes on standard input, the answer goes to standard output. Exit codes: 0 done, 64 to 78 nothing was
done (75: try again later), anything else: nobody knows. The protocol stands in src/targets/command.rs.
"""
import json, os, sys

question = json.load(sys.stdin)
directory, variable = question["settings"]["dir"], question["settings"]["variable"]
stored, running = os.path.join(directory, "stored.json"), os.path.join(directory, "running.json")


def load(path):
    return json.load(open(path)) if os.path.exists(path) else {}


def save(path, values):
    with open(os.open(path + ".new", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as new:
        json.dump(values, new)
        new.flush()
        os.fsync(new.fileno())
    os.rename(path + ".new", path)


def answer(operation):
    values = load(stored)
    if operation == "sites":
        # Only where the variable is already: an update never spreads a secret.
        here = [variable] if variable in values else []
        return {"sites": [{"id": n, "value": values[n], "services": [{"id": "gateway"}]} for n in here]}
    if operation == "write":
        save(stored, values | {question["site"]: question["value"]})
        return {}
    if operation == "activate":
        save(running, values)
        return {}
    if operation == "confirm":
        if load(running).get(variable) == values.get(variable):
            return {"state": "serving"}
        return {"state": "stale", "what": "runs an older value"}
    sys.exit(64)


json.dump(answer(question["operation"]), sys.stdout)
