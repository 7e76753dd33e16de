# SPDX-License-Identifier: MIT
"""The tables of vectors.json that fit any client, as scenarios."""
import json
from pathlib import Path

from units import spell, spell_channel

VECTORS = Path(__file__).resolve().parent / "vectors.json"


def subscribing(pattern, answer=""):
    """A tag and a rid may be used again as soon as they were answered."""
    return [f"> sub {pattern} tag=1", f"C SUB {pattern} rid=$sub",
            f"S OK rid=$sub{answer}", "< ok tag=1", "forget $sub"]


def unsubscribing(pattern):
    return [f"> unsub {pattern} tag=2", f"C UNSUB {pattern} rid=$unsub",
            "S OK rid=$unsub", "< ok tag=2", "forget $unsub"]


def match_row(row):
    """The broker sends a message to a channel that need not match: the client
    must dispatch it to the subscription if it does, else drop it."""
    pattern = row["pattern"]
    if "error" in row:
        return [f"> sub {pattern} tag=1", f"refuse {row['error']} tag=1"]
    channel = spell_channel(bytes.fromhex(row["channel_hex"]))
    event = [f"< msg {pattern} {channel} 5"] if row["match"] else []
    answer = "" if "*" in pattern else " seq=4"
    return [*subscribing(pattern, answer), f"S MSG {channel} 5", *event,
            "silent", *unsubscribing(pattern)]


def escape_row(row):
    """The order spells every octet; the unit must mean the same."""
    octets = bytes.fromhex(row["raw_hex"])
    spelled = "".join(f"%{octet:02X}" for octet in octets)
    return [f"> pub {spelled} body={spell(octets)}",
            f"C PUB {row['argument']} | {spell(octets)}"]


def gap_row(row):
    last = row["units"][-1]["head"].split(" ")
    seq = last[3] if last[0] == "GAP" else last[2]
    return [*subscribing("/t", f" seq={row['sub_seq']}"),
            *(f"S {unit['head']}" for unit in row["units"]),
            f"count {row['delivered']} delivered, {row['lost']} lost, "
            + ("right" if row["consistent"] else "wrong"),
            "> unsub /t tag=2", "C UNSUB /t rid=$unsub",
            f"S OK rid=$unsub seq={seq}", "< ok tag=2", "forget $unsub"]


def scenario(name, steps):
    return "\n".join([f"[{name}]", "open", "< open", *steps, ""])


def scenarios():
    """Their text."""
    vectors = json.loads(VECTORS.read_text())
    matching = [line for row in vectors["match"] for line in match_row(row)]
    escaping = [line for row in vectors["escape"] for line in escape_row(row)]
    return "\n" + "\n".join(
        [scenario("table: match", matching),
         scenario("table: escape", escaping),
         *(scenario(f"table: gap, {row['name']}", gap_row(row))
           for row in vectors["gap"])])
