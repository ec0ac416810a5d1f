import type { MessageInitShape } from "@bufbuild/protobuf";
import type { PullObjectResponseSchema } from "../../proto/gen/flwr/proto/message_pb.ts";
import type { FoundObject } from "../objects/objects.ts";

/** What a peer is answered: unknown, announced ("not yet"), or the bytes. */
export function pullObjectResponse(
  found: FoundObject,
): MessageInitShape<typeof PullObjectResponseSchema> {
  switch (found.state) {
    case "unknown":
      return { objectFound: false, objectAvailable: false };
    case "announced":
      return { objectFound: true, objectAvailable: false };
    case "stored":
      return { objectFound: true, objectAvailable: true, objectContent: found.content };
  }
}
