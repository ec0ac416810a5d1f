import type { DescMethod } from "@bufbuild/protobuf";

/**
 * The path of a method: `/v1/<api>/<method>` in kebab case, where the API is the service's name
 * without its package, for example `/v1/fleet/pull-messages` (Flower 1.35 and newer).
 */
export function pathOf(method: DescMethod): string {
  return `/v1/${kebab(method.parent.name)}/${kebab(method.name)}`;
}

function kebab(camelCase: string): string {
  return camelCase.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
}
