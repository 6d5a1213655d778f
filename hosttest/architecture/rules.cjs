/*
 * Who may import whom: the dependency rules, for dependency-cruiser.
 * Paths are relative to the folder it runs in, so that the tests can hold the same rules against a broken copy.
 */

/**
 * Every folder of src, and what it may import of other folders of src: `types` means type-only imports. A folder that is
 * not listed may import no other folder and may not be imported by one, and the tests ask for its row.
 */
const MAY_IMPORT = {
  common: {},
  console: {},
  health: { types: ["common"] },
  homeassistant: { code: ["channels"], types: ["settings"] },
  mqtt: {},
  network: { code: ["common"] },
  outbox: {},
  channels: {},
  journal: { code: ["channels"], types: ["outbox"] },
  power: { types: ["outbox"] },
  sensor: { code: ["channels"], types: ["common"] },
  settings: { code: ["channels", "common", "tls"] },
  tls: { types: ["common"] },
  update: { code: ["common"] },
  thermometer: {
    code: [
      "channels",
      "common",
      "console",
      "health",
      "homeassistant",
      "mqtt",
      "network",
      "outbox",
      "journal",
      "power",
      "sensor",
      "settings",
      "tls",
      "update",
    ],
  },
};

/** Composes the other folders, as the modules that lie in src itself do; it may import those as well. */
const COMPOSES = "thermometer";

const anyOf = (names) => `(${names.join("|")})`;

/** A folder that imports more of the other folders than its row allows. */
const apart = Object.entries(MAY_IMPORT).flatMap(([folder, { code = [], types = [] }]) => {
  const own = folder === COMPOSES ? "[^/]+$|" : "";
  const rule = (name, allowed, dependencyTypes) => ({
    name: `folders-apart-${folder}${name}`,
    comment: "What a folder needs of another one it declares itself; src/thermometer joins them.",
    severity: "error",
    from: { path: `^src/${folder}/` },
    to: { path: "^src/", pathNot: `^src/(${own}${anyOf([folder, ...allowed])}/)`, ...dependencyTypes },
  });
  return [
    rule("", code, { dependencyTypesNot: ["type-only"] }),
    rule("-types", [...code, ...types], { dependencyTypes: ["type-only"] }),
  ];
});

/** The layers of src/outbox, each on those before it: programs and reads; the log of blocks; the queue. */
const OUTBOX_LAYERS = ["flash", "blocks", "queue"];
const upward = OUTBOX_LAYERS.map((layer, i) => ({
  name: `outbox-layers-${layer}`,
  comment: "Imports go down: queue, blocks, flash.",
  severity: "error",
  from: { path: `^src/outbox/${layer}/` },
  to: { path: "^src/outbox/", pathNot: `^src/outbox/${anyOf(OUTBOX_LAYERS.slice(0, i + 1))}/` },
}));

module.exports = {
  MAY_IMPORT,
  forbidden: [
    ...upward,
    { name: "no-loops", severity: "error", from: {}, to: { circular: true, dependencyTypesNot: ["type-only"] } },
    {
      name: "no-loops-of-folders",
      comment: "Which of two folders stands above the other is seen by who imports whom, types included.",
      severity: "error",
      scope: "folder",
      from: { path: "^src/[^/]+" },
      to: { path: "^src/[^/]+", circular: true },
    },
    {
      name: "hardware-through-the-board",
      comment:
        "Only boards/ and src/main.ts name hardware, Node or a board; the rest takes its hardware in its options.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/main\\.ts$" },
      to: { path: "^(embedded:|pins/|timer$|time$|mc/|node:|board$|boards/)" },
    },
    {
      name: "no-node-core-in-src",
      severity: "error",
      from: { path: "^src/" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "no-package-in-src",
      comment: "The firmware has no npm dependency.",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "node_modules" },
    },
    ...apart,
    {
      name: "folder-without-a-row",
      comment: "A folder of src that is not in the table above imports no other folder of src.",
      severity: "error",
      from: { path: "^src/([^/]+)/", pathNot: `^src/${anyOf(Object.keys(MAY_IMPORT))}/` },
      to: { path: "^src/", pathNot: "^src/$1/" },
    },
    {
      name: "parts-know-nothing-of-src",
      severity: "error",
      from: { path: "^boards/parts/" },
      to: { path: "^src/" },
    },
    {
      name: "firmware-knows-no-tests",
      comment: "The XS engine is a tool: the tests and the desktop device start it.",
      severity: "error",
      from: { path: "^(src|boards)/" },
      to: { path: "^hosttest/", pathNot: "^hosttest/engine/" },
    },
    {
      name: "engine-knows-no-tests",
      severity: "error",
      from: { path: "^hosttest/engine/" },
      to: { path: "^hosttest/", pathNot: "^hosttest/engine/" },
    },
    {
      name: "resolvable",
      comment: "What is missing links silently on a device and aborts at run time.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/main\\.ts$" },
      to: { couldNotResolve: true, pathNot: "^(embedded:|pins/|timer$|time$|mc/|board$)" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: [".ts", ".js", ".mjs", ".json"] },
  },
};
