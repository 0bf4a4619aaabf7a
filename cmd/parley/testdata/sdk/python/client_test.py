"""The official Python client, unchanged, against a running server.

The server's providers are fakes whose behaviour the model's name says (see
bench/upstream/fake): their reply "[turns/hash] last words" counts how often the
speaker changed in what reached them. cmd/parley/sdk_test.go starts everything
and sets the environment.
"""

import functools
import json
import os
import threading
import time
import unittest
import urllib.request

import openai

BASE_URL = os.environ["PARLEY_BASE_URL"]
KEY = os.environ["PARLEY_KEY"]
FAKE_URL = os.environ["FAKE_URL"]  # of the fakes' own switchboard

# One model of each provider; what is appended is said to the fake.
OPENAI = "openai/fake"
ANTHROPIC = "anthropic/claude-fake"
PROVIDERS = {"openai": OPENAI, "anthropic": ANTHROPIC}

WEATHER = {
    "name": "weather",
    "description": "The weather of a place.",
    "parameters": {
        "type": "object",
        "properties": {"query": {"type": "string"}},
        "required": ["query"],
        "additionalProperties": False,
    },
}


def client(**settings):
    settings = {"base_url": BASE_URL, "api_key": KEY, "max_retries": 0, "timeout": 20, **settings}
    return openai.OpenAI(**settings)


def user(text):
    return {"role": "user", "content": text}


def calls():
    with urllib.request.urlopen(FAKE_URL + "/calls", timeout=5) as reply:
        return json.load(reply)


def eventually(test, condition, seconds, what):
    """Waits until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        test.assertLess(time.monotonic(), deadline, what)
        time.sleep(0.02)


def each_provider(test):
    """Runs the test for each provider, with a model of its."""

    @functools.wraps(test)
    def run(self):
        for name, model in PROVIDERS.items():
            with self.subTest(provider=name):
                test(self, model)

    return run


class Case(unittest.TestCase):
    def setUp(self):
        self.client = client()
        self.addCleanup(self.client.close)


class Chat(Case):
    @each_provider
    def test_whole_reply(self, model):
        reply = self.client.chat.completions.create(
            model=model, max_tokens=500, messages=[{"role": "system", "content": "Be brief."}, user("Hello there")]
        )
        self.assertTrue(reply.id.startswith("chatcmpl-"))
        self.assertEqual(reply.object, "chat.completion")
        [choice] = reply.choices
        self.assertEqual(choice.finish_reason, "stop")
        self.assertEqual(choice.message.role, "assistant")
        self.assertRegex(choice.message.content, r"^\[1/[0-9a-f]{16}\] Hello there$")
        self.assertGreater(reply.usage.prompt_tokens, 0)
        self.assertEqual(reply.usage.total_tokens, reply.usage.prompt_tokens + reply.usage.completion_tokens)

    def test_headers_say_who_served(self):
        raw = self.client.chat.completions.with_raw_response.create(model=OPENAI, messages=[user("x")])
        self.assertEqual(raw.headers["x-parley-provider"], "openai")
        self.assertEqual(raw.headers["x-parley-model"], "fake")
        self.assertRegex(raw.headers["x-request-id"], r"^[0-9a-f-]{32,36}$")
        self.assertEqual(raw.parse()._request_id, raw.headers["x-request-id"])

    @each_provider
    def test_history_arrives(self, model):
        reply = self.client.chat.completions.create(
            model=model, messages=[user("One"), {"role": "assistant", "content": "Two"}, user("Three")]
        )
        self.assertRegex(reply.choices[0].message.content, r"^\[3/.*\] Three$")

    @each_provider
    def test_image(self, model):
        pixel = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
        content = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": pixel}}]
        reply = self.client.chat.completions.create(model=model, messages=[{"role": "user", "content": content}])
        self.assertRegex(reply.choices[0].message.content, r"\] What is it\?$")

    @each_provider
    def test_stream(self, model):
        stream = self.client.chat.completions.create(
            model=model + "-tokens-20", messages=[user("Hello")], stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)
        self.assertEqual(len({c.id for c in chunks}), 1)
        self.assertEqual({c.object for c in chunks}, {"chat.completion.chunk"})
        self.assertEqual(chunks[0].choices[0].delta.role, "assistant")
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        self.assertRegex(text, r"^\[1/.*\] Hello.* word20$")
        self.assertEqual([c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason], ["stop"])
        self.assertEqual(chunks[-1].choices, [])
        self.assertGreater(chunks[-1].usage.completion_tokens, 0)

    @each_provider
    def test_stream_helper(self, model):
        with self.client.chat.completions.stream(model=model, messages=[user("Hello")]) as stream:
            kinds = [event.type for event in stream]
            final = stream.get_final_completion()
        self.assertIn("content.delta", kinds)
        self.assertRegex(final.choices[0].message.content, r"\] Hello$")

    @each_provider
    def test_tools(self, model):
        tools = [{"type": "function", "function": WEATHER}]
        first = self.client.chat.completions.create(model=model, messages=[user("the weather in Oslo")], tools=tools)
        self.assertEqual(first.choices[0].finish_reason, "tool_calls")
        [call] = first.choices[0].message.tool_calls
        self.assertEqual(call.function.name, "weather")
        self.assertEqual(json.loads(call.function.arguments), {"query": "the weather in Oslo"})
        second = self.client.chat.completions.create(
            model=model,
            tools=tools,
            messages=[
                user("the weather in Oslo"),
                first.choices[0].message,
                {"role": "tool", "tool_call_id": call.id, "content": "rain"},
            ],
        )
        self.assertEqual(second.choices[0].finish_reason, "stop")
        self.assertRegex(second.choices[0].message.content, r"^\[3/.*\] rain$")

    @each_provider
    def test_streamed_tools(self, model):
        tools = [{"type": "function", "function": WEATHER}]
        with self.client.chat.completions.stream(
            model=model + "-tools-2", messages=[user("go")], tools=tools, tool_choice="required"
        ) as stream:
            final = stream.get_final_completion()
        calls = final.choices[0].message.tool_calls
        self.assertEqual([c.function.name for c in calls], ["weather", "weather"])
        self.assertEqual(len({c.id for c in calls}), 2)
        for call in calls:
            self.assertEqual(json.loads(call.function.arguments), {"query": "go"})

    def test_kept_in_a_conversation(self):
        conversation = self.client.conversations.create()
        where = {"x-parley-conversation": conversation.id}
        for turn in (1, 3):
            reply = self.client.chat.completions.create(model=OPENAI, messages=[user("again")], extra_headers=where)
            self.assertRegex(reply.choices[0].message.content, rf"^\[{turn}/")
        items = list(self.client.conversations.items.list(conversation.id, order="asc"))
        self.assertEqual([i.role for i in items], ["user", "assistant", "user", "assistant"])

    @each_provider
    def test_client_leaves(self, model):
        before = calls()["aborted"]
        stream = self.client.chat.completions.create(
            model=model + "-tokens-1000-interval-10ms", messages=[user("Hello")], stream=True
        )
        next(iter(stream))
        stream.close()
        eventually(self, lambda: calls()["aborted"] > before, 3, "the provider's call still runs")

    def test_client_leaves_before_a_whole_reply(self):
        before = calls()["aborted"]
        with self.assertRaises(openai.APITimeoutError):
            self.client.with_options(timeout=0.3).chat.completions.create(model=OPENAI + "-delay-10s", messages=[user("x")])
        eventually(self, lambda: calls()["aborted"] > before, 3, "the provider's call still runs")


class Errors(Case):
    def test_unknown_model(self):
        with self.assertRaises(openai.NotFoundError) as raised:
            self.client.chat.completions.create(model="gtp-4o", messages=[user("x")])
        self.assertEqual(raised.exception.code, "model_not_found")
        self.assertEqual(raised.exception.type, "not_found_error")

    def test_wrong_key(self):
        with self.assertRaises(openai.AuthenticationError) as raised:
            client(api_key="pk_nobody_nothing").chat.completions.create(model=OPENAI, messages=[user("x")])
        self.assertEqual(raised.exception.code, "invalid_api_key")

    def test_wrong_field(self):
        with self.assertRaises(openai.BadRequestError) as raised:
            self.client.chat.completions.create(model=OPENAI, messages=[user("x")], temperature="hot")
        self.assertEqual(raised.exception.param, "temperature")

    @each_provider
    def test_provider_fails(self, model):
        with self.assertRaises(openai.InternalServerError) as raised:
            self.client.chat.completions.create(model=model + "-fault-500", messages=[user("x")])
        self.assertEqual(raised.exception.status_code, 502)

    def test_client_tries_again(self):
        name = f"{OPENAI}-fault-503-first-1-tokens-{os.getpid() % 1000 + 5}"  # a model of its own, to count from 0
        reply = client(max_retries=2).chat.completions.create(model=name, messages=[user("x")])
        self.assertEqual(reply.choices[0].finish_reason, "stop")

    @each_provider
    def test_rate_limit(self, model):
        with self.assertRaises(openai.RateLimitError) as raised:
            self.client.chat.completions.create(model=model + "-fault-429-retry-7", messages=[user("x")])
        self.assertLessEqual(int(raised.exception.response.headers["retry-after"]), 7)

    @each_provider
    def test_failure_in_a_stream(self, model):
        stream = self.client.chat.completions.create(
            model=model + "-tokens-20-fault-error-after-5", messages=[user("Hello")], stream=True
        )
        seen = []
        with self.assertRaises(openai.APIError):
            for chunk in stream:
                seen.extend(c.delta.content or "" for c in chunk.choices)
        self.assertRegex("".join(seen), r"^\[1/")

    def test_timeout(self):
        with self.assertRaises(openai.APITimeoutError):
            self.client.with_options(timeout=0.2).chat.completions.create(model=OPENAI + "-delay-5s", messages=[user("x")])


class Responses(Case):
    @each_provider
    def test_whole_reply(self, model):
        reply = self.client.responses.create(model=model, input="Hello there", instructions="Be brief.")
        self.assertTrue(reply.id.startswith("resp_"))
        self.assertEqual(reply.status, "completed")
        self.assertRegex(reply.output_text, r"^\[1/.*\] Hello there$")
        self.assertEqual(reply.instructions, "Be brief.")
        self.assertGreater(reply.usage.total_tokens, 0)

    @each_provider
    def test_stream(self, model):
        events = list(self.client.responses.create(model=model + "-tokens-9", input="Hello", stream=True))
        kinds = [e.type for e in events]
        self.assertEqual(kinds[:2], ["response.created", "response.in_progress"])
        self.assertEqual(kinds[-1], "response.completed")
        for kind in (
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
        ):
            self.assertEqual(kinds.count(kind), 1, kind)
        text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
        self.assertEqual(text, events[-1].response.output_text)
        self.assertRegex(text, r" word9$")
        numbers = [e.sequence_number for e in events]
        self.assertEqual(numbers, sorted(set(numbers)))

    @each_provider
    def test_stream_helper(self, model):
        with self.client.responses.stream(model=model, input="Hello") as stream:
            for _ in stream:
                pass
            final = stream.get_final_response()
        self.assertRegex(final.output_text, r"\] Hello$")

    @each_provider
    def test_continue_and_fork(self, model):
        first = self.client.responses.create(model=model, input="One")
        second = self.client.responses.create(model=model, input="Two", previous_response_id=first.id)
        branch = self.client.responses.create(model=model, input="Other", previous_response_id=first.id)
        third = self.client.responses.create(model=model, input="Three", previous_response_id=second.id)
        self.assertRegex(second.output_text, r"^\[3/.*\] Two$")
        self.assertRegex(branch.output_text, r"^\[3/.*\] Other$")
        self.assertRegex(third.output_text, r"^\[5/.*\] Three$")

    def test_retrieve_and_delete(self):
        reply = self.client.responses.create(model=OPENAI, input="Hello")
        again = self.client.responses.retrieve(reply.id)
        self.assertEqual(again.output_text, reply.output_text)
        self.assertEqual(again.usage, reply.usage)
        items = list(self.client.responses.input_items.list(reply.id))
        self.assertEqual([i.content[0].text for i in items], ["Hello"])
        self.client.responses.delete(reply.id)
        with self.assertRaises(openai.NotFoundError):
            self.client.responses.retrieve(reply.id)

    def test_not_stored(self):
        reply = self.client.responses.create(model=OPENAI, input="Hello", store=False)
        with self.assertRaises(openai.NotFoundError):
            self.client.responses.retrieve(reply.id)

    @each_provider
    def test_tools(self, model):
        tools = [{"type": "function", "strict": True, **WEATHER}]
        first = self.client.responses.create(model=model, input="the weather in Oslo", tools=tools)
        [call] = [item for item in first.output if item.type == "function_call"]
        self.assertEqual(json.loads(call.arguments), {"query": "the weather in Oslo"})
        second = self.client.responses.create(
            model=model,
            tools=tools,
            previous_response_id=first.id,
            input=[{"type": "function_call_output", "call_id": call.call_id, "output": "rain"}],
        )
        self.assertRegex(second.output_text, r"^\[3/.*\] rain$")

    @each_provider
    def test_streamed_tools(self, model):
        tools = [{"type": "function", "strict": True, **WEATHER}]
        events = list(
            self.client.responses.create(model=model, input="weather, please", tools=tools, tool_choice="required", stream=True)
        )
        deltas = "".join(e.delta for e in events if e.type == "response.function_call_arguments.delta")
        [done] = [e for e in events if e.type == "response.function_call_arguments.done"]
        self.assertEqual(deltas, done.arguments)
        self.assertEqual(json.loads(deltas), {"query": "weather, please"})

    def test_failure_in_a_stream(self):
        events = []
        try:
            for event in self.client.responses.create(model=OPENAI + "-tokens-20-fault-cut-after-5", input="Hello", stream=True):
                events.append(event)
        except openai.APIError:
            pass
        self.assertIn(events[-1].type, ("response.incomplete", "response.failed", "error"))
        self.assertIn("response.output_text.delta", [e.type for e in events])

    def test_stream_is_read_on_where_it_broke_off(self):
        stream = self.client.responses.create(model=OPENAI + "-tokens-40-interval-10ms", input="Hello", stream=True)
        seen = [next(stream) for _ in range(10)]
        stream.close()
        response_id = seen[0].response.id
        self.assertEqual(self.client.responses.retrieve(response_id).status, "in_progress")
        for pause in (0, 1):  # while it runs, and when it has ended
            time.sleep(pause)
            rest = list(self.client.responses.retrieve(response_id, stream=True, starting_after=seen[-1].sequence_number))
            numbers = [event.sequence_number for event in seen + rest]
            self.assertEqual(numbers, sorted(set(numbers)))
            text = "".join(event.delta for event in seen + rest if event.type == "response.output_text.delta")
            self.assertEqual(rest[-1].type, "response.completed")
            self.assertEqual(text, rest[-1].response.output_text)
        with self.assertRaises(openai.BadRequestError):
            self.client.responses.retrieve(response_id, stream=True, starting_after=-1)

    def test_background_response_is_polled_streamed_and_cancelled(self):
        reply = self.client.responses.create(model=OPENAI + "-tokens-20-interval-10ms", input="Hello", background=True)
        self.assertEqual((reply.status, reply.background), ("in_progress", True))
        wait_for = time.monotonic() + 20
        while reply.status in ("queued", "in_progress") and time.monotonic() < wait_for:
            reply = self.client.responses.retrieve(reply.id)
        self.assertEqual(reply.status, "completed")
        stream = self.client.responses.create(model=OPENAI + "-tokens-400-interval-50ms", input="Hello", background=True, stream=True)
        created = next(stream)
        next(event for event in stream if event.type == "response.output_text.delta")
        cancelled = self.client.responses.cancel(created.response.id)
        self.assertEqual(cancelled.status, "cancelled")
        self.assertEqual(list(stream)[-1].response.status, "cancelled")
        self.assertEqual(self.client.responses.cancel(reply.id).status, "completed")

    def test_client_leaves_and_the_response_is_kept(self):
        stream = self.client.responses.create(model=OPENAI + "-tokens-40-interval-10ms", input="Hello", stream=True)
        created = next(iter(stream))
        stream.close()
        eventually(
            self,
            lambda: self.client.responses.retrieve(created.response.id).status == "completed",
            10,
            "the response was not completed",
        )
        self.assertRegex(self.client.responses.retrieve(created.response.id).output_text, r" word40$")

    def test_errors(self):
        with self.assertRaises(openai.BadRequestError) as raised:
            self.client.responses.create(model=OPENAI, input=7)
        self.assertEqual(raised.exception.param, "input")
        with self.assertRaises(openai.APIStatusError) as raised:
            self.client.responses.create(model=OPENAI, input="x", previous_response_id="resp_" + "0" * 32)
        self.assertEqual(raised.exception.code, "previous_response_not_found")


class Conversations(Case):
    def test_life_of_a_conversation(self):
        made = self.client.conversations.create(
            metadata={"topic": "demo"}, items=[{"type": "message", "role": "user", "content": "Hello!"}]
        )
        self.assertTrue(made.id.startswith("conv_"))
        self.assertEqual(self.client.conversations.retrieve(made.id).metadata, {"topic": "demo"})
        updated = self.client.conversations.update(made.id, metadata={"topic": "other"})
        self.assertEqual(updated.metadata, {"topic": "other"})
        gone = self.client.conversations.delete(made.id)
        self.assertTrue(gone.deleted)
        with self.assertRaises(openai.NotFoundError):
            self.client.conversations.retrieve(made.id)

    def test_items(self):
        made = self.client.conversations.create()
        added = self.client.conversations.items.create(
            made.id, items=[{"type": "message", "role": "user", "content": f"number {i}"} for i in range(5)]
        )
        self.assertEqual(len(added.data), 5)
        one = self.client.conversations.items.retrieve(added.data[2].id, conversation_id=made.id)
        self.assertEqual(one.content[0].text, "number 2")
        self.client.conversations.items.delete(added.data[2].id, conversation_id=made.id)
        texts = [i.content[0].text for i in self.client.conversations.items.list(made.id, order="asc", limit=2)]
        self.assertEqual(texts, ["number 0", "number 1", "number 3", "number 4"])

    @each_provider
    def test_turns(self, model):
        made = self.client.conversations.create(items=[{"type": "message", "role": "user", "content": "Hello!"}])
        first = self.client.responses.create(model=model, conversation=made.id, input="One")
        second = self.client.responses.create(model=model, conversation=made.id, input="Two")
        self.assertEqual(first.conversation.id, made.id)
        self.assertRegex(first.output_text, r"^\[1/")
        self.assertRegex(second.output_text, r"^\[3/")
        roles = [i.role for i in self.client.conversations.items.list(made.id, order="asc")]
        self.assertEqual(roles, ["user", "user", "assistant", "user", "assistant"])

    def test_conversation_excludes_previous_response(self):
        made = self.client.conversations.create()
        reply = self.client.responses.create(model=OPENAI, input="x")
        with self.assertRaises(openai.BadRequestError):
            self.client.responses.create(model=OPENAI, input="y", conversation=made.id, previous_response_id=reply.id)


class Models(Case):
    def test_list(self):
        names = [m.id for m in self.client.models.list()]
        self.assertIn("assistant", names)
        self.assertEqual(self.client.models.retrieve("assistant").object, "model")
        with self.assertRaises(openai.NotFoundError):
            self.client.models.retrieve("nobody")


class Embeddings(Case):
    def nearness(self, vectors, one, other):
        return sum(a * b for a, b in zip(vectors[one].embedding, vectors[other].embedding))

    def test_texts_near_in_meaning_are_near(self):
        texts = ["How do I sharpen a chisel?", "What is the best way to sharpen a chisel?", "What do owls eat?"]
        for settings in ({}, {"encoding_format": "float"}):  # where nothing is said the client asks for base64
            made = self.client.embeddings.create(model="parley-embedding", input=texts, **settings)
            self.assertEqual([e.index for e in made.data], [0, 1, 2])
            self.assertEqual(len(made.data[0].embedding), 256)
            self.assertAlmostEqual(self.nearness(made.data, 0, 0), 1, places=2)
            self.assertGreater(self.nearness(made.data, 0, 1), self.nearness(made.data, 0, 2) + 0.3)
            self.assertGreater(made.usage.prompt_tokens, 0)

    def test_unknown_embedder(self):
        with self.assertRaises(openai.NotFoundError):
            self.client.embeddings.create(model="nobody", input="Hello")


class Together(Case):
    def test_threads_share_a_client(self):
        answers, lock = [], threading.Lock()

        def ask(number):
            reply = self.client.chat.completions.create(model=OPENAI, messages=[user(f"number {number}")])
            with lock:
                answers.append(reply.choices[0].message.content.split("] ")[1])

        threads = [threading.Thread(target=ask, args=(n,)) for n in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        self.assertEqual(sorted(answers), sorted(f"number {n}" for n in range(16)))


class WebSockets(Case):
    """OpenAI's WebSocket mode of Responses."""

    def connect(self, **settings):
        return self.client.responses.connect(**settings)

    def until(self, connection, kind="response.completed"):
        """Returns what comes up to the first event of a kind."""
        events = []
        while not events or events[-1].type != kind:
            events.append(connection.recv())
            self.assertNotEqual((events[-1].type, kind != "error"), ("error", True), events[-1])
        return events

    @each_provider
    def test_events_are_those_of_a_stream(self, model):
        with self.connect() as connection:
            connection.response.create(model=model + "-tokens-20", input="Hello")
            events = self.until(connection)
        streamed = list(self.client.responses.create(model=model + "-tokens-20", input="Hello", stream=True))
        kinds = lambda all: [e.type for e in all if not e.type.endswith(".delta")]
        self.assertEqual(kinds(events), kinds(streamed))
        text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
        self.assertRegex(text, r"^\[1/.*\] Hello.* word20$")
        self.assertEqual(events[-1].response.output_text, text)
        numbers = [e.sequence_number for e in events]
        self.assertEqual(numbers, sorted(set(numbers)))

    @each_provider
    def test_one_goes_on_from_another(self, model):
        with self.connect() as connection:
            for store in (True, False):
                connection.response.create(model=model, input="One", store=store)
                first = self.until(connection)[-1].response
                connection.response.create(model=model, input="Two", store=store, previous_response_id=first.id)
                second = self.until(connection)[-1].response
                self.assertRegex(second.output_text, r"^\[3/.*\] Two$")
                self.assertEqual(second.previous_response_id, first.id)
                if store:
                    self.assertEqual(self.client.responses.retrieve(second.id).output_text, second.output_text)

    def test_lanes_are_beside_each_other(self):
        lanes = [f"lane.{n}" for n in range(4)]
        with self.connect() as connection:
            for lane in lanes:
                connection.response.create(model=OPENAI + "-tokens-5-interval-2ms", input=lane, stream_id=lane)
            ended = {}
            while len(ended) < len(lanes):
                event = connection.recv()
                self.assertIn(event.stream_id, lanes)
                if event.type == "response.completed":
                    ended[event.stream_id] = event.response.output_text
        for lane, text in ended.items():
            self.assertIn(f"] {lane}", text)

    def test_warm_up(self):
        with self.connect() as connection:
            connection.response.create(model=OPENAI, input="Prepare", generate=False)
            warm = self.until(connection)[-1].response
            self.assertEqual(warm.output, [])
            connection.response.create(model=OPENAI, input="Go", previous_response_id=warm.id)
            self.assertIn("] Go", self.until(connection)[-1].response.output_text)

    @each_provider
    def test_tools(self, model):
        tools = [{"type": "function", "strict": True, **WEATHER}]
        with self.connect() as connection:
            connection.response.create(model=model, input="the weather in Oslo", tools=tools)
            first = self.until(connection)[-1].response
            call = next(item for item in first.output if item.type == "function_call")
            output = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
            connection.response.create(model=model, tools=tools, previous_response_id=first.id, input=[output])
            self.assertRegex(self.until(connection)[-1].response.output_text, r"^\[3/.*\] rain$")

    def test_steer(self):
        with self.connect() as connection:
            connection.response.create(model=OPENAI + "-tokens-20-interval-20ms", input="Hello")
            begun = self.until(connection, "response.created")[-1].response
            connection.response.steer(previous_response_id=begun.id, input="And another")
            kinds = []
            while kinds.count("response.completed") < 2:
                event = connection.recv()
                kinds.append(event.type)
            self.assertIn("response.steer.accepted", kinds)
            self.assertIn("] And another", event.response.output_text)

    def test_errors(self):
        with self.connect() as connection:
            connection.response.create(model=OPENAI, input="x", previous_response_id="resp_" + "0" * 32)
            error = self.until(connection, "error")[-1]
            self.assertEqual((error.status, error.error.code), (400, "previous_response_not_found"))
            connection.response.create(model="openai/fake-fault-500", input="x", stream_id="a")
            self.assertEqual(self.until(connection, "error")[-1].stream_id, "a")
            connection.response.create(model=OPENAI, input="Hello")
            self.until(connection)

    def test_wrong_key(self):
        with self.assertRaises(Exception) as raised:
            client(api_key="pk_wrong").responses.connect().enter()
        self.assertIn("401", str(raised.exception))


class Async(unittest.IsolatedAsyncioTestCase):
    async def test_websocket(self):
        async with openai.AsyncOpenAI(base_url=BASE_URL, api_key=KEY, max_retries=0) as aclient:
            async with aclient.responses.connect() as connection:
                await connection.response.create(model=ANTHROPIC, input="Hello")
                async for event in connection:
                    if event.type == "response.completed":
                        break
        self.assertRegex(event.response.output_text, r"\] Hello$")

    async def test_stream(self):
        async with openai.AsyncOpenAI(base_url=BASE_URL, api_key=KEY, max_retries=0) as aclient:
            stream = await aclient.chat.completions.create(model=ANTHROPIC, messages=[user("Hello")], stream=True)
            text = "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])
        self.assertRegex(text, r"\] Hello$")


if __name__ == "__main__":
    unittest.main()
