import { assert, assertEquals, assertRejects } from "@std/assert";
import { generateCertificates } from "../../keys/certificates.ts";
import { inDirectory } from "../../keys/testdata/scratch.ts";
import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import { Control } from "../../proto/gen/flwr1_41/proto/control_pb.ts";
import type { Address } from "../address.ts";
import { flowerError } from "../flower_error.ts";
import { type Call, defineService, type IncomingCall, type Service } from "../service.ts";
import { StatusError } from "../status.ts";
import { loadServerTls, type ServerTls } from "../tls.ts";
import { HttpChannel } from "./client.ts";
import { httpHandler } from "./handler.ts";
import { HttpServer } from "./server.ts";

const ANYWHERE = { host: "127.0.0.1", port: 0 };

interface Stage {
  readonly address: Address;
  readonly channel: HttpChannel;
}

/** Serves a service, and plays with a channel to it. */
async function withService(service: Service, play: (stage: Stage) => Promise<void>) {
  const handler = httpHandler({ bindings: [{ service, maxMessageBytes: 1024 ** 2 }] });
  await withHandler((request) => handler(request, "unknown"), play);
}

/** Serves any answers. */
async function withHandler(
  answer: (request: Request) => Response | Promise<Response>,
  play: (stage: Stage) => Promise<void>,
) {
  const server = new HttpServer(async (request) => await answer(request), undefined);
  const address = server.listen(ANYWHERE);
  const channel = new HttpChannel(address, { insecure: true });
  try {
    await play({ address, channel });
  } finally {
    channel.close();
    await server.drain(1_000);
  }
}

function pull(channel: HttpChannel, options: Parameters<HttpChannel["unary"]>[2] = {}) {
  return channel.unary(Fleet.method.pullMessages, { node: { nodeId: 7n } }, options);
}

async function refusal(call: Promise<unknown>): Promise<StatusError> {
  return await assertRejects(() => call, StatusError);
}

Deno.test("HttpChannel sends a message with its headers, and gives the answer", async () => {
  const calls: IncomingCall[] = [];
  const service = defineService(Fleet, (call) => void calls.push(call), {
    getFab: ({ hashStr, runId }) =>
      Promise.resolve({ fab: { hashStr, content: new Uint8Array(Number(runId)) } }),
  });
  await withService(service, async ({ channel }) => {
    const answer = await channel.unary(
      Fleet.method.getFab,
      { hashStr: "ab", runId: 100_000n },
      { headers: { text: { "x-text": "words" }, bytes: { "x-bytes": new Uint8Array([0, 255]) } } },
    );
    assertEquals([answer.fab?.hashStr, answer.fab?.content.length], ["ab", 100_000]);
    const headers = calls[0]?.headers;
    assertEquals(headers?.text("x-text"), "words");
    assertEquals(headers?.text("x-bytes"), "AP8=");
  });
});

Deno.test("HttpChannel gives a message without fields for an empty body", async () => {
  await withService(
    defineService(Fleet, () => undefined, { pullMessages: () => Promise.resolve({}) }),
    async ({ channel }) => assertEquals((await pull(channel)).messagesList, []),
  );
});

Deno.test("HttpChannel tells errors by Flower's number, or else by the HTTP status", async (t) => {
  const table: [name: string, answer: Response, status: string, message: string][] = [
    [
      "a number",
      Response.json({ code: 2004, detail: "Failed." }, { status: 412 }),
      "FAILED_PRECONDITION",
      "Failed.",
    ],
    [
      "a number with more to say",
      Response.json({ code: 45, detail: "Invalid.", extra: "Too far." }, { status: 400 }),
      "INVALID_ARGUMENT",
      "Invalid. Too far.",
    ],
    ["401", Response.json({ detail: "Nobody" }, { status: 401 }), "UNAUTHENTICATED", "Nobody"],
    ["403", Response.json({ detail: "No" }, { status: 403 }), "PERMISSION_DENIED", "No"],
    ["404", Response.json({ detail: "Not Found" }, { status: 404 }), "UNIMPLEMENTED", "Not Found"],
    ["500", Response.json({ detail: "Oh" }, { status: 500 }), "INTERNAL", "Oh"],
    [
      "a proxy's page",
      new Response("<html>", { status: 502 }),
      "UNAVAILABLE",
      "The server answered with HTTP status 502.",
    ],
    ["503", Response.json({ detail: "Later" }, { status: 503 }), "UNAVAILABLE", "Later"],
    [
      "a page that is a success",
      new Response("<html>", { headers: { "content-type": "text/html" } }),
      "UNKNOWN",
      "What answers there is no Flower API.",
    ],
    [
      "a body that is no message",
      new Response(new Uint8Array([0xff]), { headers: { "content-type": "application/protobuf" } }),
      "INTERNAL",
      "Response message parsing error",
    ],
  ];
  for (const [name, answer, status, message] of table) {
    await t.step(name, async () => {
      await withHandler(() => answer, async ({ channel }) => {
        const error = await refusal(pull(channel));
        assertEquals([error.status, error.message], [status, message]);
      });
    });
  }
});

Deno.test("HttpChannel follows no redirect, whatever its kind, and says where it leads", async () => {
  const asked: string[] = [];
  const other = new HttpServer((request) => {
    asked.push(request.url);
    return Promise.resolve(new Response());
  }, undefined);
  const { port } = other.listen(ANYWHERE);
  try {
    const elsewhere = `http://127.0.0.1:${port}`;
    for (const status of [301, 302, 303, 307, 308]) {
      for (const location of [`${elsewhere}/v1/fleet/pull-messages`, `//127.0.0.1:${port}/`]) {
        const answer = () => new Response("moved", { status, headers: { location } });
        await withHandler(answer, async ({ channel }) => {
          const { status: name, message } = await refusal(pull(channel));
          assertEquals([name, message.includes(`redirects to "${elsewhere}"`)], ["UNKNOWN", true]);
        });
      }
    }
    await withHandler(
      ({ url }) => {
        asked.push(url);
        return Response.redirect(new URL("/other", url), 307);
      },
      async ({ address, channel }) => {
        const own = `http://127.0.0.1:${address.port}`;
        assert((await refusal(pull(channel))).message.includes(`redirects to "${own}"`));
        assertEquals(asked, [`${own}/v1/fleet/pull-messages`], "it was asked once");
      },
    );
  } finally {
    await other.drain(1_000);
  }
});

/** A program of its own: the environment belongs to all tests of this process, which may run now. */
const PULLS = (port: number) => `
  import { Fleet } from ${
  JSON.stringify(import.meta.resolve("../../proto/gen/flwr/proto/fleet_pb.ts"))
};
  import { HttpChannel } from ${JSON.stringify(import.meta.resolve("./client.ts"))};
  const channel = new HttpChannel({ host: "127.0.0.1", port: ${port} }, { insecure: true });
  await channel.unary(Fleet.method.pullMessages, {});
  channel.close();
  // Where there is a proxy, fetch goes there, and in vain: nothing listens on port 9.
  await fetch("http://127.0.0.1:${port}/").then(() => Deno.exit(1), () => Deno.exit(42));
`;

Deno.test("HttpChannel takes no proxy from the environment", () =>
  withService(
    defineService(Fleet, () => undefined, { pullMessages: () => Promise.resolve({}) }),
    async ({ address: { port } }) => {
      const proxy = "http://127.0.0.1:9";
      const { code, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["eval", PULLS(port)],
        env: {
          ...{ HTTP_PROXY: proxy, http_proxy: proxy, ALL_PROXY: proxy, all_proxy: proxy },
          ...{ NO_PROXY: "", no_proxy: "" },
        },
      }).output();
      assertEquals(code, 42, new TextDecoder().decode(stderr));
    },
  ));

Deno.test("HttpChannel keeps an error's number and the server's time", async () => {
  const service = defineService(Fleet, () => undefined, {
    pullMessages() {
      throw flowerError("runNotRunning");
    },
  });
  await withService(service, async ({ channel }) => {
    const { http } = await refusal(pull(channel));
    assertEquals([http?.status, http?.code], [403, 2007]);
    assert(Math.abs((http?.answeredAtMs ?? 0) - Date.now()) < 60_000);
  });
});

Deno.test("HttpChannel reads a stream message by message, to its end", async () => {
  const service = defineService(Control, () => undefined, {
    async *streamLogs({ runId }) {
      yield { logOutput: `run ${runId}`, latestTimestamp: 1.5 };
      yield {};
      yield { logOutput: "last", latestTimestamp: 2 };
    },
  });
  await withService(service, async ({ channel }) => {
    const texts = await Array.fromAsync(
      channel.serverStream(Control.method.streamLogs, { runId: 3n }),
      ({ logOutput }) => logOutput,
    );
    assertEquals(texts, ["run 3", "", "last"]);
  });
});

Deno.test("HttpChannel tells what a stream was refused with, and that one broke off", async () => {
  const service = defineService(Control, () => undefined, {
    async *streamLogs({ runId }) {
      if (runId === 1n) throw flowerError("runNotFound");
      yield { logOutput: "first" };
      throw new Error("The state is gone.");
    },
  });
  await withService(service, async ({ channel }) => {
    const read = (runId: bigint) =>
      Array.fromAsync(channel.serverStream(Control.method.streamLogs, { runId }));
    assertEquals((await refusal(read(1n))).http?.code, 16);
    assertEquals((await refusal(read(2n))).status, "UNAVAILABLE");
  });
});

/** A service that holds its calls until their callers are gone. */
function holding() {
  const held = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const hold = async ({ signal }: Call<undefined>) => {
    const gone = new Promise((resolve) => signal.addEventListener("abort", resolve));
    held.resolve();
    await gone;
    left.resolve();
  };
  const service = defineService(Fleet, () => undefined, {
    async pullMessages(_request, call: Call<undefined>) {
      await hold(call);
      return {};
    },
  });
  return { service, held: held.promise, left: left.promise };
}

Deno.test("HttpChannel gives a call up when its signal aborts, and the server learns of it", async () => {
  const { service, held, left } = holding();
  await withService(service, async ({ channel }) => {
    const abort = new AbortController();
    const call = refusal(pull(channel, { signal: abort.signal }));
    await held;
    abort.abort();
    assertEquals((await call).status, "CANCELLED");
    await left;
    assertEquals((await refusal(pull(channel, { signal: abort.signal }))).status, "CANCELLED");
  });
});

Deno.test("HttpChannel gives a call up when its time is over", async () => {
  const { service, held, left } = holding();
  let isHeld = false;
  void held.then(() => isHeld = true);
  await withService(service, async ({ channel }) => {
    // On a busy machine a call may be over before it has come as far as the service.
    for (let timeoutMs = 50; !isHeld; timeoutMs *= 2) {
      assertEquals((await refusal(pull(channel, { timeoutMs }))).status, "DEADLINE_EXCEEDED");
    }
    await left;
  });
});

Deno.test("HttpChannel cancels the calls under way when it is closed", async () => {
  const { service, held, left } = holding();
  await withService(service, async ({ channel }) => {
    const call = refusal(pull(channel));
    await held;
    channel.close();
    assertEquals((await call).status, "CANCELLED");
    await left;
  });
});

Deno.test("HttpChannel counts how often the server was reached after it was away", async () => {
  const server = new HttpServer(
    httpHandler({
      bindings: [{
        maxMessageBytes: 1024,
        service: defineService(Fleet, () => undefined, {
          pullMessages: () => Promise.resolve({}),
        }),
      }],
    }),
    undefined,
  );
  const address = server.listen(ANYWHERE);
  const channel = new HttpChannel(address, { insecure: true });
  assertEquals(channel.connections, 0);
  await pull(channel);
  await pull(channel);
  assertEquals(channel.connections, 1);
  await server.drain(1_000);
  assertEquals((await refusal(pull(channel))).status, "UNAVAILABLE");
  assertEquals(channel.connections, 1);
  const again = new HttpServer(
    () => Promise.resolve(new Response(null, { status: 404 })),
    undefined,
  );
  again.listen(address);
  await refusal(pull(channel));
  assertEquals(channel.connections, 2);
  channel.close();
  await again.drain(1_000);
});

/** Serves over TLS with a certificate for `host`, and gives its CA and another one. */
async function withTls(
  host: string,
  play: (address: Address, caPem: string, otherCaPem: string) => Promise<void>,
) {
  await inDirectory(async (folder) => {
    const own = await generateCertificates(`${folder}/own`, { hosts: [host] });
    const other = await generateCertificates(`${folder}/other`);
    const { tls }: { tls: ServerTls } = await loadServerTls({
      certificateFile: own.serverCertificatePath,
      keyFile: own.serverKeyPath,
      caFile: own.caCertificatePath,
    });
    const service = defineService(Fleet, () => undefined, {
      pullMessages: () => Promise.resolve({}),
    });
    const handler = httpHandler({ bindings: [{ service, maxMessageBytes: 1024 }] });
    const server = new HttpServer(handler, tls);
    const address = server.listen(ANYWHERE);
    try {
      await play(address, tls.caPem, await Deno.readTextFile(other.caCertificatePath));
    } finally {
      await server.drain(1_000);
    }
  });
}

async function pullOverTls(address: Address, rootCertificatesPem: string | undefined) {
  const channel = new HttpChannel(address, { insecure: false, rootCertificatesPem });
  try {
    await pull(channel);
  } finally {
    channel.close();
  }
}

Deno.test("HttpChannel trusts a certificate of the given CA for an IP address, and no other", async () => {
  await withTls("127.0.0.1", async (address, caPem, otherCaPem) => {
    await pullOverTls(address, caPem);
    assertEquals((await refusal(pullOverTls(address, otherCaPem))).status, "UNAVAILABLE");
    assertEquals((await refusal(pullOverTls(address, undefined))).status, "UNAVAILABLE");
  });
});

Deno.test("HttpChannel refuses a certificate that names another host", async () => {
  await withTls("superlink.example", async (address, caPem) => {
    assertEquals((await refusal(pullOverTls(address, caPem))).status, "UNAVAILABLE");
  });
});
