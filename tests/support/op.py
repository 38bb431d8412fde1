#!/usr/bin/env python3
"""A stand-in for 1Password's `op` 2.x: the commands rotakey uses, with their output, errors and exit codes.

Its vault is `state.json` beside the name it is called by; every call is noted in `calls.jsonl`. `trouble.json` lists
what goes wrong with the next edits, one after another: "conflict" (somebody else changes the notes first; 409), "late"
(changed, and then a failure), "ignored" (success, and nothing changed), "forbidden", "hang".
"""
import json
import os
import sys
import time

here = os.path.dirname(os.path.abspath(sys.argv[0]))
words = [word for word in sys.argv[1:] if not word.startswith("--")]
flags = [word for word in sys.argv[1:] if word.startswith("--")]
given = sys.stdin.read()


def path(name):
    return os.path.join(here, name)


def fail(text):
    sys.stderr.write(f"[ERROR] 2026/03/01 12:00:00 {text}\n")
    sys.exit(1)


def answer(value):
    print(json.dumps(value, indent=2))


def load(name, default):
    try:
        with open(path(name)) as file:
            return json.load(file)
    except FileNotFoundError:
        return default


def save(name, value):
    with open(path(name), "w") as file:
        json.dump(value, file)


with open(path("calls.jsonl"), "a") as file:
    file.write(json.dumps({"argv": sys.argv[1:], "stdin": given, "env": dict(os.environ)}) + "\n")

if "--format=json" not in flags:
    fail("rotakey reads JSON")
state = load("state.json", {})
wanted = state.get("token")
if state.get("signed_out") or (wanted and os.environ.get("OP_SERVICE_ACCOUNT_TOKEN") != wanted):
    fail("account is not signed in")
if state.get("hangs"):
    time.sleep(30)

# `--vault V` is two words, and V is what is left of it.
if words == ["vault", "list"]:
    answer(state["vaults"])
    sys.exit(0)

vault = words.pop()
items = [item for item in state["items"] if vault in (item["vault"]["id"], item["vault"]["name"])]
if words == ["item", "list"]:
    keys = ["id", "title", "version", "vault", "category", "created_at", "updated_at"]
    answer([{key: item[key] for key in keys if key in item} for item in items if "state" not in item])
    sys.exit(0)

name = words.pop()
fit = [item for item in items if item["id"] == name] or [
    item for item in items if item["title"].lower() == name.lower()
]
if not fit:
    fail(f"\"{name}\" isn't an item in the \"{vault}\" vault. Specify the item with its UUID, name, or domain.")
if len(fit) > 1:
    fail(f'More than one item matches "{name}". Try again and specify the item by its ID:')
item = fit[0]
if words == ["item", "get"]:
    answer(item)
    sys.exit(0)

if words != ["item", "edit"]:
    fail(f"unknown command {words}")
trouble = load("trouble.json", [])
now = trouble.pop(0) if trouble else ""
save("trouble.json", trouble)
try:
    new = json.loads(given)
except ValueError:
    fail("invalid JSON in piped input")
if now == "conflict":
    item["version"] += 1
    item["fields"][0]["value"] += ", and others"
    save("state.json", state)
    fail('"PATCH https://b5n.1password.com/api/v2/vault": (409) (Conflict), The item was changed.')
if now == "forbidden":
    fail("(403) (Forbidden), You do not have permission to perform this action.")
if now == "hang":
    time.sleep(30)
if now != "ignored":
    for key in ["title", "fields", "sections", "tags", "urls"]:
        if key in new:
            item[key] = new[key]
    item["version"] += 1
    item["updated_at"] = "2026-03-01T12:00:05Z"
    save("state.json", state)
if now == "late":
    fail(f"connection reset while sending {given}")
answer(item)
