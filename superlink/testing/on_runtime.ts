import { RuntimeClient } from "./runtime_client.ts";
import {
  startTestSuperLink,
  type TestSuperLink,
  type TestSuperLinkOptions,
} from "./test_superlink.ts";

/** A SuperLink, and a client of its Runtime API. */
export interface RuntimeStage {
  readonly app: RuntimeClient;
  readonly link: TestSuperLink;
}

/** Plays with a SuperLink and a client of its Runtime API. */
export async function onRuntime(
  play: (stage: RuntimeStage) => Promise<void>,
  options: TestSuperLinkOptions = {},
): Promise<void> {
  await using link = await startTestSuperLink(options);
  using app = new RuntimeClient(link);
  await play({ app, link });
}
