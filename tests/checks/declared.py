# SPDX-License-Identifier: MIT
"""What a C header declares, found by reading it as tokens: not a parser, but
enough for code that is laid out like ours and for the system's headers."""
import re
import typing

TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
                   r"|[A-Za-z_]\w*|\d[\w.]*|->|##|\S")
DIRECTIVE = re.compile(r"^[ \t]*#(?:.*\\\n)*.*$", re.M)
DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.M)
# X macros paste names together: COUNT_##id declares all that begin so.
PASTED = re.compile(r"\b([A-Za-z_]\w*)\s*##")
# Annotations for C++ or for the compiler: no declarations.
NOISE = re.compile(r'extern\s*"C"\s*\{'
                   r"|__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)"
                   r"|__asm__\s*\([^()]*\)|__extension__")


class Declared(typing.NamedTuple):
    names: set  # functions, types, constants, variables, macros
    members: set  # of structs and unions
    prefixes: set  # of names that a macro pastes together

    @classmethod
    def nothing(cls):
        return cls(set(), set(), set())


def is_name(token):
    return token[0].isalpha() or token[0] == "_"


def matching(tokens, start):
    """Where the bracket that opens at `start` is closed."""
    depth = 0
    for i in range(start, len(tokens)):
        depth += tokens[i] in "([{"
        depth -= tokens[i] in ")]}"
        if depth == 0:
            return i
    return len(tokens) - 1


def statements(tokens):
    """The top level's declarations: lists of tokens without their end."""
    begin = i = 0
    while i < len(tokens):
        if tokens[i] in "({[":
            end = matching(tokens, i)
            is_body = tokens[i] == "{" and tokens[i - 1] == ")"
            i = end
            if is_body:
                yield tokens[begin:i + 1]
                begin = i + 1
        elif tokens[i] == ";":
            yield tokens[begin:i]
            begin = i + 1
        i += 1


def declarator(tokens):
    """The name that a declaration without braces introduces."""
    for i, token in enumerate(tokens):
        if token == "(" and tokens[i + 1:i + 2] == ["*"]:
            return next((t for t in tokens[i:] if is_name(t)), None)
        if token == "(" and i > 0 and is_name(tokens[i - 1]):
            if tokens[0] == "typedef" and tokens[i + 2:i + 3] == [")"]:
                return tokens[i + 1]
            return tokens[i - 1]
        if token in ("[", "="):
            return tokens[i - 1]
    names = [token for token in tokens if is_name(token)]
    return names[-1] if names else None


def take_enum(group, found):
    before = "{"
    for token in group:
        if before in "{," and is_name(token):
            found.names.add(token)
        before = token


def take_members(group, found):
    """Names in front of what ends a declarator, nested structs included."""
    for token, after in zip(group, group[1:]):
        if is_name(token) and after in (";", ",", "[", ":", ")"):
            found.members.add(token)
    for i, token in enumerate(group):
        if token == "enum":
            take_braces(group[i:], found)


def take_braces(tokens, found):
    """The first brace of a declaration, if it is a type's; where it ends."""
    if "{" not in tokens:
        return 0
    start = tokens.index("{")
    end = matching(tokens, start)
    kind = [t for t in tokens[:start] if t in ("enum", "struct", "union")]
    if kind:
        if start > 0 and is_name(tokens[start - 1]):
            found.names.add(tokens[start - 1])
        take = take_enum if kind[-1] == "enum" else take_members
        take(tokens[start + 1:end], found)
    return end


def take_statement(tokens, found):
    if not tokens:
        return
    if "{" in tokens and tokens[tokens.index("{") - 1] != ")":
        rest = tokens[take_braces(tokens, found) + 1:]
        found.names.update(token for token in rest if is_name(token))
        return
    is_forward = tokens[0] in ("struct", "union", "enum") and len(tokens) == 2
    name = None if is_forward else declarator(tokens)
    if name:
        found.names.add(name)


def declared_by(text):
    """What C text without comments declares itself."""
    found = Declared.nothing()
    found.names.update(DEFINE.findall(text))
    found.prefixes.update(PASTED.findall(text))
    tokens = TOKEN.findall(NOISE.sub("", DIRECTIVE.sub("", text)))
    for statement in statements(tokens):
        take_statement(statement, found)
    return found
