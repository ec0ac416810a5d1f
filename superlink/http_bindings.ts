import type { HttpBinding } from "../wire/http/handler.ts";
import type { Services } from "./services.ts";

/** FABs have at most 10 MiB; nothing else that the CLI sends is large. */
const CONTROL_MESSAGE_LIMIT_BYTES = 32 * 1024 ** 2;

/** The largest message that is read from the CLI, where `maxMessageBytes` is that of others. */
export function controlLimit(maxMessageBytes: number): number {
  return Math.min(maxMessageBytes, CONTROL_MESSAGE_LIMIT_BYTES);
}

/** What is served to peers of Flower 1.35 and newer, on one port. */
export function httpBindings(
  services: Services,
  maxMessageBytes: number,
  { runtime }: { readonly runtime: boolean },
): HttpBinding[] {
  return [
    { service: services.fleet, maxMessageBytes },
    { service: services.nodeKeys, maxMessageBytes },
    ...[services.control141, ...services.operators].map((service) => ({
      service,
      maxMessageBytes: controlLimit(maxMessageBytes),
    })),
    ...runtime ? [{ service: services.runtime, maxMessageBytes }] : [],
  ];
}
