# SPDX-License-Identifier: MIT
"""The documents point at things that exist: links and their anchors, paths
in code spans, and the scripts of command lines."""
import os
import re

import check

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SCRIPT = re.compile(r"\./(scripts/[a-z_]+)")
PATH = re.compile(r"`((?:broker|client|common|proto|tests|scripts|docs|cmake)/"
                  r"[A-Za-z0-9_/.-]*)`")


def anchors(text):
    """The anchors of a document's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ +(.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-")
            for head in heads}


def problem_of_link(root, path, link):
    if re.match(r"[a-z]+:", link):
        return None
    place, _, anchor = link.partition("#")
    target = (root / path).parent / place if place else root / path
    if not target.exists():
        return "no such file"
    if anchor and anchor not in anchors(target.read_text()):
        return "no such heading"
    return None


def find(root, _bin=None):
    problems = []
    for path in check.documents(root):
        text = (root / path).read_text()
        for link in LINK.findall(text):
            problem = problem_of_link(root, path, link)
            if problem:
                problems.append(f"{path}: {link}: {problem}")
        for script in SCRIPT.findall(text):
            if not os.access(root / script, os.X_OK):
                problems.append(f"{path}: {script} cannot be run")
        for name in PATH.findall(text):
            if not (root / name).exists():
                problems.append(f"{path}: {name} does not exist")
    return problems


PLANTS = (
    ("links that resolve",
     {"README.md": "[a](docs/a.md#two-words) [b](https://example.org/) `docs/`",
      "docs/a.md": "# Two words\n[up](../README.md) [here](#two-words)"}, None),
    ("a dead link", {"README.md": "[a](docs/a.md)"}, "no such file"),
    ("a dead anchor", {"README.md": "[a](#b)"}, "no such heading"),
    ("a missing script", {"README.md": "    ./scripts/nothing\n"},
     "scripts/nothing cannot be run"),
    ("a missing path", {"docs/a.md": "see `broker/gone.c`"},
     "broker/gone.c does not exist"),
)

if __name__ == "__main__":
    check.main(find, PLANTS)
