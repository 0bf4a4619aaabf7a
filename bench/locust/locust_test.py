"""Load on the chat completions of a running server: users who ask one question
after the other, half of them for a stream.

    API_KEY=pk_... locust -f bench/locust/locust_test.py --headless -u 100 -r 50 -t 30s --host http://127.0.0.1:8080

MODEL     what to ask; the default is answered by bench/upstream and by `parley serve --demo`
THINK_S   seconds that a user waits between an answer and the next question (0)
P95_MS    what 95 % of plain requests have to be answered within (250)
TTFT_MS   what 95 % of streams have to show their first text within (250)

It ends with status 1 when a limit is passed or any request failed.
"""

import json
import os
import random
import time

from locust import HttpUser, constant, events, task
from requests.exceptions import RequestException

MODEL = os.environ.get("MODEL", "gpt-fake-tokens-20")
THINK = float(os.environ.get("THINK_S", "0"))

PATH = "/v1/chat/completions"
PLAIN = "chat"
STREAM = "chat, streamed"
FIRST_TEXT = "chat, streamed: first text"
LIMITS_MS = {
    PLAIN: float(os.environ.get("P95_MS", "250")),
    FIRST_TEXT: float(os.environ.get("TTFT_MS", "250")),
}

QUESTIONS = [
    "How do I locate my card?",
    "What is the difference between a mutex and a channel?",
    "Why is the sky blue and the sunset red?",
    "Can I freeze cream cheese?",
    "What does the value date of a transfer mean?",
]


class Broken(Exception):
    """A reply that came with status 200 and is not whole."""


class ChatUser(HttpUser):
    """Asks, reads the whole answer, and asks again."""

    wait_time = constant(THINK)

    def on_start(self):
        if key := os.environ.get("API_KEY"):
            self.client.headers["Authorization"] = f"Bearer {key}"

    def ask(self, stream, name):
        body = {
            "model": MODEL,
            "stream": stream,
            "messages": [
                {"role": "system", "content": "You are a helpful assistant."},
                {"role": "user", "content": random.choice(QUESTIONS)},
            ],
        }
        return self.client.post(PATH, json=body, name=name, stream=stream, catch_response=True, timeout=60)

    @task
    def plain(self):
        with self.ask(False, PLAIN) as reply:
            if reply.status_code != 200:
                return reply.failure(f"status {reply.status_code}")
            if not reply.json()["choices"][0]["message"]["content"]:
                return reply.failure("it says nothing")
            return reply.success()

    @task
    def streamed(self):
        began = time.perf_counter()
        with self.ask(True, STREAM) as reply:
            if reply.status_code != 200:
                return reply.failure(f"status {reply.status_code}")
            try:
                first = read_stream(reply.iter_lines())
            except (Broken, RequestException) as broken:
                return reply.failure(str(broken))
            # locust itself counts the time to the stream's head alone.
            reply.request_meta["response_time"] = (time.perf_counter() - began) * 1000
            reply.success()
        events.request.fire(
            request_type="POST", name=FIRST_TEXT, response_time=(first - began) * 1000, response_length=0, exception=None, context={}
        )


def read_stream(lines):
    """Reads a stream to its end and returns when its first text came."""
    first = None
    for line in lines:
        if not line.startswith(b"data: "):
            continue
        data = line.removeprefix(b"data: ")
        if data == b"[DONE]":
            if first is None:
                raise Broken("it says nothing")
            return first
        chunk = json.loads(data)
        if "error" in chunk:
            raise Broken(f"error in the stream: {chunk['error'].get('code')}")
        if first is None and any(choice["delta"].get("content") for choice in chunk["choices"]):
            first = time.perf_counter()
    raise Broken("it ends without [DONE]")


@events.quitting.add_listener
def judge(environment, **_):
    """Fails the run where it was too slow, or where anything failed."""
    faults = []
    if environment.stats.total.num_failures > 0:
        faults.append(f"{environment.stats.total.num_failures} requests failed")
    for name, limit in LIMITS_MS.items():
        entry = environment.stats.get(name, "POST")
        if entry.num_requests == 0:
            faults.append(f"{name}: nothing was answered")
        elif (p95 := entry.get_response_time_percentile(0.95)) > limit:
            faults.append(f"{name}: p95 is {p95:.0f} ms, and not below {limit:.0f} ms")
    for fault in faults:
        print(fault)
    if faults:
        environment.process_exit_code = 1
