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
    # of durable queues, for keep_simulation_test.c
    "early": ("broker/core/keeper.c",
              "        first = k->late_turn;\n    return first - 1;\n",
              "        first = k->late_turn;\n    return first;\n"),
    "late": ("broker/core/keeper.c",
             "    keeper_set_late(k);\n    if (list_is_empty(&keep->unput))\n",
             "    if (list_is_empty(&keep->unput))\n"),
    "given": ("broker/core/keep.c",
              "    k->durable = end_of(s);\n    k->keeper",
              "    k->durable = end_of(s) + 1;\n    k->keeper"),
    "moved": ("broker/core/keep.c",
              "        if (backlog_at(k->tail, k->put_count)->block->home)\n"
              "            return true;\n",
              ""),
    "unconfirmed": ("broker/core/trail.c",
                    "        trail_consume(t, handed - unconfirmed);\n",
                    "        trail_consume(t, handed);\n"),
    "dropped": ("broker/core/keep.c",
                "           (k->asked_acks == 0 || k->is_abandoned);",
                "           true;"),
    # of receipts from the disk, for durable_simulation_test.c
    "sooner": ("broker/session/units/synced.c",
               "        if (m->turn > core_durable_turn(core) && "
               "!has_failed)\n            break;\n"
               "        synced_settle(m, m->turn > core_durable_turn(core) ?",
               "        if (m->turn > core_durable_turn(core) + 3 && "
               "!has_failed)\n            break;\n"
               "        synced_settle(m, has_failed ?"),
}


def plant(which, root, out):
    name, old, new = PLANTS[which]
    text = (Path(root) / name).read_text(encoding="utf-8")
    if text.count(old) != 1:
        sys.exit(f"plant.py: {name} does not have the text of '{which}' once")
    Path(out).write_text(text.replace(old, new), encoding="utf-8")


if __name__ == "__main__":
    plant(*sys.argv[1:])
