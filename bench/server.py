"""A server of ours for a measurement: a data folder, keys, a process, and what it uses."""

import base64
import http.client
import json
import os
import re
import signal
import subprocess
import threading
import time


class Server:
    """`rapport serve` on a data folder; stops when the `with` ends."""

    def __init__(self, binary, folder, scopes=("read", "write")):
        self.binary, self.folder, self.scopes = binary, folder, scopes

    def __enter__(self):
        key = lambda *flags: self.run("key", "create", *flags, "--data", self.folder).split()[-1]
        self.write_key = key("--source", "Bench")
        self.api_key = key("--api", *(word for scope in self.scopes for word in ("--scope", scope)))
        command = [self.binary, "serve", "--data", self.folder, "--listen", "127.0.0.1:0"]
        environment = {**os.environ, "RAPPORT_LIMITS_CONNECTIONS_PER_ADDRESS": "0"}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        line = self.process.stdout.readline()
        found = re.search(r"http://([\d.]+):(\d+)", line)
        if not found:
            raise RuntimeError(f"the server did not start: {line}")
        self.host, self.port = found[1], int(found[2])
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        # Of gigabytes, what was written last goes from the log into the file first.
        self.process.wait(300)

    def run(self, *arguments):
        return subprocess.run([self.binary, *arguments], check=True, capture_output=True, text=True).stdout

    def authorization(self):
        return "Basic " + base64.b64encode(f"{self.write_key}:".encode()).decode()

    def call(self, method, path, body=None):
        """One request to the API; the answer's JSON."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=120)
        headers = {"authorization": f"Bearer {self.api_key}", "content-type": "application/json"}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]}")
        return json.loads(text)

    def gauge(self, name):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        return float(re.search(rf"^{name} (\S+)$", text, re.M)[1])

    def lag(self):
        """Events that are acknowledged and not yet in answers."""
        return self.gauge("rapport_log_head") - self.gauge("rapport_log_applied")

    def settle(self):
        """Waits until there was nothing to apply for ten seconds, and what newcomers bring about (stages of life, scores) is done too."""
        quiet, before = 0, self.processor_seconds()

        def is_quiet():
            nonlocal quiet, before
            time.sleep(0.8)
            used = self.processor_seconds()
            quiet = quiet + 1 if self.lag() == 0 and used - before < 0.3 else 0
            before = used
            return quiet >= 10

        wait_until("nothing is left to do", is_quiet, 3_600)

    def memory(self):
        """Resident megabytes."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) / 1024

    def written(self):
        """Megabytes that it gave to the disk."""
        with open(f"/proc/{self.process.pid}/io") as io:
            return int(re.search(r"^write_bytes: (\d+)", io.read(), re.M)[1]) / 1024**2

    def processor_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class MemoryWatch:
    """Samples a server's memory once a second."""

    def __init__(self, server):
        self.server, self.samples, self.stopped = server, [], threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def look(self):
        while not self.stopped.wait(1.0):
            self.samples.append(self.server.memory())

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()


def wait_until(what, is_so, seconds=600):
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > seconds:
            raise RuntimeError(f"not so after {seconds} s: {what}")
        time.sleep(0.2)


def measured(command):
    """Runs a command; wall seconds, processor seconds, highest resident megabytes, output."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{command} failed:\n{output[-2000:]}")
    wall = time.monotonic() - began
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output


def quantile(values, share):
    ordered = sorted(values)
    return ordered[int((len(ordered) - 1) * share)]
