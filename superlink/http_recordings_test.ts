import { assert, assertEquals, assertObjectMatch } from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding";
import { formatAddress } from "../wire/address.ts";
import { type Recording, RECORDINGS, SUPEREXEC_SECRET } from "./testdata/recordings.ts";
import { TestClock } from "./testing/test_clock.ts";
import { startTestSuperLink, type TestSuperLink } from "./testing/test_superlink.ts";

const REGISTRATION = recordingOf("control-register-node");
const SUPEREXEC_POLL = recordingOf("runtime-acquire-task-empty");

function recordingOf(name: string): Recording {
  const found = RECORDINGS.find((recording) => recording.name === name);
  assert(found);
  return found;
}

/** Sends a recorded request; gives the status and the body of the answer. */
async function replay({ httpAddress }: TestSuperLink, recording: Recording) {
  const { method, path, headers, body_hex } = recording;
  const response = await fetch(`http://${formatAddress(httpAddress)}${path}`, {
    method,
    headers: new Headers(Object.entries(headers)),
    body: method === "POST" ? decodeHex(body_hex) : null,
    redirect: "manual",
  });
  return { status: response.status, body: await response.bytes() };
}

/** A SuperLink that knows the recorded key, at the time of a recording. */
async function superLinkOf({ name, date }: Recording): Promise<TestSuperLink> {
  const clock = new TestClock(0);
  const superExecSecret = SUPEREXEC_SECRET;
  const managed = !name.includes("keyless");
  const link = await startTestSuperLink({ clock, managed, superExecSecret });
  clock.micros = Date.parse(date) * 1000;
  if (name !== REGISTRATION.name) await replay(link, REGISTRATION);
  if (name.endsWith("-duplicate")) await replay(link, recordingOf(name));
  return link;
}

for (const recording of RECORDINGS) {
  Deno.test(`A SuperLink answers Flower's recorded ${recording.name} as Flower does`, async () => {
    await using link = await superLinkOf(recording);
    const { status, body } = await replay(link, recording);
    assertEquals(status, recording.status);
    if (typeof recording.answer === "object" && recording.answer !== null) {
      // With some refusals ours says more.
      assertObjectMatch(JSON.parse(new TextDecoder().decode(body)), { ...recording.answer });
    }
    if (recording.answer_hex !== undefined) assertEquals(encodeHex(body), recording.answer_hex);
  });
}

Deno.test("A recorded proof of a SuperNode is accepted once", async () => {
  const registration = recordingOf("fleet-keyless-register-node");
  await using link = await superLinkOf(registration);
  assertEquals((await replay(link, registration)).status, 200);
  assertEquals((await replay(link, registration)).status, 503);
});

Deno.test("A recorded proof of a SuperExec is accepted once, in its window, for its request", async () => {
  await using link = await superLinkOf(SUPEREXEC_POLL);
  const status = async (recording = SUPEREXEC_POLL) => (await replay(link, recording)).status;
  const { headers } = SUPEREXEC_POLL;
  const atAge = (ageS: number) => {
    link.clock.micros = Math.round((Number(headers["flwr-superexec-ts"]) + ageS) * 1_000_000);
    return status();
  };
  for (const ageS of [-6, -5, 305, 306]) assertEquals(await atAge(ageS), 401, `${ageS} s old`);
  assertEquals(await status({ ...SUPEREXEC_POLL, body_hex: "" }), 401);
  for (const name of Object.keys(headers).filter((name) => name.startsWith("flwr-superexec-"))) {
    const changed = (value: string | undefined) =>
      status({
        ...SUPEREXEC_POLL,
        headers: value === undefined
          ? Object.fromEntries(Object.entries(headers).filter(([other]) => other !== name))
          : { ...headers, [name]: value },
      });
    const value = headers[name] ?? "";
    const last = value.endsWith("0") ? "1" : "0";
    assertEquals(await changed(undefined), 401, `without ${name}`);
    assertEquals(await changed(""), 401, `empty ${name}`);
    assertEquals(await changed(value.slice(0, -1) + last), 401, `changed ${name}`);
    assertEquals(await changed(`${value}, ${value}`), 401, `${name} twice`);
  }
  assertEquals(await atAge(304.9), 200);
  assertEquals(await status(), 401, "its nonce was used");
});

Deno.test("A proof of a SuperExec from before the start is not accepted, but asked for again", async () => {
  const clock = new TestClock(Date.parse(SUPEREXEC_POLL.date) * 1000 + 2_000_000);
  await using link = await startTestSuperLink({ clock, superExecSecret: SUPEREXEC_SECRET });
  assertEquals((await replay(link, SUPEREXEC_POLL)).status, 503);
});
