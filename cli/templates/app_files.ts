/** What a template is filled with. */
export interface TemplateValues {
  /** The project's name, for example `my-app`. */
  readonly name: string;
  /** The name of its package, for example `my_app`. */
  readonly module: string;
  readonly publisher: string;
}

/** Makes the files of an app, by path. */
export type Template = (values: TemplateValues) => Readonly<Record<string, string>>;

/** The part of `pyproject.toml` that says where the app runs. */
export const FEDERATIONS_TOML = `\
[tool.flwr.federations]
default = "local-deployment"

# The Control API of a SuperLink on this machine, without TLS. With TLS, write instead:
#   root-certificates = "certificates/ca.crt"
[tool.flwr.federations.local-deployment]
address = "127.0.0.1:9093"
insecure = true
`;

/** What belongs into neither a repository nor a FAB. */
export const GITIGNORE = `\
__pycache__/
*.fab
.venv/
.flwr/
certificates/
keys/
`;

/** How to run the app, the same for every language. */
export function readme({ name }: TemplateValues, about: string): string {
  return `\
# ${name}

${about} The nodes fit the line \`y = 2 x0 - 3 x1 + 0.5\` to noisy points of their
own; no node sees another's points.

Start a SuperLink and two SuperNodes, each in a terminal of its own:

    trellis superlink --insecure
    trellis supernode --insecure --clientappio-api-address 127.0.0.1:9094 --node-config "partition-id=0"
    trellis supernode --insecure --clientappio-api-address 127.0.0.1:9095 --node-config "partition-id=1"

Run the app and follow it. The loss falls with each round:

    trellis run . --stream

Settings are in \`pyproject.toml\`, and can be overridden for a run:

    trellis run . --stream --run-config "num-server-rounds=5 learning-rate=0.2"
`;
}
