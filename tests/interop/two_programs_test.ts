/** Late in the order of the tests: CI builds the KV server while the others run. */

import { hasDenokv, startDenokv } from "../harness/denokv.ts";
import { scene } from "../harness/scene.ts";
import { assertDeployRun, DEPLOY_RUN_CAST } from "./deploy_run.ts";

if (hasDenokv()) {
  scene(
    "Flower 1.41.0 on two programs with deploy.ts on a KV server: registered nodes, and a run across kill -9 of one",
    DEPLOY_RUN_CAST,
    async (scene) => await assertDeployRun(scene, await startDenokv(scene)),
  );
}
