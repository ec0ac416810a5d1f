import { ExitError } from "../terminal/errors.ts";
import type { OpenControl } from "./control.ts";
import type { NewNode as FlowerNode } from "./control_client.ts";
import { expiryOf } from "./expiry.ts";
import type { Labels } from "./labels.ts";
import { isMissingService, onlyTrellis } from "./trellis_only.ts";

/** A SuperNode that is to be let in, with what only Trellis keeps of it. */
export interface NewNode extends FlowerNode {
  readonly labels: Labels;
  /** A time that {@linkcode expiryOf} reads; never without. */
  readonly expires?: string | undefined;
}

/** Registers a SuperNode and gives its id, by the Control API where that has all that is said of it. */
export async function registerNode(control: OpenControl, node: NewNode): Promise<bigint> {
  const { labels, expires, name, location } = node;
  const needsTrellis = Object.keys(labels).length > 0 || expires !== undefined;
  if (!needsTrellis && name === undefined && location === undefined) {
    return await control.registerNode(node);
  }
  if (needsTrellis) return await onlyTrellis(() => registerByRegistry(control, node));
  try {
    return await registerByRegistry(control, node);
  } catch (error) {
    if (!isMissingService(error)) throw error;
    return await control.registerNode(node);
  }
}

async function registerByRegistry(control: OpenControl, node: NewNode): Promise<bigint> {
  const { publicKey, name, location, labels, expires } = node;
  const { Registry: { method } } = await import("../proto/gen/trellis/v1/registry_pb.ts");
  const { nodes: [made], faults: [fault] } = await control.call(method.registerNodes, {
    nodes: [{
      publicKey,
      mustBeNew: true,
      ...(name === undefined ? {} : { name }),
      ...(location === undefined ? {} : { location }),
      ...(Object.keys(labels).length === 0 ? {} : { labels: { labels } }),
      ...(expires === undefined ? {} : { expiry: expiryOf(expires, Date.now() * 1000) }),
    }],
  });
  if (fault) throw new ExitError(`The SuperNode cannot be registered. ${fault.text}`);
  return made?.nodeId ?? 0n;
}
