/** A FAB that cannot be used. The message says why in a sentence that its sender may see. */
export class FabError extends Error {
  override readonly name = "FabError";
}
