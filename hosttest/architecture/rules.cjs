/*
 * Who may import whom: the dependency rules of the house, for dependency-cruiser.
 * Paths are relative to the folder it runs in, so that the tests can hold the same rules against a broken copy.
 */
const ROOMS = "console|health|homeassistant|mqtt|network|outbox|reading|sensor|settings";

module.exports = {
  forbidden: [
    { name: "no-loops", severity: "error", from: {}, to: { circular: true, dependencyTypesNot: ["type-only"] } },
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
    {
      name: "rooms-apart",
      comment: "A room imports nothing of another room; src/thermometer joins them.",
      severity: "error",
      from: { path: `^src/(${ROOMS})/` },
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
      severity: "error",
      from: { path: "^(src|boards)/" },
      to: { path: "^hosttest/" },
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
