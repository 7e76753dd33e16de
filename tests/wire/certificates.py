# SPDX-License-Identifier: MIT
"""Certificates for tests: made by the program openssl, once for a process.

    ca.pem                a CA; other-ca.pem: one that nobody trusts
    localhost.pem .key    a server's, for localhost and 127.0.0.1
    device.pem .key       a client's, with the DNS name device.example
"""
import functools
import pathlib
import subprocess
import tempfile

DAYS = 60  # brokers warn of those that end within 30


def openssl(*args, folder=None, **kwargs):
    return subprocess.run(["openssl", *map(str, args)], cwd=folder,
                          check=True, capture_output=True, **kwargs)


class Folder:
    """A folder of certificates, removed with the process."""

    def __init__(self):
        self._temporary = tempfile.TemporaryDirectory(prefix="sluice-tls-")
        self.path = pathlib.Path(self._temporary.name)

    def __getitem__(self, name):
        return str(self.path / name)

    def key(self, name):
        openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out",
                self[f"{name}.key"])
        (self.path / f"{name}.key").chmod(0o600)

    def authority(self, name):
        self.key(name)
        openssl("req", "-x509", "-new", "-key", self[f"{name}.key"], "-subj",
                f"/CN={name}", "-days", DAYS, "-out", self[f"{name}.pem"])

    def certificate(self, name, names, ca="ca", dates=None, key=None,
                    usage=None):
        """`names` as subjectAltName has them; `dates`: two, YYYYMMDDHHMMSSZ."""
        if not key:
            self.key(name)
        request = self[f"{name}.csr"]
        openssl("req", "-new", "-key", self[f"{key or name}.key"], "-subj",
                f"/CN={name}", "-out", request)
        extensions = self.path / f"{name}.ext"
        extensions.write_text(
            (f"subjectAltName={names}\n" if names else "")
            + (f"extendedKeyUsage={usage}\n" if usage else ""))
        if dates:
            self._sign_for(name, request, extensions, ca, dates)
            return
        openssl("x509", "-req", "-in", request, "-CA", self[f"{ca}.pem"],
                "-CAkey", self[f"{ca}.key"], "-CAcreateserial", "-days", DAYS,
                "-extfile", extensions, "-out", self[f"{name}.pem"])

    def _sign_for(self, name, request, extensions, ca, dates):
        self._database(ca)
        openssl("ca", "-batch", "-notext", "-config", self["ca.cnf"], "-cert",
                self[f"{ca}.pem"], "-keyfile", self[f"{ca}.key"], "-in",
                request, "-startdate", dates[0], "-enddate", dates[1],
                "-extfile", extensions, "-out", self[f"{name}.pem"])

    def revoke(self, name, ca="ca"):
        """Writes crl.pem, in which the certificate is."""
        self._database(ca)
        both = ("-config", self["ca.cnf"], "-cert", self[f"{ca}.pem"],
                "-keyfile", self[f"{ca}.key"])
        openssl("ca", *both, "-revoke", self[f"{name}.pem"])
        self.revocations("crl.pem", ca)

    def revocations(self, file, ca="ca", dates=None):
        """The list of those that are revoked; `dates` as above."""
        self._database(ca)
        times = ("-crl_lastupdate", dates[0], "-crl_nextupdate",
                 dates[1]) if dates else ("-crldays", DAYS)
        openssl("ca", "-config", self["ca.cnf"], "-cert", self[f"{ca}.pem"],
                "-keyfile", self[f"{ca}.key"], "-gencrl", *times, "-out",
                self[file])

    def _database(self, ca):
        if (self.path / "ca.cnf").exists():
            return
        (self.path / "index.txt").touch()
        (self.path / "serial").write_text("1000\n")
        (self.path / "ca.cnf").write_text(
            "[ca]\ndefault_ca = it\n[it]\n"
            f"database = {self['index.txt']}\nserial = {self['serial']}\n"
            f"new_certs_dir = {self.path}\ndefault_md = sha256\n"
            "policy = any\nunique_subject = no\ncopy_extensions = none\n"
            "[any]\ncommonName = supplied\n")


@functools.cache
def folder():
    made = Folder()
    made.authority("ca")
    made.authority("other-ca")
    made.certificate("localhost", "DNS:localhost,IP:127.0.0.1")
    made.certificate("device", "DNS:device.example")
    return made


def server_options(name="localhost"):
    return ("--tls-cert", folder()[f"{name}.pem"],
            "--tls-key", folder()[f"{name}.key"])
