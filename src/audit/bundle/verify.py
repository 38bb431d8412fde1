#!/usr/bin/env python3
"""Checks this directory without rotakey: python3 verify.py [DIRECTORY]. Needs Python 3.8 and nothing else."""
import csv, hashlib, json, pathlib, sys

here = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
here = here if here.is_dir() else here.parent
manifest = json.loads((here / "manifest.json").read_text("utf-8"))


def fail(why):
    sys.exit(f"NOT OK: {why}")


# 1. The events form one chain, without a gap, from the event before the period to the head.
chain = manifest["events"]
seq, head, hashes = chain["before"], bytes.fromhex(chain["before_hash"]), {}
with open(here / "events.jsonl", encoding="utf-8", newline="\n") as lines:
    for line in lines:
        event = json.loads(line)
        stated = event.pop("hash")
        seq += 1
        if event["seq"] != seq:
            fail(f"event {event['seq']} stands where event {seq} belongs")
        text = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        link = b"rotakey-audit-v1\0" + bytes.fromhex(manifest["ledger"]) + seq.to_bytes(8, "big") + head
        head = hashlib.sha256(link + text.encode()).digest()
        if head.hex() != stated:
            fail(f"event {seq} is not the one that was recorded")
        hashes[f"evt_{seq}"] = f"sha256:{stated}"
if (seq, head.hex()) != (chain["last"], chain["head"]):
    fail(f"the events end with {seq}, the manifest with {chain['last']}")

# 2. Every file is the one that was written.
for name, mark in manifest["files"].items():
    digest = hashlib.sha256((here / name).read_bytes()).hexdigest()
    if digest != mark["sha256"]:
        fail(f"{name} was changed")

# 3. Every rotation ends with an event of that chain, and no table lost a row.
for name, mark in manifest["files"].items():
    if name.endswith(".csv"):
        with open(here / name, encoding="utf-8", newline="") as table:
            rows = list(csv.DictReader(table, strict=True))
        if len(rows) != mark["rows"]:
            fail(f"{name} has {len(rows)} rows, the manifest says {mark['rows']}")
        for row in rows if name == "rotations.csv" else []:
            # A rotation that was open when the period began may have its last event before it.
            if hashes.get(row["last_event"], row["last_hash"]) != row["last_hash"]:
                fail(f"{row['rotation']} does not end with {row['last_event']}")

# 4. The population adds up.
p = manifest["population"]
if p["opening"] + p["added"] - p["removed"] != p["closing"] or p["closing"] != manifest["files"]["population.csv"]["rows"]:
    fail("the population does not add up")

print(f"OK: {chain['count']} events, {chain['before'] + 1} to {chain['last']}, head {chain['head']}")
print(f"    population {p['opening']} + {p['added']} - {p['removed']} = {p['closing']}")
print("    Compare the head with one from elsewhere: a notice, a signed tag, a time stamp, the export after this one.")
