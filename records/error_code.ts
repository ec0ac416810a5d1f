/** The codes of `Message.error` in Flower 1.25 (apps look at the code, people at the reason). */
export const ErrorCode = {
  UNKNOWN: 0n,
  /** Made by the ClientApp process: the app could not be loaded. */
  LOAD_CLIENT_APP_EXCEPTION: 1n,
  /** Made by the ClientApp process: the app raised. */
  CLIENT_APP_RAISED_EXCEPTION: 2n,
  /** Made by the SuperLink: the instruction is unknown or has expired. */
  MESSAGE_UNAVAILABLE: 3n,
  /** Made by the SuperLink: the reply has expired. */
  REPLY_MESSAGE_UNAVAILABLE: 4n,
  /** Made by the SuperLink: the node does not report. */
  NODE_UNAVAILABLE: 5n,
  /** Made by mods in the app. */
  MOD_FAILED_PRECONDITION: 6n,
  /** Made by the SuperNode: the FAB's signatures are not trusted. */
  INVALID_FAB: 7n,
  /** Made by the SuperNode: the ClientApp process died. */
  CLIENT_APP_CRASHED: 8n,
} as const;
