# SPDX-License-Identifier: MIT
"""Long documents begin with a list of what is in them, and each such list is
that of the headings below it, in their order."""
import re

import check

LONG = 200  # lines
BLOCK = re.compile(r"^```.*?^```$", re.M | re.S)
HEADING = re.compile(r"^## +(.+)$", re.M)
ENTRY = re.compile(r"^- \[(.+)\]\(#([^)]+)\)$", re.M)


def anchor(heading):
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def problem_of(text):
    headings = HEADING.findall(BLOCK.sub("", text))
    entries = ENTRY.findall(text[:text.find("\n## ")])
    wanted = [(re.sub(r"`", "", heading), anchor(heading))
              for heading in headings]
    if entries == wanted:
        return None
    if not entries:
        return "is long and has no contents" \
            if len(text.splitlines()) > LONG else None
    lines = "\n".join(f"- [{title}](#{name})" for title, name in wanted)
    return f"its contents should be\n{lines}"


def find(root, _bin=None):
    return [f"{path}: {problem}" for path in check.documents(root)
            if (problem := problem_of((root / path).read_text()))]


def page(contents, length=0):
    return {"docs/a.md": f"# A\n\n{contents}\n\n## One\n\n## `Two` and 3!\n"
            + "text\n" * length}


BOTH = "- [One](#one)\n- [Two and 3!](#two-and-3)"

PLANTS = (
    ("contents as the headings are", page(BOTH, 300), None),
    ("a short document without", page(""), None),
    ("a long document without", page("", 300), "has no contents"),
    ("a heading that is missing", page("- [One](#one)"), "should be"),
    ("a heading that is gone", page(BOTH + "\n- [Three](#three)"),
     "should be"),
    ("another order", page("\n".join(reversed(BOTH.split("\n")))),
     "should be"),
    ("what looks like a heading in code",
     page(BOTH + "\n\n```console\n## no\n```"), None),
)

if __name__ == "__main__":
    check.main(find, PLANTS)
