/** A C function of the firmware's, as the SDK's linker finds it; undefined where the worker has not got it. */
// biome-ignore lint/suspicious/noExplicitAny: as the SDK's typings have it; the module that calls it casts
declare function native(name: string): (...args: any[]) => any;
