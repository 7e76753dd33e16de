# SPDX-License-Identifier: MIT
"""Includes point downwards only, never sideways, never in a circle, and a
foreign header stays in the folders it belongs to."""
import re

import check

# Two stacks of floors, ground first. A file may include its own folder and
# every floor below it in its stack, but no other folder of its own floor. Rows
# without a file yet are where the next parts belong.
BROKER = (
    ("proto", "common", "broker/base"),  # the wire; both stacks; C
    ("users",),  # who there is, and what they may; for both stacks
    ("broker/core", "broker/net", "broker/auth"),  # pure; sockets; permissions
    ("broker/session", "broker/http", "broker/store", "broker/monitor",
     "broker/control", "broker/options"),
    ("broker/session/units",),  # version 2
    ("broker",))  # puts the parts together
CLIENT = (
    ("proto", "common"),
    ("client/lib", "users"),  # libsluice; the users file
    ("client/lib/units",),  # its version 2
    ("client",),  # what commands share
    ("client/sources", "client/bench", "client/journal", "client/listen",
     "client/monitor"),
    ("client/top",),
    ("client/commands",))

# The only include that points upwards: the table of protocols names them all.
DOORS = (("broker/session/session_kind.c",
          "broker/session/units/units_kind.h"),)

# Files that belong to another folder than the one they lie in.
ELSEWHERE = {name: "client/lib" for name in (  # where its users expect them
    "client/sluice.h", "client/sluice_base.h", "client/sluice_units.h")}

# Which folders may include which foreign headers.
FOREIGN = (
    ("histedit.h", ("client",)),
    ("curses.h", ("client/top",)),
    ("openssl/", ("broker/auth", "broker/net", "client/lib",
                  "client/lib/units", "client")),
    ("crypt.h", ("broker/auth", "client")),
    ("event2/", ("broker/net", "broker/monitor", "client/monitor")),
    ("zmq.h", ("broker/monitor", "client/monitor")),
    ("jansson.h", ("broker/monitor", "client/monitor", "client/top")),
)

# Every other header between angle brackets is the C library's or the system's;
# proto needs only what the language itself promises.
STANDARD = set("""assert complex ctype errno fenv float inttypes iso646 limits
    locale math setjmp signal stdalign stdarg stdatomic stdbool stddef stdint
    stdio stdlib stdnoreturn string tgmath threads time uchar wchar
    wctype""".split())
SYSTEM = set("""dirent endian fcntl getopt grp malloc netdb poll pthread pwd
    sched spawn strings sysexits syslog termios unistd""".split())
SYSTEM_FOLDERS = ("sys", "netinet", "arpa", "net", "linux")
SOCKETS = ("sys/socket.h", "sys/un.h", "sys/epoll.h", "netinet/", "arpa/",
           "netdb.h", "poll.h")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def folder_of(name):
    """The folder on a floor that a file belongs to; None when there is none."""
    folder = ELSEWHERE.get(name, name.rpartition("/")[0])
    known = any(folder in floor for stack in (BROKER, CLIENT)
                for floor in stack)
    return folder if known else None


def may_include(folder, other):
    if folder == other:
        return True
    for stack in (BROKER, CLIENT):
        floors = {place: number
                  for number, places in enumerate(stack) for place in places}
        if folder in floors and other in floors:
            return floors[other] < floors[folder]
    return False


def is_of_the_system(header):
    top, _, rest = header.partition("/")
    return top in SYSTEM_FOLDERS if rest else (
        header.removesuffix(".h") in STANDARD | SYSTEM)


def problem_of_foreign(folder, header):
    for start, homes in FOREIGN:
        if header.startswith(start):
            return None if folder in homes else "foreign header"
    if not is_of_the_system(header):
        return "header that no row of layers.py knows"
    if folder == "proto" and header.removesuffix(".h") not in STANDARD:
        return "proto needs only the C library"
    if folder == "broker/core" and header.startswith(SOCKETS):
        return "core sees no socket"
    return None


def problem_of_own(folder, header, names):
    if header not in names:
        return "no such file below the root"
    if not may_include(folder, folder_of(header)):
        return "points upwards or sideways"
    return None


def circles(graph):
    """Every circle once, as the list of its files."""
    found, done = [], set()

    def walk(name, path):
        if name in path:
            found.append(path[path.index(name):] + [name])
        elif name not in done:
            for other in graph.get(name, ()):
                walk(other, path + [name])
            done.add(name)

    for name in graph:
        walk(name, [])
    return found


def find(root, _bin=None):
    names = {str(path) for path in check.sources(root)}
    problems, graph = [], {}
    for name in sorted(names):
        folder = folder_of(name)
        if folder is None:
            problems.append(f"{name}: its folder has no layer")
            continue
        text = check.without_comments((root / name).read_text())
        includes = INCLUDE.findall(text)
        if name in ELSEWHERE:  # beside each other where they are installed
            includes = [(kind, f"client/{other}" if kind == '"' else other)
                        for kind, other in includes]
        graph[name] = [other for kind, other in includes if kind == '"']
        for kind, other in includes:
            if (name, other) in DOORS:
                continue
            problem = (problem_of_foreign(folder, other) if kind == "<"
                       else problem_of_own(folder, other, names))
            if problem:
                problems.append(f"{name}: includes {other}: {problem}")
    problems += [f"circle: {' -> '.join(circle)}" for circle in circles(graph)]
    return problems


BASE = {"proto/a.h": "#include <stdint.h>\n",
        "broker/base/log.h": "",
        "broker/core/queue.h": '#include "broker/base/log.h"\n',
        "broker/net/stream.h": '#include "proto/a.h"\n',
        "broker/net/reactor.c": "#include <event2/event.h>\n",
        "broker/session/session.c": '#include "broker/core/queue.h"\n',
        "broker/broker.c": '#include "broker/net/stream.h"\n',
        "client/client.c": '#include "proto/a.h"\n'}


def planted(name, text):
    return {**BASE, name: text}


PLANTS = (
    ("a house in order", BASE, None),
    ("upwards", planted("broker/base/x.c", '#include "broker/core/queue.h"\n'),
     "broker/base/x.c: includes broker/core/queue.h: points upwards"),
    ("sideways", planted("broker/core/x.c", '#include "broker/net/stream.h"\n'),
     "points upwards or sideways"),
    ("proto above base", planted("proto/x.c", '#include "broker/base/log.h"\n'),
     "points upwards or sideways"),
    ("proto into common", planted("proto/x.c", '#include "common/a.h"\n')
     | {"common/a.h": ""}, "points upwards or sideways"),
    ("common into proto", planted("common/x.c", '#include "proto/a.h"\n'),
     "points upwards or sideways"),
    ("the client into common",
     planted("client/x.c", '#include "common/a.h"\n')
     | {"common/a.h": ""}, None),
    ("a library in common", planted("common/x.c", "#include <zmq.h>\n"),
     "foreign header"),
    ("client into broker",
     planted("client/x.c", '#include "broker/base/log.h"\n'),
     "points upwards or sideways"),
    ("broker into client",
     planted("broker/x.c", '#include "client/x.h"\n') | {"client/x.h": ""},
     "points upwards or sideways"),
    ("libevent in the assembly",
     planted("broker/broker.c", "#include <event2/event.h>\n"),
     "event2/event.h: foreign header"),
    ("adapters side by side",
     planted("broker/monitor/x.c", '#include "broker/session/x.h"\n')
     | {"broker/session/x.h": ""}, "points upwards or sideways"),
    ("the library into the command line",
     planted("client/lib/x.c", '#include "client/command.h"\n')
     | {"client/command.h": ""}, "points upwards or sideways"),
    ("the library's own header",
     planted("client/lib/x.c", '#include "client/sluice.h"\n')
     | {"client/sluice.h": ""}, None),
    ("a command's parts know no command",
     planted("client/top/x.c", '#include "client/commands/x.h"\n')
     | {"client/commands/x.h": ""}, "points upwards or sideways"),
    ("ZeroMQ in a command",
     planted("client/commands/x.c", "#include <zmq.h>\n"), "foreign header"),
    ("a library that nobody announced",
     planted("broker/core/x.c", "#include <curl/curl.h>\n"), "no row"),
    ("the system in proto", planted("proto/x.c", "#include <unistd.h>\n"),
     "needs only the C library"),
    ("a socket in core",
     planted("broker/core/x.c", "#include <sys/socket.h>\n"), "no socket"),
    ("a header that is not there",
     planted("client/x.c", '#include "frame.h"\n'), "no such file"),
    ("a folder without a layer", planted("broker/attic/x.c", ""), "no layer"),
    ("options know no part that is made of them",
     planted("broker/options/load.c", '#include "broker/session/a.h"\n')
     | {"broker/session/a.h": ""}, "points upwards or sideways"),
    ("a circle", planted("client/a.h", '#include "client/b.h"\n')
     | {"client/b.h": '#include "client/a.h"\n'}, "circle: client/a.h"),
    ("a comment is not an include",
     planted("proto/x.c", '/*\n#include "broker/base/log.h"\n*/\n'), None),
)

if __name__ == "__main__":
    check.main(find, PLANTS)
