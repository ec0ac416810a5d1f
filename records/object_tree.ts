import { create } from "@bufbuild/protobuf";
import { type ObjectTree, ObjectTreeSchema } from "../proto/gen/flwr/proto/message_pb.ts";
import { MAX_OBJECTS } from "./object_head.ts";
import { isObjectId } from "./object_id.ts";
import { RecordError } from "./record_error.ts";

// Flower's own trees are five deep: Message, RecordDict, ArrayRecord, Array, ArrayChunk.
const MAX_TREE_DEPTH = 16;

/** One object of a tree, with its direct children in head order. */
export interface TreeEntry {
  readonly objectId: string;
  readonly children: readonly string[];
}

/**
 * The objects of a tree that a peer sent, children before parents and each id once: the order in
 * which Flower registers and pushes them. The last entry is the root.
 *
 * @throws {RecordError} when an id is not 64 lower-case hex digits, a child is named twice, one id has
 * two different lists of children (which also rules out loops), or the tree is deeper than 16 or
 * larger than {@link MAX_OBJECTS} nodes.
 */
export function postOrder(tree: ObjectTree): TreeEntry[] {
  const entries = new Map<string, TreeEntry>();
  let nodes = 0;

  const visit = (node: ObjectTree, depth: number): void => {
    if (depth > MAX_TREE_DEPTH) {
      throw new RecordError(`The object tree is more than ${MAX_TREE_DEPTH} objects deep.`);
    }
    if (++nodes > MAX_OBJECTS) {
      throw new RecordError(`The object tree has more than ${MAX_OBJECTS} nodes.`);
    }
    if (!isObjectId(node.objectId)) {
      throw new RecordError(
        `The object tree has '${node.objectId.slice(0, 80)}', which is not an object id.`,
      );
    }
    const children = node.children.map((child) => child.objectId);
    if (new Set(children).size !== children.length) {
      throw new RecordError(`The object tree names a child of '${node.objectId}' twice.`);
    }
    for (const child of node.children) visit(child, depth + 1);
    const known = entries.get(node.objectId);
    if (known === undefined) {
      entries.set(node.objectId, { objectId: node.objectId, children });
    } else if (!sameIds(known.children, children)) {
      throw new RecordError(`The object tree gives '${node.objectId}' two lists of children.`);
    }
  };

  visit(tree, 1);
  return [...entries.values()];
}

/**
 * The tree under `rootId`, sub-trees that objects share repeated as Flower does. (They are one value
 * in memory, so this costs no more than the objects themselves.)
 *
 * @param childrenOf the direct children of an object, in head order.
 * @throws {RecordError} when it would be deeper or larger than {@link postOrder} accepts.
 */
export function buildTree(
  rootId: string,
  childrenOf: (objectId: string) => readonly string[],
): ObjectTree {
  interface Built {
    readonly tree: ObjectTree;
    readonly nodes: number;
    readonly height: number;
  }
  const known = new Map<string, Built>();
  const tooLarge = () =>
    new RecordError(`The object tree under '${rootId}' is too deep or too large.`);

  const build = (objectId: string, depth: number): Built => {
    const seen = known.get(objectId);
    if (seen !== undefined) return seen;
    if (depth > MAX_TREE_DEPTH) throw tooLarge();
    const children = childrenOf(objectId).map((child) => build(child, depth + 1));
    const nodes = children.reduce((sum, child) => sum + child.nodes, 1);
    const height = children.reduce((most, child) => Math.max(most, child.height), 0) + 1;
    if (height > MAX_TREE_DEPTH || nodes > MAX_OBJECTS) throw tooLarge();
    const tree = create(ObjectTreeSchema, {
      objectId,
      children: children.map((child) => child.tree),
    });
    const built = { tree, nodes, height };
    known.set(objectId, built);
    return built;
  };
  return build(rootId, 1).tree;
}

function sameIds(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id, index) => id === b[index]);
}
