# SPDX-License-Identifier: MIT
"""No circle of calls between the files of a folder.

A file is a .c with its header. One that calls functions of another, which by
way of others calls its own, cannot be understood without it. A call through a
table of functions does not count: its caller knows only the table.

It relies on the layout (.clang-format): a function's name is in the line, or
behind the line, that begins in the first column, and its brace alone in one.
"""
import re

import check

DEFINED = re.compile(r"^(?![#{}\s]|typedef|enum\b.*\{|extern)"
                     r"[^\n;={}]*?\b(\w+)\((?:[^;{}]*?)\)\n\{", re.M | re.S)
STRINGS = re.compile(r'"(?:\\.|[^"\\\n])*"')


def unit_of(path):
    return str(path.with_suffix(""))


def circles(graph):
    """The strongly connected parts with more than one node (Tarjan)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph.get(node, ())):
            if other not in index:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == index[node]:
            part = stack[stack.index(node):]
            del stack[stack.index(node):]
            if len(part) > 1:
                found.append(sorted(part))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def call_graph(texts):
    """Which units call which: {unit: {unit: names}}."""
    home = {}
    for unit, text in texts.items():
        for name in DEFINED.findall(text):
            if name != "__attribute__":
                home.setdefault(name, set()).add(unit)
    graph = {}
    for unit, text in texts.items():
        for name in set(re.findall(r"\b(\w+)\(", text)):
            homes = home.get(name, ())
            if len(homes) == 1 and unit not in homes:
                (other,) = homes
                graph.setdefault(unit, {}).setdefault(other, set()).add(name)
    return graph


def folders(root):
    """The text of each unit, by folder."""
    found = {}
    for path in check.sources(root):
        text = check.without_comments((root / path).read_text())
        units = found.setdefault(str(path.parent), {})
        units[unit_of(path)] = (units.get(unit_of(path), "")
                                + STRINGS.sub('""', text))
    return found


def describe(part, graph):
    calls = [f"{unit} -> {other} ({', '.join(sorted(names))})"
             for unit in part for other, names in sorted(graph[unit].items())
             if other in part]
    return "circle of calls: " + "; ".join(calls)


def find(root, _bin=None):
    problems = []
    for _folder, texts in sorted(folders(root).items()):
        graph = call_graph(texts)
        problems += [describe(part, graph) for part in circles(graph)]
    return problems


def unit(name, calls=""):
    return {f"broker/core/{name}.h": f"void {name}_do(void);\n",
            f"broker/core/{name}.c": f"void {name}_do(void)\n{{\n    {calls}\n"
                                     "}\n"}


PLANTS = (
    ("calls that point one way",
     unit("a", "b_do();") | unit("b", "c_do();") | unit("c"), None),
    ("a circle of two", unit("a", "b_do();") | unit("b", "a_do();"),
     "broker/core/a -> broker/core/b (b_do)"),
    ("a circle of three",
     unit("a", "b_do();") | unit("b", "c_do();") | unit("c", "a_do();"),
     "broker/core/c -> broker/core/a"),
    ("a call in a header",
     unit("a", "b_do();") | {
         "broker/core/b.h":
             "void a_do(void);\nstatic inline int b_do(void)\n{\n    a_do();\n"
             "}\n"}, "circle of calls"),
    ("a table is no call",
     unit("a", "b_do();") | {
         "broker/core/b.c": "void b_do(void)\n{\n    table->run();\n}\n"
                            "const struct table t = {.run = a_do};\n"}, None),
    ("a comment is no call", unit("a", "b_do();") | unit("b", "/* a_do() */"),
     None),
    ("a file of another folder has names of its own",
     unit("a", "b_do();") | unit("b", "other();")
     | {"client/a.c": "void other(void)\n{\n    b_do();\n}\n"}, None),
)

if __name__ == "__main__":
    check.main(find, PLANTS)
