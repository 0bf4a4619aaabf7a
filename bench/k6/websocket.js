// Streams over WebSockets of a running server: 100 connections, each of which asks
// once a second for a reply that streams for 5 to 10 seconds, on lanes of its own, so
// that several run beside each other.
//
//   k6 run -e BASE_URL=http://127.0.0.1:8080 -e API_KEY=pk_... bench/k6/websocket.js
//
// MODEL      what to ask; the default is answered by bench/upstream, and NUMBER stands
//            for how many words the reply has, ten a second
// VUS        connections (100)
// DURATION   how long (30s); replies that run then may end
// TTFT_MS    what 95 % of replies have to begin within (250)
//
// A connection that is closed by the server, an error, and a reply that does not end
// as complete all count as broken.

import { WebSocket } from "k6/websockets";
import { Counter, Trend } from "k6/metrics";

const env = typeof __ENV === "undefined" ? {} : __ENV;
const url = (env.BASE_URL || "http://127.0.0.1:8080").replace(/^http/, "ws").replace(/\/+$/, "") + "/v1/responses";
const model = env.MODEL || "gpt-fake-tokens-NUMBER-interval-100ms";
const seconds = Number((env.DURATION || "30s").replace(/s$/, ""));

const broken = new Counter("broken_replies");
const complete = new Counter("complete_replies");
const deltas = new Counter("deltas");
const firstToken = new Trend("time_to_first_token", true);

const wordsASecond = 10;
const longest = 10; // seconds
const lanes = 16; // a connection's limit of replies at a time

export const options = {
  scenarios: {
    sessions: {
      executor: "per-vu-iterations", vus: Number(env.VUS || 100), iterations: 1, maxDuration: `${seconds + 4 * longest}s`,
    },
  },
  thresholds: {
    time_to_first_token: [`p(95)<${env.TTFT_MS || 250}`],
    broken_replies: ["count==0"],
    complete_replies: ["count>0"],
  },
  summaryTrendStats: ["min", "med", "avg", "p(95)", "p(99)", "max", "count"],
};

export default function session() {
  const headers = env.API_KEY ? { Authorization: `Bearer ${env.API_KEY}` } : {};
  const socket = new WebSocket(url, null, { headers });
  const running = new Map(); // when each lane's reply was asked for, and whether it has begun
  let next = 0;
  let over = false;
  let timer;

  function ask() {
    const lane = `lane-${next++ % lanes}`;
    if (running.has(lane)) {
      return; // the one of 16 seconds ago has not ended
    }
    running.set(lane, { asked: Date.now(), begun: false });
    const words = Math.round(wordsASecond * (5 + Math.random() * (longest - 5)));
    socket.send(JSON.stringify({
      type: "response.create", stream_id: lane, model: model.replace("NUMBER", words), store: false, input: "Why is the sky blue and the sunset red?",
    }));
  }

  function leaveWhenDone() {
    if (over && running.size === 0) {
      socket.close();
    }
  }

  socket.onopen = () => {
    setTimeout(() => {
      ask();
      timer = setInterval(ask, 1000);
    }, Math.random() * 1000);
    setTimeout(() => {
      clearInterval(timer);
      over = true;
      leaveWhenDone();
    }, seconds * 1000);
  };

  socket.onmessage = (message) => {
    const event = JSON.parse(message.data);
    const reply = running.get(event.stream_id);
    switch (event.type) {
      case "response.output_text.delta":
        deltas.add(1);
        if (reply && !reply.begun) {
          reply.begun = true;
          firstToken.add(Date.now() - reply.asked);
        }
        return;
      case "response.completed":
        complete.add(1);
        break;
      case "error":
      case "response.failed":
      case "response.incomplete":
        broken.add(1);
        break;
      default:
        return;
    }
    running.delete(event.stream_id);
    leaveWhenDone();
  };

  socket.onerror = () => broken.add(1);
  socket.onclose = () => {
    clearInterval(timer);
    broken.add(running.size); // what had not ended
  };
}
