// Load on the chat completions of a running server: 100 users who ask one
// question after the other, half of them for a stream.
//
//   k6 run -e BASE_URL=http://127.0.0.1:8080 -e API_KEY=pk_... bench/k6/load_test.js
//
// MODEL      what to ask; the default is answered by bench/upstream and by `parley serve --demo`
// VUS        users (100)
// DURATION   how long (30s)
// P95_MS     what 95 % of plain requests have to be answered within (250)
// TTFB_MS    what 95 % of streams have to begin within (250)
//
// k6 reads a stream to its end before it hands it over: `http_req_waiting` is
// the time to its first byte, and `http_req_duration` that to its last.

import http from "k6/http";
import { check } from "k6";
import { Counter } from "k6/metrics";

const env = typeof __ENV === "undefined" ? {} : __ENV;
const baseURL = (env.BASE_URL || "http://127.0.0.1:8080").replace(/\/+$/, "");
const model = env.MODEL || "gpt-fake-tokens-20";
const users = Number(env.VUS || 100);
const duration = env.DURATION || "30s";

const broken = new Counter("broken_replies");

export const options = {
  scenarios: {
    plain: { executor: "constant-vus", exec: "plain", vus: Math.ceil(users / 2), duration, tags: { kind: "plain" } },
    stream: { executor: "constant-vus", exec: "stream", vus: Math.max(1, Math.floor(users / 2)), duration, tags: { kind: "stream" } },
  },
  thresholds: {
    "http_req_duration{kind:plain}": [`p(95)<${env.P95_MS || 250}`],
    "http_req_waiting{kind:stream}": [`p(95)<${env.TTFB_MS || 250}`],
    http_req_failed: ["rate<0.001"],
    broken_replies: ["count==0"],
  },
  summaryTrendStats: ["min", "med", "avg", "p(95)", "p(99)", "max", "count"],
};

const questions = [
  "How do I locate my card?",
  "What is the difference between a mutex and a channel?",
  "Why is the sky blue and the sunset red?",
  "Can I freeze cream cheese?",
  "What does the value date of a transfer mean?",
];

function ask(stream) {
  const body = {
    model,
    stream,
    messages: [
      { role: "system", content: "You are a helpful assistant." },
      { role: "user", content: questions[Math.floor(Math.random() * questions.length)] },
    ],
  };
  const headers = { "Content-Type": "application/json" };
  if (env.API_KEY) {
    headers.Authorization = `Bearer ${env.API_KEY}`;
  }
  return http.post(`${baseURL}/v1/chat/completions`, JSON.stringify(body), { headers, timeout: "60s" });
}

// finished counts replies that are not whole: a status alone says nothing of a
// stream that broke off.
function finished(reply, checks) {
  if (!check(reply, checks)) {
    broken.add(1);
  }
}

export function plain() {
  finished(ask(false), {
    "is answered": (r) => r.status === 200,
    "says something": (r) => r.status === 200 && r.json("choices.0.message.content") !== "",
    "names the request": (r) => Boolean(r.headers["X-Request-Id"]),
  });
}

export function stream() {
  finished(ask(true), {
    "is a stream": (r) => r.status === 200 && (r.headers["Content-Type"] || "").startsWith("text/event-stream"),
    "is whole": (r) => r.status === 200 && r.body.trimEnd().endsWith("data: [DONE]"),
    "has no error in it": (r) => r.status === 200 && !r.body.includes('data: {"error"'),
  });
}
