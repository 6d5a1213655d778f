/*
 * Modules of the Moddable SDK that @moddable/typings lacks, or has with fewer members than the boards use. Only for the host's tsc:
 * mcconfig uses the SDK's own typings. Only members that are used here, from the SDK's C sources.
 */

/** The C function of that name, in the file of C beside the module. */
// biome-ignore lint/suspicious/noExplicitAny: as the SDK's own typings have it; the module that calls it casts
declare function native(name: string): (...args: any[]) => any;

declare module "embedded:storage/flash" {
  export interface Flash {
    close(): void;
    eraseBlock(start: number, end?: number): void;
    read(byteLength: number, byteOffset: number): ArrayBuffer;
    read(buffer: ByteBuffer, byteOffset: number): number;
    write(buffer: ByteBuffer, byteOffset: number): void;
    status(): { size: number; blockLength: number; blocks: number };
  }
  const storage: { open(options: { path: string; mode?: "r" | "r+" }): Flash };
  export default storage;
}

declare module "embedded:storage/key-value" {
  export interface Storage {
    close(): void;
    delete(key: string): void;
    read(key: string): ArrayBuffer | string | number | bigint;
    write(key: string, value: ByteBuffer | string | number | bigint): void;
  }
  const storage: { open(options: { path: string; format?: "buffer" | "string" }): Storage };
  export default storage;
}

declare module "embedded:storage/files" {
  export class File {
    close(): void;
    read(buffer: ByteBuffer, position: number): number;
    write(buffer: ByteBuffer, position: number): void;
    status(): { size: number };
    setSize(length: number): void;
    flush(): void;
  }
  export class Directory {
    openFile(options: { path: string; mode?: "r" | "r+" | "w" | "w+" }): File;
    openDirectory(options: { path: string }): Directory;
    createDirectory(path: string): boolean;
  }
}

declare module "embedded:network/interface/wifi" {
  export default class WiFi {
    constructor(options: { onChanged?: (property: "connection" | "address") => void });
    close(): void;
  }
}
