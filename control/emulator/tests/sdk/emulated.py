"""Starts the emulator for a test module, and ends it."""

import os
import subprocess
import tempfile

KEY, SECRET = "sdk-key", "sdk-secret"
BUCKET = "sdk-bucket"


class Emulator:
    """A running emulator, in a folder of its own."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        program = os.environ["MIAOBU_EMULATOR"]
        ports = ["--console-port", "0", "--oss-port", "0", "--esa-port", "0"]
        key = ["--access-key-id", KEY, "--access-key-secret", SECRET]
        command = [program, "--folder", self.folder.name, *ports, *key]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.settings = {}
        for line in self.process.stdout:
            if line.startswith("#"):
                break
            name, value = line.strip().split("=", 1)
            self.settings[name] = value

    @property
    def oss(self):
        return self.settings["OSS_ENDPOINT"]

    @property
    def esa(self):
        return self.settings["ESA_ENDPOINT"]

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()
