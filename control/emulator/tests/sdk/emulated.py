"""Starts the emulator for a test module, and ends it."""

import os
import subprocess
import tempfile
import urllib.parse
import urllib.request

KEY, SECRET = "sdk-key", "sdk-secret"
BUCKET = "sdk-bucket"
ZONE = "sites.example"


class Emulator:
    """A running emulator, in a folder of its own."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        program = os.environ["MIAOBU_EMULATOR"]
        ports = [f"--{service}-port=0" for service in ["console", "oss", "esa", "alidns", "fc", "functions", "sts", "edge", "staging"]]
        key = ["--access-key-id", KEY, "--access-key-secret", SECRET]
        command = [program, "--folder", self.folder.name, *ports, *key]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.settings = {}
        for line in self.process.stdout:
            if line.startswith("#"):
                self.console = line.split(": ", 1)[1].strip()
                break
            name, value = line.strip().split("=", 1)
            self.settings[name] = value

    @property
    def oss(self):
        return self.settings["OSS_ENDPOINT"]

    @property
    def esa(self):
        return self.settings["ESA_ENDPOINT"]

    @property
    def alidns(self):
        return self.settings["ALIDNS_ENDPOINT"]

    @property
    def fc(self):
        return self.settings["FC_ENDPOINT"]

    def tell(self, what, **given):
        """Tells the emulator something under its console."""
        address = f"{self.console}/{what}?{urllib.parse.urlencode(given)}"
        with urllib.request.urlopen(urllib.request.Request(address, method="POST")) as answer:
            assert answer.read() == b"done\n"

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()
