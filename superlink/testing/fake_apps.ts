import { type AppLaunch, type AppProcess, appProcess } from "../../apps/app_process.ts";
import type { AppRuntime } from "../../apps/app_starter.ts";

/** A process of an app that does nothing until a test says how it ends. */
export interface FakeApp extends AppLaunch, AppProcess {
  readonly runtime: AppRuntime;
  /** The signals that it was sent. */
  readonly signals: readonly string[];
  end(code: number, signal?: Deno.Signal): void;
}

/** Stands in for what starts app processes. */
export class FakeApps {
  readonly started: FakeApp[] = [];
  /** Ends on SIGTERM, as apps do. */
  obedient = true;
  readonly #events = new EventTarget();

  readonly start = (runtime: AppRuntime, launch: AppLaunch): Promise<AppProcess> => {
    const { promise, resolve } = Promise.withResolvers<Deno.CommandStatus>();
    const signals: string[] = [];
    const end = (code: number, signal: Deno.Signal | null = null) =>
      resolve({ success: code === 0, code, signal });
    const process = appProcess({
      pid: 1000 + this.started.length,
      exited: promise,
      signal: (name) => {
        signals.push(name);
        if (this.obedient || name === "SIGKILL") end(143, name);
      },
    });
    this.started.push({ ...launch, ...process, runtime, signals, end });
    this.#events.dispatchEvent(new Event("start"));
    return Promise.resolve(process);
  };

  /** Waits until as many were started, and gives the last of them. */
  async untilStarted(count: number): Promise<FakeApp> {
    while (this.started.length < count) {
      await new Promise((resolve) =>
        this.#events.addEventListener("start", resolve, { once: true })
      );
    }
    return this.started[count - 1]!;
  }
}
