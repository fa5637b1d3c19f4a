#!/usr/bin/env python3
"""Checks a running node's REST API against the OpenAPI document that it serves, by schemathesis.

Two nodes run on loopback, one of which the other can ask and dial: `check.py PROGRAM SECONDS`.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
PATIENCE = 60
CLUSTER = 99
TOPICS = [f"/waku/2/rs/{CLUSTER}/{shard}" for shard in range(2)]
CONTENT_TOPICS = ["/app/1/chat/proto", "/app/1/news/proto"]


class Node:
    """A node with its REST API, on an archive of its own with some messages."""

    def __init__(self, program, place, name, *flags):
        self.archive = f"redb://{place / name}"
        lines = "".join(line(number) for number in range(60))
        imported = [program, "import", "-", "--store-message-db-url", self.archive]
        subprocess.run(imported, input=lines, text=True, check=True, capture_output=True)
        log = place / f"{name}.log"
        flags = [
            "--listen-address=127.0.0.1",
            "--tcp-port=0",
            f"--cluster-id={CLUSTER}",
            f"--data-dir={place / name}-data",
            f"--store-message-db-url={self.archive}",
            "--store-message-retention-policy=none",
            "--rest",
            "--rest-port=0",
            *flags,
        ]
        with log.open("w") as errors:
            self.process = subprocess.Popen(
                [program, "run", *flags], stdout=subprocess.PIPE, stderr=errors, text=True
            )
        self.address = self.process.stdout.readline().strip()
        self.url = self.served(log)
        wait(lambda: self.get("/health")["nodeHealth"] == "READY", "a node that is READY")

    def served(self, log):
        def found():
            text = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text())
            return re.search(r"serving REST.*?address=(\S+)", text)

        return f"http://{wait(found, 'the address of REST in the log').group(1)}"

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=PATIENCE) as answer:
            return json.load(answer)

    def hashes(self):
        page = self.get("/store/v3/messages?pageSize=100")
        return [entry["messageHash"] for entry in page["messages"]]

    def subscribe(self, path, topics):
        headers = {"Content-Type": "application/json"}
        body = json.dumps(topics).encode()
        request = urllib.request.Request(self.url + path, body, headers, method="POST")
        urllib.request.urlopen(request, timeout=PATIENCE).close()

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)


def line(number):
    """A message as a line of an import."""
    message = {
        "payload": "aGk=",
        "contentTopic": CONTENT_TOPICS[number % 2],
        "timestamp": 1_700_000_000_000_000_000 + number,
    }
    return json.dumps({"pubsubTopic": TOPICS[number % 3 // 2], "message": message}) + "\n"


def wait(condition, what):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise SystemExit(f"rest-check: waited {PATIENCE} s in vain for {what}")


def check(program, seconds, place):
    flags = ["--relay", *(f"--shard={shard}" for shard in range(2)), "--num-shards-in-network=2"]
    other = Node(program, place, "other", *flags)
    node = Node(program, place, "checked", *flags, "--rest-admin", f"--staticnode={other.address}")
    node.subscribe("/relay/v1/auto/subscriptions", CONTENT_TOPICS)
    facts = {
        "addresses": [other.address],
        "hashes": node.hashes(),
        "pubsubTopics": TOPICS,
        "contentTopics": CONTENT_TOPICS,
    }
    try:
        command = [
            Path(sys.executable).with_name("schemathesis"),
            "--config-file",
            HERE / "schemathesis.toml",
            "run",
            f"{node.url}/openapi.json",
            f"--max-time={seconds}",
            "--seed=1",
        ]
        environment = {
            **os.environ,
            "PYTHONPATH": str(HERE),
            "PYTHONDONTWRITEBYTECODE": "1",
            "REST_CHECK_FACTS": json.dumps(facts),
        }
        result = subprocess.run(command, cwd=place, env=environment)
        if node.process.poll() is not None:
            raise SystemExit("rest-check: the node has ended")
        wait(lambda: node.get("/health")["nodeHealth"] == "READY", "a node that is still READY")
        return result.returncode
    finally:
        node.stop()
        other.stop()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        sys.exit(check(os.path.abspath(sys.argv[1]), sys.argv[2], Path(place)))
