/**
 * Trellis, with a line in a trace file for each call that is served, but over HTTP:
 *
 *     TRELLIS_TRACE=trace.jsonl deno run -A bench/rounds/traced.ts superlink …
 *
 * @module
 */

import { supernodeCommand } from "../../supernode/main.ts";
import { superlinkCommand } from "../../superlink/main.ts";
import { GrpcServer } from "../../wire/grpc/server.ts";
import { LocalServer } from "../../wire/local/server.ts";
import type { Service } from "../../wire/service.ts";
import { TRACE_VARIABLE, type TracedCall } from "./trace.ts";

const path = Deno.env.get(TRACE_VARIABLE);
if (path === undefined) throw new Error(`Name a file with ${TRACE_VARIABLE}.`);
const file = Deno.openSync(path, { append: true, create: true });
const encoder = new TextEncoder();

function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** What of a request or an answer is told, read without knowing its type. */
function fieldOf(message: object, name: string): unknown {
  return Reflect.get(message, name);
}

function traced(service: Service): Service {
  return {
    ...service,
    async call(method, request, caller, signal) {
      const startMs = nowMs();
      let messages = 0;
      try {
        const answer = await service.call(method, request, caller, signal);
        const list = fieldOf(answer, "messagesList");
        if (Array.isArray(list)) messages = list.length;
        return answer;
      } finally {
        const node = fieldOf(request, "node");
        const nodeId = typeof node === "object" && node !== null ? fieldOf(node, "nodeId") : 0;
        const call: TracedCall = {
          side: "server",
          pid: Deno.pid,
          service: service.descriptor.name,
          method: method.name,
          startMs,
          endMs: nowMs(),
          nodeId: String(nodeId),
          messages,
        };
        file.writeSync(encoder.encode(`${JSON.stringify(call)}\n`));
      }
    },
  };
}

for (const { prototype } of [GrpcServer, LocalServer]) {
  const { add } = prototype;
  prototype.add = function (service) {
    add.call(this, traced(service));
  };
}

const [part, ...args] = Deno.args;
const command = part === "superlink" ? superlinkCommand : supernodeCommand;
Deno.exit(await command(args));
