#!/usr/bin/env python3
"""A stand-in for Bitwarden's `bw` 2026.x: the commands rotakey uses, with their output, errors and exit codes.

The server's vault is `server.json` beside the name it is called by, and the copy on disk `copy.json`; every call is
noted in `calls.jsonl`. `trouble.json` lists what goes wrong with the next edits, one after another: "meanwhile"
(somebody else changes the item first), "late" (changed, and then a failure), "ignored" (success, and nothing changed),
"forbidden", "hang".
"""
import base64
import json
import os
import sys
import time

here = os.path.dirname(os.path.abspath(sys.argv[0]))
given = sys.stdin.read()


def path(name):
    return os.path.join(here, name)


def load(name, default):
    try:
        with open(path(name)) as file:
            return json.load(file)
    except FileNotFoundError:
        return default


def save(name, value):
    with open(path(name), "w") as file:
        json.dump(value, file)


def respond(response, code):
    if "--response" in sys.argv:
        print(json.dumps(response))
    elif code:
        sys.stderr.write(response["message"] + "\n")
    else:
        print(json.dumps(response["data"]))
    sys.exit(code)


def fail(text):
    respond({"success": False, "message": text}, 1)


def succeed(data):
    respond({"success": True, "data": data}, 0)


with open(path("calls.jsonl"), "a") as file:
    file.write(json.dumps({"argv": sys.argv[1:], "stdin": given, "env": dict(os.environ)}) + "\n")

server = load("server.json", {})
copy = load("copy.json", {"items": []})
words = [word for word in sys.argv[1:] if word not in ("--nointeraction", "--response")]
if server.get("logged_out"):
    fail("You are not logged in.")
if "--nointeraction" not in sys.argv:
    fail("rotakey never answers a prompt")
if os.environ.get("BW_SESSION") != server["session"]:
    fail("Vault is locked.")
if server.get("hangs"):
    time.sleep(30)

if words == ["sync"]:
    if server.get("unreachable"):
        fail("connect ECONNREFUSED 127.0.0.1:443")
    save("copy.json", {"items": server["items"]})
    succeed({"noColor": False, "object": "message", "title": "Syncing complete.", "message": None})

live = [item for item in copy["items"] if not item.get("deletedDate")]
if words[:2] == ["list", "items"]:
    text = words[2].removeprefix("--search=").lower()
    fit = [item for item in live if text in item["name"].lower() or text in (item["notes"] or "").lower()]
    succeed({"object": "list", "data": fit})

if words[:2] == ["get", "item"]:
    fit = [item for item in copy["items"] if item["id"] == words[2].lower()] or [
        item for item in live if words[2].lower() in item["name"].lower()
    ]
    if not fit:
        fail("Not found.")
    if len(fit) > 1:
        ids = "\n".join(item["id"] for item in fit)
        fail("More than one result was found. Try getting a specific object by `id` instead. "
             f"The following objects were found:\n{ids}")
    succeed(fit[0])

if words[:2] != ["edit", "item"]:
    fail(f"Invalid command: {words}")
if not given:
    fail("`requestJson` was not provided.")
try:
    new = json.loads(base64.b64decode(given, validate=True))
except ValueError:
    fail("Error parsing the encoded request data.")
trouble = load("trouble.json", [])
now = trouble.pop(0) if trouble else ""
save("trouble.json", trouble)
if not any(item["id"] == words[2] for item in copy["items"]):
    fail("Not found.")
if now == "forbidden":
    fail("You do not have permission to edit this.")
if now == "hang":
    time.sleep(30)
(item,) = [item for item in server["items"] if item["id"] == words[2]]
if now == "meanwhile":
    item["notes"] = "written meanwhile"
    item["revisionDate"] = "2026-03-01T11:59:59.000Z"
    save("server.json", server)
if item["revisionDate"] != new["revisionDate"]:
    fail("The client copy of this cipher is out of date. Resync the client and try again.")
if now != "ignored":
    old, login = item.get("login") or {}, new.get("login") or {}
    history = list(new.get("passwordHistory") or [])
    if old.get("password") and old["password"] != login.get("password"):
        history.insert(0, {"lastUsedDate": "2026-03-01T12:00:00.000Z", "password": old["password"]})
    item.clear()
    item.update(new)
    item["passwordHistory"] = history[:5]
    item["revisionDate"] = "2026-03-01T12:00:05.000Z"
    save("server.json", server)
if now == "late":
    fail(f"socket hang up while sending {given}")
succeed(item)
