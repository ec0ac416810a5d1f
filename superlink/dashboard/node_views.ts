import type { Node } from "../state/node.ts";
import type { NodeTraffic } from "./node_traffic.ts";
import { type NodeView, nodeView } from "./node_list.ts";

/** Which node a key or an id is of, for lists in which people look for a name. */
export interface NamedNode {
  readonly id: string;
  readonly name: string;
}

/**
 * All nodes as the page shows them, made once for each look at the registry: every page that is told of
 * a change asks for some of them.
 */
export class NodeViews {
  readonly #nodes: { get(): Promise<readonly Node[]> };
  readonly #traffic: NodeTraffic;
  readonly #nowMicros: () => number;
  readonly #made = new WeakMap<readonly Node[], readonly NodeView[]>();
  readonly #named = new WeakMap<readonly Node[], ReadonlyMap<string, NamedNode>>();

  constructor(
    nodes: { get(): Promise<readonly Node[]> },
    traffic: NodeTraffic,
    nowMicros: () => number,
  ) {
    this.#nodes = nodes;
    this.#traffic = traffic;
    this.#nowMicros = nowMicros;
  }

  async all(): Promise<readonly NodeView[]> {
    const nodes = await this.#nodes.get();
    const made = this.#made.get(nodes) ?? nodes.map((node) => this.of(node));
    this.#made.set(nodes, made);
    return made;
  }

  /** One as it is now. */
  of(node: Node): NodeView {
    return nodeView(node, this.#traffic, this.#nowMicros());
  }

  /** Nodes by their ids, and by the fingerprints of all keys that are good for them. */
  async named(): Promise<ReadonlyMap<string, NamedNode>> {
    const nodes = await this.#nodes.get();
    const named = this.#named.get(nodes) ?? new Map(nodes.flatMap(namesOf));
    this.#named.set(nodes, named);
    return named;
  }
}

function namesOf({ row }: Node): [string, NamedNode][] {
  const { nodeId, name = "", fingerprint, earlierKeys = [] } = row;
  const id = String(nodeId);
  return [id, fingerprint, ...earlierKeys.map((key) => key.fingerprint)]
    .map((known) => [known, { id, name }]);
}
