# SPDX-License-Identifier: MIT
"""Functions and files are short enough to be read, each .c file of the broker
has a header of its own, and every file states its licence.

It relies on the layout (.clang-format): a function's braces are alone in the
first column, and nothing else's are.
"""
import check

FILE_LINES_MAX = 500
TEST_FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 80
FUNCTION_LINES_95TH_PERCENTILE = 50
WITHOUT_HEADER = ("broker/main.c",)


def functions(text):
    """(line, length) of each function, from its opening brace to its closing
    one."""
    start = None
    for number, line in enumerate(text.splitlines(), 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            yield start, number - start + 1
            start = None


def percentile(numbers, share):
    ordered = sorted(numbers)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def problems_of_file(root, path, text):
    lines = text.count("\n")
    limit = (TEST_FILE_LINES_MAX if path.parts[0] == "tests"
             else FILE_LINES_MAX)
    if lines > limit:
        yield f"{path}: {lines} lines, over {limit}"
    if "SPDX-License-Identifier: MIT" not in text[:200]:
        yield f"{path}: does not begin with its licence"
    for line, length in functions(text):
        if length > FUNCTION_LINES_MAX:
            yield (f"{path}:{line}: a function of {length} lines,"
                   f" over {FUNCTION_LINES_MAX}")
    if (path.parts[0] == "broker" and path.suffix == ".c"
            and str(path) not in WITHOUT_HEADER
            and not (root / path).with_suffix(".h").is_file()):
        yield f"{path}: has no header of its own"


def find(root, _bin=None):
    problems, lengths = [], []
    for path in check.sources(root, check.PROGRAMS):
        text = (root / path).read_text()
        problems += problems_of_file(root, path, text)
        lengths += [length for _, length in functions(text)]
    for path in check.sources(root, ("tests",), (".c", ".h", ".py")):
        problems += problems_of_file(root, path, (root / path).read_text())
    if not lengths:
        return problems + ["no function found"]
    top = percentile(lengths, 0.95)
    print(f"{len(lengths)} functions, median {percentile(lengths, 0.5)},"
          f" 95th percentile {top}, longest {max(lengths)} lines")
    if top > FUNCTION_LINES_95TH_PERCENTILE:
        problems.append(f"95th percentile of function lengths: {top} lines,"
                        f" over {FUNCTION_LINES_95TH_PERCENTILE}")
    return problems


def source(count, lines_each):
    body = "    a++;\n" * (lines_each - 2)
    return "/* SPDX-License-Identifier: MIT */\n" + "\n".join(
        f"int f{i}(int a)\n{{\n{body}}}\n" for i in range(count))


SHORT = source(25, 10)

PLANTS = (
    ("short functions", {"proto/a.c": source(10, 20)}, None),
    ("one longer function among many",
     {"proto/a.c": SHORT, "proto/b.c": source(1, 80)}, None),
    ("one function that is too long",
     {"proto/a.c": SHORT, "proto/b.c": source(1, 81)},
     "proto/b.c:3: a function of 81 lines"),
    ("one that is too long in a test",
     {"proto/a.c": SHORT, "tests/b.c": source(1, 81)},
     "tests/b.c:3: a function of 81 lines"),
    ("many long functions", {"proto/a.c": source(9, 51)},
     "lengths: 51 lines"),
    ("a long file", {"proto/a.c": source(24, 20)}, "over 500"),
    ("a test of that length", {"proto/a.c": SHORT, "tests/a.c": source(24, 20)},
     None),
    ("a long test", {"proto/a.c": SHORT, "tests/a.c": source(28, 20)},
     "over 600"),
    ("a file without a licence",
     {"proto/a.c": "int f(void)\n{\n}\n"}, "does not begin with its licence"),
    ("a part of the broker without a header", {"broker/core/a.c": SHORT},
     "broker/core/a.c: has no header of its own"),
    ("a part of the broker with its header",
     {"broker/core/a.c": SHORT, "broker/core/a.h": source(1, 2)}, None),
    ("main needs no header", {"broker/main.c": SHORT}, None),
    ("an empty tree", {}, "no function found"),
)

if __name__ == "__main__":
    check.main(find, PLANTS)
