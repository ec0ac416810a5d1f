import { flower, TRELLIS } from "../harness/programs.ts";
import { authenticatedFleet } from "./authenticated_fleet.ts";
import { automaticFleet } from "./automatic_fleet.ts";

const title = "flwr and flower-supernode 1.25.0 on our SuperLink";
const cast = { ...flower("1.25.0"), superlink: TRELLIS.superlink };

authenticatedFleet(title, cast);
automaticFleet(title, cast);
