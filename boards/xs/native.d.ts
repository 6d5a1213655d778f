/** A C function of the firmware, by the name that the SDK's linker uses; undefined if the worker lacks it. */
// biome-ignore lint/suspicious/noExplicitAny: as the SDK's typings have it; the module that calls it casts
declare function native(name: string): (...args: any[]) => any;
