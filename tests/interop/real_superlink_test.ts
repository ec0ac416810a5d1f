import { flower, TRELLIS } from "../harness/programs.ts";
import { authenticatedFleet } from "./authenticated_fleet.ts";
import { automaticFleet } from "./automatic_fleet.ts";

const title = "our CLI and SuperNode on flower-superlink 1.25.0";
const cast = { ...TRELLIS, superlink: flower("1.25.0").superlink };

authenticatedFleet(title, cast);
automaticFleet(title, cast);
