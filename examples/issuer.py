#!/usr/bin/env python3
"""An issuer of one's own for `kind: command`: it keeps keys in a JSON file.

issuer:
  kind: command
  run: [python3, examples/issuer.py]
  overlap: many
  find: true
  last_used: true
  settings: { store: /var/lib/partner/keys.json }

The question comes on standard input, the answer goes to standard output. Exit codes: 0 done, 64 to 78 nothing was
done (75: try again later), anything else: nobody knows. The protocol stands in src/issuers/command/mod.rs.
"""
import datetime, fcntl, json, os, secrets, sys

question = json.load(sys.stdin)
store = question["settings"]["store"]
lock = open(store + ".lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)
keys = json.load(open(store)) if os.path.exists(store) else {}


def save():
    with open(os.open(store + ".new", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as new:
        json.dump(keys, new)
        new.flush()
        os.fsync(new.fileno())
    os.rename(store + ".new", store)


def answer(operation):
    if operation == "check":
        writable = os.access(os.path.dirname(store) or ".", os.W_OK)
        return {"findings": [{"what": "write the key store", "ok": writable, "detail": ""}]}
    if operation == "issue":
        key_id, value = "key_" + secrets.token_hex(8), secrets.token_urlsafe(32)
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        keys[key_id] = {"value": value, "tag": question["tag"], "created_at": now, "last_used": None}
        save()
        return {"key": {"id": key_id, "fields": {"value": value}}}
    if operation == "find":
        found = [(i, k) for i, k in keys.items() if k["tag"] == question["tag"]]
        return {"keys": [{"id": i, "created_at": k["created_at"]} for i, k in found]}
    key = question["key"]
    if operation == "verify":
        known = any(k["value"] == key["fields"]["value"] for k in keys.values())
        return {"verdict": "works" if known else "refused"}
    if operation == "revoke":
        if keys.pop(key["id"], None):
            save()
        return {}
    if operation == "last_used":
        return {"at": keys[key["id"]]["last_used"]}
    sys.exit(64)


json.dump(answer(question["operation"]), sys.stdout)
