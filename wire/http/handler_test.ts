import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { delay } from "@std/async";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  Fleet,
  PullMessagesRequestSchema,
  PullMessagesResponseSchema,
} from "../../proto/gen/flwr/proto/fleet_pb.ts";
import { Control } from "../../proto/gen/flwr1_41/proto/control_pb.ts";
import { StreamLogsResponseSchema } from "../../proto/gen/flwr/proto/control_pb.ts";
import { flowerError } from "../flower_error.ts";
import { type Call, defineService, type IncomingCall, type Methods } from "../service.ts";
import { StatusError } from "../status.ts";
import { unframed } from "./framing.ts";
import { type HttpHandler, httpHandler, type HttpHandlerOptions } from "./handler.ts";

const MAX_MESSAGE_BYTES = 1000;
const PULL = "/v1/fleet/pull-messages";
const LOGS = "/v1/control/stream-logs";
const TYPE = { "content-type": "application/protobuf" };

interface Stage {
  readonly fleet?: Methods<typeof Fleet, IncomingCall>;
  readonly control?: Methods<typeof Control, IncomingCall>;
  readonly admit?: (call: IncomingCall) => IncomingCall;
  readonly options?: Partial<HttpHandlerOptions>;
}

/** A handler of both services; `errors` collects what the peer is not told. */
function stage({ fleet = {}, control = {}, admit = (call) => call, options }: Stage = {}) {
  const errors: [string, unknown][] = [];
  const handler = httpHandler({
    bindings: [
      { service: defineService(Fleet, admit, fleet), maxMessageBytes: MAX_MESSAGE_BYTES },
      { service: defineService(Control, admit, control), maxMessageBytes: MAX_MESSAGE_BYTES },
    ],
    onInternalError: (method, error) => errors.push([method, error]),
    ...options,
  });
  return { handler, errors };
}

function post(path: string, body: BodyInit | null = null, headers: HeadersInit = TYPE): Request {
  return new Request(`http://superlink${path}`, { method: "POST", body, headers });
}

/** What an answer says: its status and its body, as JSON where it is. */
async function told(response: Response): Promise<[status: number, body: unknown]> {
  const text = await response.text();
  const isJson = response.headers.get("content-type") === "application/json";
  return [response.status, isJson ? JSON.parse(text) : text];
}

async function ask(handler: HttpHandler, request: Request) {
  return await told(await handler(request, "192.0.2.1:5"));
}

const NOT_FOUND = [404, { detail: "Not Found" }];
const WRONG_METHOD = [405, { detail: "Method Not Allowed" }];
const WRONG_TYPE = [415, { code: 1002, detail: "Unsupported Content-Type." }];
const WRONG_BODY = [400, { code: 1003, detail: "Invalid protobuf payload." }];
const TOO_LARGE = [413, { detail: `The request is larger than ${MAX_MESSAGE_BYTES} bytes.` }];

/** Requests that reach no method. */
const REFUSED: [name: string, request: () => Request, expected: unknown[]][] = [
  ["an unknown path", () => post("/v1/fleet/nope"), NOT_FOUND],
  ["the root", () => new Request("http://superlink/"), NOT_FOUND],
  ["a path in capitals", () => post("/v1/Fleet/PullMessages"), NOT_FOUND],
  ["two slashes at the end", () => post(`${PULL}//`), NOT_FOUND],
  ["a slash at the end of an unknown path", () => post("/v1/nope/"), NOT_FOUND],
  ["GET", () => new Request(`http://superlink${PULL}`, { headers: TYPE }), WRONG_METHOD],
  ["PUT", () => new Request(`http://superlink${PULL}`, { method: "PUT" }), WRONG_METHOD],
  ["POST to /health", () => post("/health"), WRONG_METHOD],
  ["no content type", () => post(PULL, null, {}), WRONG_TYPE],
  ["JSON", () => post(PULL, "{}", { "content-type": "application/json" }), WRONG_TYPE],
  ["an empty content type", () => post(PULL, null, { "content-type": "" }), WRONG_TYPE],
  ["a longer content type", () => post(PULL, null, { "content-type": `${TYPE}x` }), WRONG_TYPE],
  ["two content types", () =>
    post(PULL, null, [
      ["content-type", "application/protobuf"],
      ["content-type", "text/plain"],
    ]), WRONG_TYPE],
  ["a body that is no protobuf", () => post(PULL, "\xff\xff"), WRONG_BODY],
  ["a body that is cut off", () => post(PULL, new Uint8Array([0x0a, 5, 1])), WRONG_BODY],
  ["a body that is too large", () => post(PULL, new Uint8Array(1001)), TOO_LARGE],
  ["a length that is too large", () => {
    return post(PULL, null, { ...TYPE, "content-length": "1001" });
  }, TOO_LARGE],
  ["a body of unknown length that gets too large", () => post(PULL, endless()), TOO_LARGE],
];

for (const [name, request, expected] of REFUSED) {
  Deno.test(`httpHandler() refuses ${name}`, async () => {
    let called = 0;
    const { handler, errors } = stage({
      fleet: { pullMessages: () => Promise.resolve(called++ ? {} : {}) },
    });
    assertEquals(await ask(handler, request()), [...expected]);
    assertEquals([called, errors.length], [0, 0]);
  });
}

Deno.test("httpHandler() says which methods a path takes", async () => {
  const { handler } = stage();
  for (const [path, allowed] of [[PULL, "POST"], ["/health", "GET, HEAD"]] as const) {
    const request = new Request(`http://superlink${path}`, { method: "DELETE" });
    assertEquals((await handler(request, "")).headers.get("allow"), allowed);
  }
});

Deno.test("httpHandler() sends a path with a slash too many where it belongs", async () => {
  const response = await stage().handler(post(`${PULL}/`), "");
  assertEquals([response.status, response.headers.get("location")], [307, PULL]);
});

Deno.test("httpHandler() answers /health without a body, as the server serves", async () => {
  let isServing = true;
  const { handler } = stage({ options: { isServing: () => isServing } });
  for (const [serving, status] of [[true, 200], [false, 503]] as const) {
    isServing = serving;
    for (const method of ["GET", "HEAD"]) {
      const response = await handler(new Request("http://superlink/health", { method }), "");
      assertEquals([response.status, await response.text()], [status, ""]);
    }
  }
});

for (const type of ["application/protobuf", "Application/Protobuf ; charset=utf-8"]) {
  Deno.test(`httpHandler() takes a message of the type "${type}" and answers one`, async () => {
    const { handler } = stage({
      fleet: {
        pullMessages: ({ node, messageIds }) =>
          Promise.resolve({ reconnect: { reconnect: (node?.nodeId ?? 0n) + 1n }, messageIds }),
      },
    });
    const body = toBinary(
      PullMessagesRequestSchema,
      create(PullMessagesRequestSchema, { node: { nodeId: 41n } }),
    );
    const response = await handler(post(PULL, body, { "content-type": type }), "");
    assertEquals(response.headers.get("content-type"), "application/protobuf");
    assertEquals(response.headers.get("cache-control"), "no-store");
    const answer = fromBinary(PullMessagesResponseSchema, await response.bytes());
    assertEquals(answer.reconnect?.reconnect, 42n);
  });
}

Deno.test("httpHandler() takes an empty body for a message without fields, and answers so", async () => {
  const { handler } = stage({ fleet: { pullMessages: () => Promise.resolve({}) } });
  const response = await handler(post(PULL), "");
  assertEquals([response.status, (await response.bytes()).length], [200, 0]);
});

Deno.test("httpHandler() admits a call on its headers, before it reads of the body", async () => {
  const calls: IncomingCall[] = [];
  const { handler } = stage({
    admit: (call) => {
      calls.push(call);
      throw flowerError("nodeNotAuthenticated", { grpcText: "Invalid signature" });
    },
  });
  let read = 0;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      read++;
      controller.enqueue(new Uint8Array(1));
    },
  }, { highWaterMark: 0 });
  const headers = { ...TYPE, "flwr-timestamp": "now", "flwr-signature": "AP8=" };
  assertEquals(await ask(handler, post(PULL, body, headers)), [
    401,
    { detail: "Invalid SuperNode authentication" },
  ]);
  assertEquals(read, 0);
  const [call] = calls;
  assertEquals([call?.method, call?.peer, call?.connection], [
    "PullMessages",
    "192.0.2.1:5",
    undefined,
  ]);
  assert(call && call.patienceMs < 30_000);
  assertEquals(call.headers.text("flwr-timestamp"), "now");
  assertEquals(call.headers.bytes("flwr-signature"), new Uint8Array([0, 255]));
});

/** What methods throw, and what the peer is told. */
const ERRORS: [name: string, error: unknown, expected: unknown[]][] = [
  ["an error of the catalogue", flowerError("runFinished"), [412, {
    code: 18,
    detail: "Run is already finished.",
  }]],
  ["one with details", flowerError("invalidLocation", { extra: "Too far." }), [400, {
    code: 45,
    detail: "Invalid SuperNode location.",
    extra: "Too far.",
  }]],
  [
    "one with another sentence over gRPC",
    flowerError("activationFailed", { grpcText: "secret" }),
    [412, { code: 2004, detail: "Failed to activate SuperNode." }],
  ],
  ["an error without a number", new StatusError("UNAVAILABLE", "Later."), [503, {
    detail: "Later.",
  }]],
  ["a permission that is denied", new StatusError("PERMISSION_DENIED", "No."), [403, {
    detail: "No.",
  }]],
  ["a defect", new Error("the cause"), [500, { detail: "Internal server error." }]],
  ["a thrown value", "the cause", [500, { detail: "Internal server error." }]],
];

for (const [name, error, expected] of ERRORS) {
  Deno.test(`httpHandler() tells of ${name}`, async () => {
    const { handler } = stage({ fleet: { pullMessages: () => Promise.reject(error) } });
    assertEquals(await ask(handler, post(PULL)), [...expected]);
  });
}

Deno.test("httpHandler() logs a defect that it tells nothing of", async () => {
  const defect = new Error("the cause");
  const { handler, errors } = stage({ control: { listNodes: () => Promise.reject(defect) } });
  assertEquals(await ask(handler, post("/v1/control/list-nodes")), [500, {
    detail: "Internal server error.",
  }]);
  assertEquals(errors, [["/v1/control/list-nodes", defect]]);
});

Deno.test("httpHandler() says of a method that is not there that it is not", async () => {
  const [status, body] = await ask(stage().handler, post("/v1/fleet/get-run"));
  assertEquals(status, 501);
  assertStringIncludes(JSON.stringify(body), "GetRun is not available");
});

Deno.test("httpHandler() does not wait for a body that stops coming", async () => {
  const { handler } = stage({ options: { bodyIdleMs: 20 } });
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new Uint8Array(1)),
  });
  assertEquals(await ask(handler, post(PULL, body)), [408, {
    detail: "The request stopped coming.",
  }]);
});

Deno.test("httpHandler() frees a held call when its peer is gone, and no call that was answered", async () => {
  const { promise: held, resolve: hold } = Promise.withResolvers<AbortSignal>();
  const { handler } = stage({
    fleet: {
      async pullMessages(_, { signal }: Call<IncomingCall>) {
        hold(signal);
        if (!signal.aborted) {
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        }
        return {};
      },
      sendNodeHeartbeat: (_, { signal }) => {
        signals.push(signal);
        return Promise.resolve({});
      },
    },
  });
  const signals: AbortSignal[] = [];
  const peer = new AbortController();
  const call = handler(new Request(post(PULL), { signal: peer.signal }), "");
  const signal = await held;
  assertEquals(signal.aborted, false);
  peer.abort();
  await call;
  assertEquals(signal.aborted, true);

  const other = new AbortController();
  const path = "/v1/fleet/send-node-heartbeat";
  await handler(new Request(post(path), { signal: other.signal }), "");
  other.abort();
  assertEquals(signals.map(({ aborted }) => aborted), [false]);
});

Deno.test("httpHandler() streams messages as they come, each behind its length", async () => {
  const steps = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  const { handler } = stage({
    control: {
      async *streamLogs({ runId }) {
        yield { logOutput: `run ${runId}`, latestTimestamp: 1 };
        await steps[0].promise;
        yield {};
        await steps[1].promise;
        yield { logOutput: "end" };
      },
    },
  });
  const response = await handler(post(LOGS, new Uint8Array([8, 7])), "");
  assertEquals(response.headers.get("content-type"), "application/flower-protobuf-stream");
  assert(response.body);
  const messages = unframed(response.body, 1000);
  const next = async () => {
    const { value } = await messages.next();
    return value && fromBinary(StreamLogsResponseSchema, value).logOutput;
  };
  assertEquals(await next(), "run 7");
  steps[0].resolve();
  assertEquals(await next(), "");
  steps[1].resolve();
  assertEquals(await next(), "end");
  assertEquals(await next(), undefined);
});

Deno.test("httpHandler() tells of an error before the first message with a status", async () => {
  const { handler } = stage({
    control: {
      // deno-lint-ignore require-yield
      async *streamLogs() {
        await Promise.resolve();
        throw flowerError("runNotFound");
      },
    },
  });
  assertEquals(await ask(handler, post(LOGS)), [404, { code: 16, detail: "Run ID not found." }]);
});

Deno.test("httpHandler() breaks a stream off that fails later, and logs why", async () => {
  const defect = new Error("the cause");
  const { handler, errors } = stage({
    control: {
      async *streamLogs() {
        yield {};
        await Promise.resolve();
        throw defect;
      },
    },
  });
  const response = await handler(post(LOGS), "");
  assertEquals(response.status, 200);
  const broken = await response.bytes().then(() => false, () => true);
  assertEquals([broken, errors], [true, [[LOGS, defect]]]);
});

Deno.test("httpHandler() answers a stream that is silent at first, and ends it with its reader", async () => {
  const ended = Promise.withResolvers<void>();
  const { handler } = stage({
    control: {
      async *streamLogs(_, { signal }) {
        try {
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          yield {};
        } finally {
          ended.resolve();
        }
      },
    },
  });
  const response = await handler(post(LOGS), "");
  assertEquals(response.status, 200);
  const reader = response.body?.getReader();
  const read = reader?.read();
  await delay(0);
  await reader?.cancel();
  await ended.promise;
  assertEquals((await read)?.done, true);
});

/** More than any limit, a little at a time. */
function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(100)) });
}
