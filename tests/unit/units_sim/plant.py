# SPDX-License-Identifier: MIT
"""Plants a fault, which a simulation has to find: plant.py WHICH ROOT OUT

Writes a copy of the row's source file with one change. The text to be changed
must be there exactly once: where code has moved on, its row has to follow.
"""
import sys
from pathlib import Path

PLANTS = {
    "gap": ("broker/session/units/unit_render.c",
            "    at = put_number(at, last);\n",
            "    at = put_number(at, last + 1);\n"),
    "ack": ("broker/core/queue_work.c",
            "        messages = h->slice.messages;\n"
            "        queue_finish(ch, h);\n",
            "        messages = h->slice.messages;\n"),
    "credit": ("broker/core/queue_work.c",
               "        queue_put_back(ch, h);\n    feed_after(w, 1);\n",
               "        queue_put_back(ch, h);\n    (void)w;\n"),
    "unsubscribed": ("broker/session/units/verb_subscribe.c",
                     "    if (!waits)\n        return verdict_of("
                     "answer_ok_number(s, u->head.rid, number));\n",
                     "    if (number > 0)\n        return verdict_of("
                     "answer_ok_number(s, u->head.rid, number));\n"),
    "overtaken": ("broker/session/units/routed.c",
                  "    return (!u->parked && channel_must_wait(ch)) ||\n",
                  "    return (!u->parked && u->body_length > 30 && "
                  "channel_must_wait(ch)) ||\n"),
}


def plant(which, root, out):
    name, old, new = PLANTS[which]
    text = (Path(root) / name).read_text(encoding="utf-8")
    if text.count(old) != 1:
        sys.exit(f"plant.py: {name} does not have the text of '{which}' once")
    Path(out).write_text(text.replace(old, new), encoding="utf-8")


if __name__ == "__main__":
    plant(*sys.argv[1:])
