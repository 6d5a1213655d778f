/* A module of the Moddable SDK without typings: read by the host's tsc, and by mcconfig through the manifest. */
declare module "resetReason" {
  /** Why the chip booted: ESP-IDF's number, and a word for it. */
  export default function resetReason(): { readonly reason: number; readonly string: string };
}
