import { TRELLIS } from "../harness/programs.ts";
import { authenticatedFleet } from "./authenticated_fleet.ts";
import { automaticFleet } from "./automatic_fleet.ts";

authenticatedFleet("all ours", TRELLIS);
automaticFleet("all ours", TRELLIS);
