import { assert, assertEquals, assertRejects } from "@std/assert";
import { KeyError, type KeyErrorReason } from "./key_error.ts";
import {
  generateCredentials,
  readPrivateKeyFile,
  readPublicKeyFile,
  writeKeyPair,
} from "./key_files.ts";
import { generatePrivateKey } from "./private_key.ts";
import { VECTOR_KEY } from "./testdata/fleet_auth.ts";
import { inDirectory } from "./testdata/scratch.ts";

function namesIn(directory: string): string[] {
  return Array.from(Deno.readDirSync(directory), ({ name }) => name).sort();
}

async function refusal(promise: Promise<unknown>, reason: KeyErrorReason): Promise<KeyError> {
  const error = await assertRejects(() => promise, KeyError);
  assertEquals(error.reason, reason, error.message);
  assert(/^The [^\n]+\.$/.test(error.message), error.message);
  return error;
}

Deno.test("writeKeyPair() writes a private key only its owner reads, and its .pub beside it", () =>
  inDirectory(async (directory) => {
    const path = `${directory}/key`;
    const key = await generatePrivateKey();
    const written = await writeKeyPair(path, key, "a comment");
    assertEquals(written.publicKeyPath, `${path}.pub`);
    assertEquals(written.publicKey, key.publicKey);
    assertEquals((await readPrivateKeyFile(path)).pkcs8, key.pkcs8);
    assertEquals(await readPublicKeyFile(written.publicKeyPath), key.publicKey);
    const line = await Deno.readTextFile(`${path}.pub`);
    assert(/^ecdsa-sha2-nistp384 [A-Za-z0-9+/=]+ a comment\n$/.test(line), line);
    if (Deno.build.os !== "windows") {
      assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
    }
  }));

for (const taken of ["key", "key.pub"]) {
  Deno.test(`writeKeyPair() writes nothing when ${taken} exists`, () =>
    inDirectory(async (directory) => {
      await Deno.writeTextFile(`${directory}/${taken}`, "precious");
      const error = await refusal(
        writeKeyPair(`${directory}/key`, await generatePrivateKey()),
        "exists",
      );
      assert(error.message.includes(`${directory}/${taken}"`), error.message);
      assertEquals(namesIn(directory), [taken]);
      assertEquals(await Deno.readTextFile(`${directory}/${taken}`), "precious");
    }));
}

Deno.test("writeKeyPair() does not follow a symbolic link", () =>
  inDirectory(async (directory) => {
    await Deno.symlink(`${directory}/elsewhere`, `${directory}/key`, { type: "file" });
    await refusal(writeKeyPair(`${directory}/key`, await generatePrivateKey()), "exists");
    assertEquals(namesIn(directory), ["key"]);
  }));

Deno.test("writeKeyPair() lets one of many writers of a path win, with a pair that fits", () =>
  inDirectory(async (directory) => {
    const path = `${directory}/key`;
    const keys = await Promise.all(Array.from({ length: 8 }, () => generatePrivateKey("P-256")));
    const results = await Promise.allSettled(keys.map((key) => writeKeyPair(path, key)));
    assertEquals(results.filter(({ status }) => status === "fulfilled").length, 1);
    const key = await readPrivateKeyFile(path);
    assertEquals(await readPublicKeyFile(`${path}.pub`), key.publicKey);
  }));

Deno.test("writeKeyPair() says when the directory is missing or the comment has two lines", () =>
  inDirectory(async (directory) => {
    const key = await generatePrivateKey();
    await refusal(writeKeyPair(`${directory}/none/key`, key), "unwritable");
    await refusal(writeKeyPair(`${directory}/key`, key, "a\nb"), "invalid-argument");
    assertEquals(namesIn(directory), []);
  }));

Deno.test("generateCredentials() makes the files of Flower's guide", () =>
  inDirectory(async (directory) => {
    const written = await generateCredentials(3, `${directory}/a/keys/`);
    assertEquals(
      written.map(({ privateKeyPath }) => privateKeyPath),
      [1, 2, 3].map((number) => `${directory}/a/keys/client_credentials_${number}`),
    );
    assertEquals(new Set(written.map(({ publicKey }) => publicKey.id)).size, 3);
    for (const { privateKeyPath, publicKeyPath, publicKey } of written) {
      assertEquals(publicKey.curve, "P-384");
      assertEquals((await readPrivateKeyFile(privateKeyPath)).publicKey, publicKey);
      assertEquals(await readPublicKeyFile(publicKeyPath), publicKey);
    }
  }));

Deno.test("generateCredentials() takes another curve", () =>
  inDirectory(async (directory) => {
    const [written] = await generateCredentials(1, directory, "P-521");
    assertEquals(written?.publicKey.curve, "P-521");
  }));

for (const taken of ["client_credentials_3", "client_credentials_2.pub"]) {
  Deno.test(`generateCredentials() leaves nothing half made when ${taken} exists`, () =>
    inDirectory(async (directory) => {
      await Deno.writeTextFile(`${directory}/${taken}`, "precious");
      await refusal(generateCredentials(3, directory), "exists");
      assertEquals(namesIn(directory), [taken]);
    }));
}

Deno.test("generateCredentials() refuses counts that are none, and a directory that is a file", () =>
  inDirectory(async (directory) => {
    for (const count of [0, -1, 1.5, NaN, 10_001]) {
      await refusal(generateCredentials(count, `${directory}/keys`), "invalid-argument");
    }
    await Deno.writeTextFile(`${directory}/file`, "");
    await refusal(generateCredentials(1, `${directory}/file`), "unwritable");
    await refusal(generateCredentials(1, `${directory}/file/keys`), "unwritable");
    assertEquals(namesIn(directory), ["file"]);
  }));

Deno.test("readPrivateKeyFile() and readPublicKeyFile() name the file and what is wrong with it", () =>
  inDirectory(async (directory) => {
    const path = `${directory}/key`;
    const cases: [KeyErrorReason, string | undefined, string | undefined][] = [
      ["malformed", "garbage", "garbage"],
      ["malformed", "", ""],
      ["malformed", "A".repeat(1 << 20), "A".repeat(1 << 20)],
      ["public-key", VECTOR_KEY.public_openssh_line, undefined],
      ["private-key", undefined, VECTOR_KEY.private_openssh],
    ];
    for (const [reason, privateContent, publicContent] of cases) {
      for (
        const [content, read] of [
          [privateContent, readPrivateKeyFile],
          [publicContent, readPublicKeyFile],
        ] as const
      ) {
        if (content === undefined) continue;
        await Deno.writeTextFile(path, content);
        const error = await refusal(read(path), reason);
        assert(error.message.includes(`file "${path}" cannot be used: the `), error.message);
      }
    }
    for (const read of [readPrivateKeyFile, readPublicKeyFile]) {
      await refusal(read(`${directory}/none`), "missing");
      await refusal(read(directory), "unreadable");
      await refusal(read(`${path}/below`), "unreadable");
    }
  }));
