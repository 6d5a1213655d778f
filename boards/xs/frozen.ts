/*
 * Makes built-ins read-only, as on a device, where they are linked into flash. An assignment to one of their inherited properties
 * (`this.name = ...` in a derived error) throws there, and must throw here. Run before anything else.
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
