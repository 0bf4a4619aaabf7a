// The official npm client, unchanged, against a running server: see
// client_test.py beside it, which says what the providers are.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';

// The client is installed outside this folder, where Node would not look.
const require = createRequire(`${process.env.PARLEY_TEST_NODE_MODULES}/`);
const { OpenAI } = require('openai');
const { ResponsesWS } = require('openai/resources/responses/ws');

const { PARLEY_BASE_URL: baseURL, PARLEY_KEY: apiKey, FAKE_URL: fake } = process.env;
const providers = { openai: 'openai/fake', anthropic: 'anthropic/claude-fake' };

const make = (settings = {}) => new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 20_000, ...settings });
const client = make();
const user = (content) => ({ role: 'user', content });
const weather = {
  name: 'weather',
  description: 'The weather of a place.',
  parameters: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'], additionalProperties: false },
};

const each = (name, run) => {
  for (const [provider, model] of Object.entries(providers)) test(`${name} (${provider})`, () => run(model));
};

const collect = async (stream) => {
  const all = [];
  for await (const one of stream) all.push(one);
  return all;
};

const aborted = async () => (await (await fetch(`${fake}/calls`)).json()).aborted;

const eventually = async (condition, ms, what) => {
  const deadline = Date.now() + ms;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, what);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

each('chat: whole reply', async (model) => {
  const reply = await client.chat.completions.create({ model, messages: [{ role: 'system', content: 'Be brief.' }, user('Hello there')] });
  assert.match(reply.choices[0].message.content, /^\[1\/[0-9a-f]{16}\] Hello there$/);
  assert.equal(reply.choices[0].finish_reason, 'stop');
  assert.equal(reply.usage.total_tokens, reply.usage.prompt_tokens + reply.usage.completion_tokens);
  assert.ok(reply._request_id);
});

each('chat: stream', async (model) => {
  const stream = await client.chat.completions.create({
    model: `${model}-tokens-20`, messages: [user('Hello')], stream: true, stream_options: { include_usage: true },
  });
  const chunks = await collect(stream);
  assert.match(chunks.map((c) => c.choices[0]?.delta.content ?? '').join(''), /^\[1\/.*\] Hello.* word20$/);
  assert.deepEqual(chunks.map((c) => c.choices[0]?.finish_reason).filter(Boolean), ['stop']);
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.ok(chunks.at(-1).usage.completion_tokens > 0);
});

each('chat: stream helper', async (model) => {
  const runner = client.chat.completions.stream({ model, messages: [user('Hello')] });
  assert.match(await runner.finalContent(), /\] Hello$/);
});

each('chat: tools run by the helper', async (model) => {
  const asked = [];
  const runner = client.chat.completions.runTools({
    model, messages: [user('the weather in Oslo')], stream: true,
    tools: [{ type: 'function', function: { ...weather, parse: JSON.parse, function: (args) => { asked.push(args.query); return 'rain'; } } }],
  });
  assert.match(await runner.finalContent(), /^\[3\/.*\] rain$/);
  assert.deepEqual(asked, ['the weather in Oslo']);
});

each('chat: client leaves', async (model) => {
  const before = await aborted();
  const controller = new AbortController();
  const stream = await client.chat.completions.create(
    { model: `${model}-tokens-1000-interval-10ms`, messages: [user('Hello')], stream: true }, { signal: controller.signal });
  for await (const chunk of stream) {
    assert.ok(chunk.id);
    controller.abort();
    break;
  }
  await eventually(async () => (await aborted()) > before, 3000, 'the provider’s call still runs');
});

test('errors: unknown model', async () => {
  await assert.rejects(client.chat.completions.create({ model: 'gtp-4o', messages: [user('x')] }), (err) => {
    assert.ok(err instanceof OpenAI.NotFoundError);
    assert.equal(err.code, 'model_not_found');
    return true;
  });
});

test('errors: wrong key', async () => {
  await assert.rejects(make({ apiKey: 'pk_nobody_nothing' }).models.list(), OpenAI.AuthenticationError);
});

test('errors: wrong field', async () => {
  await assert.rejects(client.chat.completions.create({ model: providers.openai, messages: [user('x')], temperature: 'hot' }), (err) => {
    assert.ok(err instanceof OpenAI.BadRequestError);
    assert.equal(err.param, 'temperature');
    return true;
  });
});

each('errors: provider fails', async (model) => {
  await assert.rejects(client.chat.completions.create({ model: `${model}-fault-500`, messages: [user('x')] }), (err) => {
    assert.ok(err instanceof OpenAI.InternalServerError);
    assert.equal(err.status, 502);
    return true;
  });
});

each('errors: rate limit', async (model) => {
  await assert.rejects(client.chat.completions.create({ model: `${model}-fault-429-retry-7`, messages: [user('x')] }), (err) => {
    assert.ok(err instanceof OpenAI.RateLimitError);
    assert.ok(Number(err.headers.get('retry-after')) <= 7);
    return true;
  });
});

each('errors: failure in a stream', async (model) => {
  const stream = await client.chat.completions.create({ model: `${model}-tokens-20-fault-error-after-5`, messages: [user('Hello')], stream: true });
  await assert.rejects(collect(stream), OpenAI.APIError);
});

test('errors: timeout', async () => {
  const hasty = make({ timeout: 200 });
  await assert.rejects(hasty.chat.completions.create({ model: `${providers.openai}-delay-5s`, messages: [user('x')] }), OpenAI.APIConnectionTimeoutError);
});

test('errors: the client tries again', async () => {
  const model = `${providers.openai}-fault-503-first-1-tokens-${3000 + (process.pid % 1000)}`; // its own, to count from 0
  const reply = await make({ maxRetries: 2 }).chat.completions.create({ model, messages: [user('x')] });
  assert.equal(reply.choices[0].finish_reason, 'stop');
});

each('responses: whole reply', async (model) => {
  const reply = await client.responses.create({ model, input: 'Hello there', instructions: 'Be brief.' });
  assert.equal(reply.status, 'completed');
  assert.match(reply.output_text, /^\[1\/.*\] Hello there$/);
});

each('responses: stream', async (model) => {
  const events = await collect(await client.responses.create({ model: `${model}-tokens-9`, input: 'Hello', stream: true }));
  assert.deepEqual(events.slice(0, 2).map((e) => e.type), ['response.created', 'response.in_progress']);
  const text = events.filter((e) => e.type === 'response.output_text.delta').map((e) => e.delta).join('');
  assert.match(text, / word9$/);
  const last = events.at(-1);
  assert.equal(last.type, 'response.completed');
  assert.equal(last.response.output[0].content[0].text, text);
});

each('responses: stream helper', async (model) => {
  const final = await client.responses.stream({ model, input: 'Hello' }).finalResponse();
  assert.match(final.output_text, /\] Hello$/);
});

test('responses: read on where a stream broke off', async () => {
  const seen = [];
  for await (const event of await client.responses.create({ model: `${providers.openai}-tokens-40-interval-10ms`, input: 'Hello', stream: true })) {
    if (seen.push(event) === 10) break;
  }
  const starting_after = seen.at(-1).sequence_number;
  const rest = await collect(await client.responses.retrieve(seen[0].response.id, { stream: true, starting_after }));
  const all = [...seen, ...rest];
  assert.ok(all.every((event, i) => i === 0 || event.sequence_number > all[i - 1].sequence_number));
  const text = all.filter((event) => event.type === 'response.output_text.delta').map((event) => event.delta).join('');
  assert.equal(rest.at(-1).response.output[0].content[0].text, text);
});

test('responses: in the background, and cancelled', async () => {
  const begun = await client.responses.create({ model: `${providers.openai}-tokens-400-interval-50ms`, input: 'Hello', background: true });
  assert.equal(begun.status, 'in_progress');
  assert.equal((await client.responses.cancel(begun.id)).status, 'cancelled');
  assert.equal((await client.responses.retrieve(begun.id)).status, 'cancelled');
});

each('responses: continue and fork', async (model) => {
  const first = await client.responses.create({ model, input: 'One' });
  const second = await client.responses.create({ model, input: 'Two', previous_response_id: first.id });
  const branch = await client.responses.create({ model, input: 'Other', previous_response_id: first.id });
  assert.match(second.output_text, /^\[3\/.*\] Two$/);
  assert.match(branch.output_text, /^\[3\/.*\] Other$/);
});

test('responses: retrieve and delete', async () => {
  const reply = await client.responses.create({ model: providers.openai, input: 'Hello' });
  assert.equal((await client.responses.retrieve(reply.id)).output_text, reply.output_text);
  assert.equal((await collect(client.responses.inputItems.list(reply.id))).length, 1);
  await client.responses.delete(reply.id);
  await assert.rejects(client.responses.retrieve(reply.id), OpenAI.NotFoundError);
});

each('responses: tools', async (model) => {
  const tools = [{ type: 'function', strict: true, ...weather }];
  const first = await client.responses.create({ model, input: 'the weather in Oslo', tools });
  const call = first.output.find((item) => item.type === 'function_call');
  assert.deepEqual(JSON.parse(call.arguments), { query: 'the weather in Oslo' });
  const second = await client.responses.create({
    model, tools, previous_response_id: first.id, input: [{ type: 'function_call_output', call_id: call.call_id, output: 'rain' }],
  });
  assert.match(second.output_text, /^\[3\/.*\] rain$/);
});

test('conversations: life', async () => {
  const made = await client.conversations.create({ metadata: { topic: 'demo' } });
  assert.deepEqual((await client.conversations.retrieve(made.id)).metadata, { topic: 'demo' });
  assert.deepEqual((await client.conversations.update(made.id, { metadata: { topic: 'other' } })).metadata, { topic: 'other' });
  const items = Array.from({ length: 5 }, (_, i) => ({ type: 'message', role: 'user', content: `number ${i}` }));
  const added = await client.conversations.items.create(made.id, { items });
  await client.conversations.items.delete(added.data[2].id, { conversation_id: made.id });
  const kept = await collect(client.conversations.items.list(made.id, { order: 'asc', limit: 2 }));
  assert.deepEqual(kept.map((i) => i.content[0].text), ['number 0', 'number 1', 'number 3', 'number 4']);
  assert.equal((await client.conversations.delete(made.id)).deleted, true);
  await assert.rejects(client.conversations.retrieve(made.id), OpenAI.NotFoundError);
});

each('conversations: turns', async (model) => {
  const made = await client.conversations.create({});
  const first = await client.responses.create({ model, conversation: made.id, input: 'One' });
  const second = await client.responses.create({ model, conversation: made.id, input: 'Two' });
  assert.match(first.output_text, /^\[1\//);
  assert.match(second.output_text, /^\[3\//);
});

test('models', async () => {
  const names = (await collect(client.models.list())).map((m) => m.id);
  assert.ok(names.includes('assistant'), `the names are ${names}`);
  await assert.rejects(client.models.retrieve('nobody'), OpenAI.NotFoundError);
});

test('embeddings', async () => {
  const input = ['How do I sharpen a chisel?', 'What is the best way to sharpen a chisel?', 'What do owls eat?'];
  for (const settings of [{}, { encoding_format: 'float' }]) { // where nothing is said the client asks for base64
    const made = await client.embeddings.create({ model: 'parley-embedding', input, ...settings });
    const nearness = (a, b) => made.data[a].embedding.reduce((sum, x, i) => sum + x * made.data[b].embedding[i], 0);
    assert.equal(made.data[0].embedding.length, 256);
    assert.ok(nearness(0, 1) > nearness(0, 2) + 0.3, `${nearness(0, 1)} and ${nearness(0, 2)}`);
  }
  await assert.rejects(client.embeddings.create({ model: 'nobody', input: 'Hello' }), OpenAI.NotFoundError);
});

// Opens a WebSocket, has it used, and closes it.
const socketed = async (options, use) => {
  const socket = new ResponsesWS(client, options);
  const stream = socket.stream();
  const until = async (kind) => {
    const events = [];
    for (;;) {
      const { value, done } = await stream.next();
      assert.ok(!done && value.type !== 'close', `closed before ${kind}: ${JSON.stringify(value)}`);
      if (value.type === 'error' && kind === 'error') return value.error.error;
      assert.notEqual(value.type, 'error', String(value.error));
      if (value.type === 'message') events.push(value.message);
      if (events.at(-1)?.type === kind) return events;
    }
  };
  try {
    await use(socket, until);
  } finally {
    socket.close();
  }
};

for (const perMessageDeflate of [false, true]) {
  each(`websocket: the events of a stream, compressed ${perMessageDeflate}`, (model) => socketed({ perMessageDeflate }, async (socket, until) => {
    socket.send({ type: 'response.create', model: `${model}-tokens-20`, input: 'Hello '.repeat(300).trim() });
    const events = await until('response.completed');
    const streamed = await collect(await client.responses.create({ model: `${model}-tokens-20`, input: 'Hello '.repeat(300).trim(), stream: true }));
    const kinds = (all) => all.map((e) => e.type).filter((type) => !type.endsWith('.delta'));
    assert.deepEqual(kinds(events), kinds(streamed));
    const text = events.filter((e) => e.type === 'response.output_text.delta').map((e) => e.delta).join('');
    assert.equal(events.at(-1).response.output[0].content[0].text, text);
  }));
}

each('websocket: one goes on from another', (model) => socketed({}, async (socket, until) => {
  for (const store of [true, false]) {
    socket.send({ type: 'response.create', model, input: 'One', store });
    const first = (await until('response.completed')).at(-1).response;
    socket.send({ type: 'response.create', model, input: 'Two', store, previous_response_id: first.id });
    const second = (await until('response.completed')).at(-1).response;
    assert.match(second.output[0].content[0].text, /^\[3\/.*\] Two$/);
  }
}));

test('websocket: errors', () => socketed({}, async (socket, until) => {
  socket.send({ type: 'response.create', model: providers.openai, input: 'x', previous_response_id: `resp_${'0'.repeat(32)}` });
  assert.equal((await until('error')).error.code, 'previous_response_not_found');
  socket.send({ type: 'response.create', model: providers.openai, input: 'Hello', stream_id: 'a' });
  assert.ok((await until('response.completed')).every((e) => e.stream_id === 'a'));
}));
