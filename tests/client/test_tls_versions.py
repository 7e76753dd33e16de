# SPDX-License-Identifier: MIT
"""Commands name what is wrong with a server's certificate in each version of
TLS, at the first connection and at one that comes later."""
import ssl

import test_tls  # and none of its tests
from command import main

WRONG = (
    ("old", "the certificate of localhost has expired"),
    ("early", "is not valid yet, but from 2045-01-01"),
    ("elsewhere", "is not for that name, but for broker.example: "),
    ("stranger", "is not signed by an authority that this client trusts"),
)


def setUpModule():
    test_tls.setUpModule()


class Versions(test_tls.WithTls):
    assertRefused = test_tls.Misuse.assertRefused
    assertRefusedLater = test_tls.Misuse.assertRefusedLater

    def check(self, version):
        for certificate, words in WRONG:
            with self.subTest(certificate=certificate):
                port = test_tls.speaks_tls(self, certificate,
                                           (version, version))
                self.assertRefused(port, words)

    def test_1_2(self):
        self.check(ssl.TLSVersion.TLSv1_2)

    def test_1_3(self):
        self.check(ssl.TLSVersion.TLSv1_3)


if __name__ == "__main__":
    main()
