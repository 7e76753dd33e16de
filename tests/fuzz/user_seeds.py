# SPDX-License-Identifier: MIT
"""Seeds for what a users file says, and what follows from it."""


def texts(*all_of_them):
    return b"".join(bytes([len(text)]) + text for text in all_of_them)


def rights():
    yield "together", texts(b"/t/x/y", b"/t/**", b"/t", b"/t/*/**")
    yield "fences", texts(b"/queue/a", b"**", b"/**", b"/queue/**", b"/sys/*")
    yield "spelled", texts(b"/a*/b", b"/*/b", b"/a%2A/b", b"/%00/*", b"*/b")
    yield "deep", texts(b"/" * 255, b"**", b"/" * 254, b"*/" * 100 + b"**")


def users_file():
    secret = b"0123456789abcdef" * 4
    yield "roles", b"""# all there is
[role "sensor"]
publish = /topic/sensors/**
messages = 5000/s
memory = 16m
[user "thermo"]
role = sensor
token = sha256:%s
key = ed25519:MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
key = curve:rq:rM>}U?@Lns47E1%%kR.o@n%%FcmmsL/@{H8]yf7
certificate = thermo.example
subscribe = /topic/alarms/%%41/*
bytes: 2m/s
[user "anonymous"]
subscribe = **
""" % secret
    yield "password", (b'[user "a"]\npassword = $y$j9T$dZ5LfzKRFZzhKGnXCgyFO/$'
                       + b"A" * 43 + b"\nconnections = 3\nmonitor = yes\n")
    yield "networks", (b'[user "a"]\nnetwork = 10.1.2.0/24\nfrom = ::1\n'
                       b'[user "b"]\nnetwork = 2001:db8::/32\nuid = 7\n')
    yield "cut", b'[user "a"]\nuid = 1\npublish = /a'
    yield "twice", b'[user "a"]\nuid = 1\n[user "a"]\nuid = 1\nrole = b\n'
