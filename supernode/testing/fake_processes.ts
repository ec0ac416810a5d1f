import type { ClientAppProcess, StartClientApp } from "../apps/task.ts";

/** A process that the test ends. */
export class FakeProcess implements ClientAppProcess {
  readonly #exit = Promise.withResolvers<Deno.CommandStatus>();
  readonly exited = this.#exit.promise;
  stopped = false;

  constructor(readonly token: string) {}

  end(code = 0, signal: Deno.Signal | null = null): void {
    this.#exit.resolve({ success: code === 0, code, signal });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.end(143, "SIGTERM");
    await this.exited;
  }
}

/** Starts fake processes, and lets a test wait for them. */
export class FakeProcesses {
  readonly all: FakeProcess[] = [];
  #started = Promise.withResolvers<void>();

  readonly start: StartClientApp = (_runtime, token) => {
    const process = new FakeProcess(token);
    this.all.push(process);
    this.#started.resolve();
    return Promise.resolve(process);
  };

  /** Waits for the `count`-th process (from 1). */
  async started(count: number): Promise<FakeProcess> {
    while (this.all.length < count) {
      this.#started = Promise.withResolvers();
      await this.#started.promise;
    }
    return this.all[count - 1]!;
  }
}
