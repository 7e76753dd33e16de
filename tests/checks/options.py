# SPDX-License-Identifier: MIT
"""The documents and --help name the same commands, options and defaults."""
import re
import subprocess
import sys

import check

# The commands, and whether all their options must be in the documents.
HELPS = (
    (("sluiced", "--help"), True),
    (("sluice", "--help"), False),
    (("sluice", "bench", "--help"), False),
    (("sluice", "cert", "--help"), False),
    (("sluice", "journal", "--help"), False),
    (("sluice", "listen", "--help"), False),
    (("sluice", "ls", "--help"), False),
    (("sluice", "may", "--help"), False),
    (("sluice", "monitor", "--help"), True),
    (("sluice", "passwd", "--help"), False),
    (("sluice", "peek", "--help"), False),
    (("sluice", "purge", "--help"), False),
    (("sluice", "reply", "--help"), False),
    (("sluice", "request", "--help"), False),
    (("sluice", "send", "--help"), False),
    (("sluice", "tap", "--help"), True),
    (("sluice", "top", "--help"), True),
    (("sluice", "work", "--help"), False),
)
# Options of scripts/ and of other people's programs that documents mention.
OTHERS = {"--build", "--cacert", "--cflags", "--command", "--demo", "--dir",
          "--durable", "--endian", "--install", "--libs", "--prefix", "--queue",
          "--quick", "--record", "--rm", "--signal", "--unix-socket",
          "--write"}

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
# In code: a span, a block with fences, or one that is indented.
CODE = re.compile(r"^```[^\n]*\n(.*?)^```$|^    ([^\n]+)$|`([^`\n]+)`",
                  re.M | re.S)
COMMAND = re.compile(r"(?<![\w./-])(?:build/bin/)?sluice ([a-z]+)\b")
COMMAND_ROW = re.compile(r"^  sluice ([a-z]+) ", re.M)
# `--max-frame 16m` in a code span, or | `--max-frame` | `16m` | in a table.
DEFAULT = re.compile(r"`(--[a-z-]+)(?: |` \| `)(\d+[a-z]*|[a-z]+)`")


def help_of(bin_folder, program, *rest):
    done = subprocess.run([bin_folder / program, *rest], text=True,
                          capture_output=True, timeout=20, check=True)
    return done.stdout


def entries(text):
    """What the help says about each option, up to the next option."""
    starts = [match for match in re.finditer(r"^ +(--[a-z-]+)", text, re.M)]
    ends = [match.start() for match in starts[1:]] + [len(text)]
    return {match.group(1): text[match.start():end]
            for match, end in zip(starts, ends)}


def unknown_commands(documents, helps):
    known = {name for text, _ in helps for name in COMMAND_ROW.findall(text)}
    return [f"{name}: there is no sluice {command}"
            for name, text in documents.items()
            for command in sorted({
                command for code in CODE.findall(text)
                for command in COMMAND.findall("".join(code))} - known)]


def compare(documents, helps):
    """documents: name -> text; helps: rows (text, is_complete)."""
    known = OTHERS | {option for text, _ in helps
                      for option in OPTION.findall(text)}
    written = "\n".join(documents.values())
    problems = [f"{name}: nobody knows the option {option}"
                for name, text in documents.items()
                for option in sorted(set(OPTION.findall(text)) - known)]
    problems += unknown_commands(documents, helps)
    for text, is_complete in helps:
        if not is_complete:
            continue
        table = entries(text)
        for option in sorted(set(OPTION.findall(text))):
            if option not in OPTION.findall(written):
                problems.append(f"{option} is in no document")
        problems += [f"{option}: the documents say {value}, the help does not"
                     for option, value in sorted(set(DEFAULT.findall(written)))
                     if option in table
                     and not re.search(rf"\b{value}\b", table[option])]
    return problems


def find(root, bin_folder):
    documents = {str(path): (root / path).read_text()
                 for path in check.documents(root)}
    helps = [(help_of(bin_folder, *command), is_complete)
             for command, is_complete in HELPS]
    return compare(documents, helps)


def find_planted(root):
    return compare({"README.md": (root / "README.md").read_text()},
                   [((root / "help").read_text(), True)])


HELP = "  sluice send    Publish\n  --limit SIZE\n      at most (default: 16m)\n  --help\n"

PLANTS = (
    ("the same", {"README.md": "`--limit 16m` --help", "help": HELP}, None),
    ("an option that is gone",
     {"README.md": "--limit --help --gone", "help": HELP}, "nobody knows"),
    ("an option that nobody wrote about",
     {"README.md": "--help", "help": HELP}, "--limit is in no document"),
    ("commands that are there, and a word that is not one",
     {"README.md": "`sluice send` sluice is --limit --help\n\n    sluice send\n",
      "help": HELP}, None),
    ("a command that is gone", {"README.md": "`a; sluice list x` --limit --help",
                                "help": HELP}, "there is no sluice list"),
    ("another default in a sentence",
     {"README.md": "`--limit 8m` --help", "help": HELP}, "say 8m"),
    ("another default in a table",
     {"README.md": "| `--limit` | `8m` | --help", "help": HELP}, "say 8m"),
)

if __name__ == "__main__":
    check.main(find_planted if "--plants" in sys.argv else find, PLANTS)
