# SPDX-License-Identifier: MIT
"""Every header that a file includes is used there: the file names something
that this header itself declares, or a member of a struct that it defines."""
import functools
import os
import re
import subprocess

import check
import declared

# Headers that others want before them (cmocka.h says so itself), and what
# POSIX has in a header that glibc has in another one.
WANTED_BY = {"cmocka.h": ("setjmp.h", "stdarg.h", "stddef.h", "stdint.h")}
ALSO = {"arpa/inet.h": {"htonl", "htons", "ntohl", "ntohs"}}
# Headers of ours that are there to pass another one on.
PASSES_ON = {"tests/unit/unit.h": "cmocka.h"}
# A header of ours that users include in place of its parts.
PARTS = {"client/sluice.h": ("client/sluice_base.h", "client/sluice_units.h")}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"].*$', re.M)
STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')
NAME = re.compile(r"[A-Za-z_]\w*")
MEMBER = re.compile(r"(?:\.|->)\s*([A-Za-z_]\w*)")
MARKER = re.compile(r'# \d+ "([^"]*)"((?: \d)*)')
# Folders whose headers are parts of others, and not to be included as such.
INNER = re.compile(r"/(bits|asm|asm-generic|gnu|linux)/")


def own_lines(preprocessed, header):
    """The lines that come from a header or its inner parts, not from other
    headers that it includes."""
    stack, lines = [False], []
    for line in preprocessed.splitlines():
        marker = MARKER.match(line)
        if not marker:
            if stack[-1]:
                lines.append(line)
            continue
        path, flags = marker.group(1), marker.group(2).split()
        if "1" in flags:
            stack.append(path.endswith("/" + header)
                         or stack[-1] and INNER.search(path) is not None)
        elif "2" in flags and len(stack) > 1:
            stack.pop()
    return "\n".join(lines)


@functools.cache
def declared_by_system(header):
    """None when the compiler does not find it."""
    done = subprocess.run(
        [os.environ.get("CC", "cc"), "-E", "-dD", "-D_GNU_SOURCE", "-x", "c",
         "-"], input=f"#include <{header}>\n", capture_output=True, text=True)
    if done.returncode:
        return None
    found = declared.declared_by(own_lines(done.stdout, header))
    found.names.update(ALSO.get(header, ()))
    return found


class Tree:
    """The files of a tree, and what their headers declare."""

    def __init__(self, root):
        self.root = root
        self.headers = {}

    def text(self, path):
        return check.without_comments((self.root / path).read_text())

    def declared_by(self, kind, header):
        if kind == "<":
            return declared_by_system(header)
        if header not in self.headers:
            exists = (self.root / header).is_file()
            self.headers[header] = self.read(header) if exists else None
        return self.headers[header]

    def read(self, header):
        found = declared.declared_by(self.text(header))
        if header in PASSES_ON:
            found.names.update(declared_by_system(PASSES_ON[header]).names)
        for part in PARTS.get(header, ()):
            inner = self.declared_by('"', part)
            if inner:
                found.names.update(inner.names)
                found.members.update(inner.members)
        return found


def is_used(found, names, members):
    return (not found.names.isdisjoint(names)
            or not found.members.isdisjoint(members)
            or any(name.startswith(tuple(found.prefixes)) for name in names))


def is_beyond_judgement(path, header, included):
    """Its own header, one that it passes on, one that another wants."""
    return (str(path.with_suffix(".h")) == header
            or PASSES_ON.get(str(path)) == header
            or any(header in before and wanting in included
                   for wanting, before in WANTED_BY.items()))


def problems_of_file(tree, path):
    text = tree.text(path)
    includes = INCLUDE.findall(text)
    rest = STRING.sub('""', INCLUDE.sub("", text))
    names, members = set(NAME.findall(rest)), set(MEMBER.findall(rest))
    included = {header for _, header in includes}
    for kind, header in includes:
        if is_beyond_judgement(path, header, included):
            continue
        found = tree.declared_by(kind, header)
        if found is None or is_used(found, names, members):
            continue
        yield f"{path}: includes {header} and uses nothing of it"


def find(root, _bin=None):
    tree = Tree(root)
    return [problem
            for path in check.sources(root, (*check.PROGRAMS, "tests"))
            for problem in problems_of_file(tree, path)]


HEADER = """/* word, in a comment */
#define A_MAX 9
enum a_kind { A_ONE, A_TWO = 2 };
struct a { int length; struct { char *inner; } part; };
typedef void a_fn(void *arg, int code);
typedef int (*a_other_fn)(int);
struct elsewhere;
extern const char *const a_names[];
static inline int a_twice(int n)
{
    int sum = n + n;
    return sum;
}
int a_open(const char *path,
           int flags);
#define A_ROWS(X) X(one) X(two)
enum a_row {
#define A_ROW(id) ROW_##id,
    A_ROWS(A_ROW)
        ROW_TOTAL
};
"""


def using(code, include='"proto/a.h"'):
    return {"proto/a.h": HEADER, "proto/b.c": f"#include {include}\n{code}\n"}


UNUSED = "proto/b.c: includes"

PLANTS = (
    *((f"{what} is used", using(code), None) for what, code in (
        ("a macro", "int n[A_MAX];"),
        ("a constant", "int n = A_TWO;"),
        ("an enum", "enum a_kind kind;"),
        ("a struct", "struct a *a;"),
        ("a member", "int f(void *p) { return g(p)->length; }"),
        ("an inner member", "int f(void *p) { return *g(p)->part.inner; }"),
        ("a type of functions", "a_fn *f;"),
        ("a type of pointers to functions", "a_other_fn f;"),
        ("a variable", "const char *name(void) { return a_names[0]; }"),
        ("an inline function", "int n(void) { return a_twice(1); }"),
        ("a function", "int n(void) { return a_open(\"\", 0); }"),
        ("a pasted name", "int n = ROW_two;"))),
    *((f"{what} is no use", using(code), UNUSED) for what, code in (
        ("nothing", "int n;"),
        ("a comment", "/* a_open(), struct a */"),
        ("a string", 'const char *s = "a_open";'),
        ("a tag that is only announced", "struct elsewhere *e;"),
        ("the name of a parameter", "int path, arg, code;"),
        ("a local variable of an inline function", "int sum;"),
        ("a member's name without a struct", "int length;"))),
    ("a header of the system that is used",
     using("int f(const char *s) { return errno + (int)strlen(s); }",
           "<errno.h>\n#include <string.h>"), None),
    ("a header of the system that is not",
     using("size_t n;", "<stdio.h>"), "includes stdio.h"),
    ("a type that another header of the system has",
     using("bool is; uint8_t n; ssize_t m;",
           "<stdbool.h>\n#include <stdint.h>\n#include <sys/types.h>"), None),
    ("its own header", {"proto/a.h": HEADER,
                        "proto/a.c": '#include "proto/a.h"\n'}, None),
    ("a header for C++ as well", {
        "proto/a.h": 'extern "C" {\nint a(void);\n}\n',
        "proto/b.c": '#include "proto/a.h"\nint b(void) { return a(); }\n'},
     None),
    ("a function with an attribute before it", {
        "proto/a.h": '__attribute__((visibility("default"))) int a(void);\n',
        "proto/b.c": '#include "proto/a.h"\nint b(void) { return a(); }\n'},
     None),
    ("what cmocka.h wants",
     {"tests/a.c": "#include <setjmp.h>\n#include <cmocka.h>\n"
                   "int f(void) { assert_true(1); }\n"}, None),
)

if __name__ == "__main__":
    check.main(find, PLANTS)
