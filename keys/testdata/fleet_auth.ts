import file from "./fleet-auth.json" with { type: "json" };

/** The key, proofs and timestamp windows that were recorded with Flower 1.25.0. */
export const FLEET_AUTH = file;

/** The recorded key in every file format. */
export const VECTOR_KEY = file.key;
