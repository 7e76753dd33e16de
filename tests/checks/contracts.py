# SPDX-License-Identifier: MIT
"""Every function of a header has a contract: a comment above it, above the
group of lines it is in, or behind it.

Some need none: x_free and x_fini, whose names are the whole contract, and an
inline function of one statement, which is its own.
"""
import re

import check

# A declaration that begins in the first column, up to its end or its body.
FUNCTION = re.compile(
    r"^(?:static inline )?[A-Za-z_][\w \t*]*[ *](?P<name>[a-z_]\w*)"
    r"\((?:[^;{}]*)\)[^;{}()]*(?:;|\{)", re.M)
# Behind the opening brace.
ONE_STATEMENT = re.compile(r"[^;]*;\s*\}")
SAYS_ALL = re.compile(r"_(free|fini)$")


def commented_lines(text):
    """The numbers of lines that are part of a comment, from 0."""
    found = set()
    for match in re.finditer(r"/\*.*?\*/", text, re.S):
        first = text.count("\n", 0, match.start())
        found.update(range(first, first + match.group().count("\n") + 1))
    return found


def has_contract(lines, commented, first, last):
    """Of the declaration in lines first to last."""
    if any(number in commented for number in range(first, last + 1)):
        return True
    while first > 0 and lines[first - 1].strip():
        first -= 1
        if first in commented:
            return True
    return False


def problems_of_header(path, text):
    lines, commented = text.splitlines(), commented_lines(text)
    bare = check.without_comments(text)
    for match in FUNCTION.finditer(bare):
        first = text.count("\n", 0, match.start())
        last = text.count("\n", 0, match.end())
        name = match.group("name")
        if SAYS_ALL.search(name) or ONE_STATEMENT.match(bare, match.end()):
            continue
        if not has_contract(lines, commented, first, last):
            yield f"{path}:{first + 1}: {name}() has no contract"


def find(root, _bin=None):
    return [problem for path in check.sources(root, ends=(".h",))
            for problem in problems_of_header(path, (root / path).read_text())]


def header(text):
    return {"proto/a.h": "/* SPDX-License-Identifier: MIT\n *\n * a - one.\n"
            " */\n#ifndef A_H\n#define A_H\n\nstruct a;\n\n" + text
            + "\n\n#endif\n"}


PLANTS = (
    ("a comment above", header("/* Goes. */\nint a_go(struct a *a);"), None),
    ("a comment behind", header("int a_go(struct a *a); /* NULL is fine */"),
     None),
    ("a comment above a group",
     header("/* Both of them. */\nint a_go(int one,\n         int two);\n"
            "void a_stop(void);"), None),
    ("what frees", header("void a_free(struct a *a);"), None),
    ("no comment", header("int a_go(struct a *a);"),
     "proto/a.h:10: a_go() has no contract"),
    ("a comment above another one",
     header("/* Goes. */\nint a_go(void);\n\nstruct a *a_stop(int *n);"),
     "proto/a.h:13: a_stop()"),
    ("an inline function of one statement",
     header("static inline int a_go(void)\n{\n    return b(1);\n}"), None),
    ("an inline function of two",
     header("static inline int a_go(void)\n{\n    c();\n    return b(1);\n}"),
     "proto/a.h:10: a_go()"),
)

if __name__ == "__main__":
    check.main(find, PLANTS)
