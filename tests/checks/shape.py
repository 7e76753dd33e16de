# SPDX-License-Identifier: MIT
"""Functions and files stay short enough to be read, and say their licence.

It relies on the layout (.clang-format): a function's braces are alone in the
first column, and nothing else's are.
"""
import check

FILE_LINES_MAX = 600
FUNCTION_LINES_95TH_PERCENTILE = 50


def function_lengths(text):
    """The lines of each function, from its opening brace to its closing."""
    start = None
    for number, line in enumerate(text.splitlines()):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            yield number - start + 1
            start = None


def percentile(numbers, share):
    ordered = sorted(numbers)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def find(root, _bin=None):
    problems, lengths = [], []
    for path in check.sources(root):
        text = (root / path).read_text()
        lines = text.count("\n")
        if lines > FILE_LINES_MAX:
            problems.append(f"{path}: {lines} lines, over {FILE_LINES_MAX}")
        if "SPDX-License-Identifier: MIT" not in text[:200]:
            problems.append(f"{path}: does not begin with its licence")
        lengths += function_lengths(text)
    if not lengths:
        return problems + ["no function found"]
    top = percentile(lengths, 0.95)
    print(f"{len(lengths)} functions, median {percentile(lengths, 0.5)},"
          f" 95th percentile {top}, longest {max(lengths)} lines")
    if top > FUNCTION_LINES_95TH_PERCENTILE:
        problems.append(f"95th percentile of function lengths: {top} lines,"
                        f" over {FUNCTION_LINES_95TH_PERCENTILE}")
    return problems


def source(functions, lines_each):
    body = "    a++;\n" * (lines_each - 2)
    return "/* SPDX-License-Identifier: MIT */\n" + "\n".join(
        f"int f{i}(int a)\n{{\n{body}}}\n" for i in range(functions))


PLANTS = (
    ("short functions", {"proto/a.c": source(10, 20)}, None),
    ("one long function among many",
     {"proto/a.c": source(25, 10), "proto/b.c": source(1, 80)}, None),
    ("long functions", {"proto/a.c": source(10, 51)}, "lengths: 51 lines"),
    ("a long file", {"proto/a.c": source(31, 20)}, "over 600"),
    ("a file without a licence",
     {"proto/a.c": "int f(void)\n{\n}\n"}, "does not begin with its licence"),
    ("an empty tree", {}, "no function found"),
)

if __name__ == "__main__":
    check.main(find, PLANTS)
