/**
 * What a Trellis program says of its version to a peer (Flower 1.30 and later send these headers on
 * every call).
 *
 * @module
 */

/** The Flower release whose wire protocols Trellis speaks over gRPC. */
export const FLOWER_VERSION = "1.25.0";

/**
 * The version headers of a program. Flower 1.25.0 itself sends none. They are sent all the same:
 * SuperLinks up to 1.29 pass over them, those from 1.30 on neither refuse nor warn on the Fleet API
 * whatever the version is (seen with 1.33, 1.39 and 1.42), and a log on the other side can then tell
 * which peer speaks which dialect. The package is `flwr`, because peers compare versions of that
 * name only.
 */
export function versionMetadata(component: string): Readonly<Record<string, string>> {
  return {
    "flwr-package-name": "flwr",
    "flwr-package-version": FLOWER_VERSION,
    "flwr-component-name": component,
  };
}
