/*
 * Built-ins as a device has them: linked into flash, read-only. What assigns to an inherited property of theirs throws there
 * (`this.name = ...` in an error of one's own), and has to throw here. Run before anything else.
 */
const seen = new Set<object>([globalThis]);

function freeze(value: unknown): void {
  if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) return;
  seen.add(value);
  freeze(Object.getPrototypeOf(value));
  for (const key of Reflect.ownKeys(value)) {
    const { value: held, get, set } = Object.getOwnPropertyDescriptor(value, key) ?? {};
    freeze(held);
    freeze(get);
    freeze(set);
  }
  Object.freeze(value);
}

for (const name of Object.getOwnPropertyNames(globalThis)) {
  freeze(Object.getOwnPropertyDescriptor(globalThis, name)?.value);
}

export {};
