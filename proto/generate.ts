/**
 * Generates `proto/gen` from the `.proto` files beside it, with buf and protoc-gen-es.
 * Both are named here and nowhere else, so no other task downloads them.
 *
 * @module
 */

const BUF = "npm:@bufbuild/buf@1.70.0/buf";
const PROTOC_GEN_ES = "npm:@bufbuild/protoc-gen-es@2.17.0";

const template = {
  version: "v2",
  clean: true,
  plugins: [{
    local: [Deno.execPath(), "run", "-A", PROTOC_GEN_ES],
    out: "gen",
    opt: ["target=ts", "import_extension=ts"],
  }],
};

const { code } = await new Deno.Command(Deno.execPath(), {
  args: ["run", "-A", BUF, "generate", "--template", JSON.stringify(template)],
  cwd: new URL(".", import.meta.url),
  stdin: "null",
}).spawn().status;
Deno.exit(code);
