/* A driver of the Moddable SDK without typings: read by the host's tsc, and by mcconfig through the manifest. */
declare module "embedded:sensor/Humidity-Temperature/AHT10" {
  const AHT10: import("../../src/sensor/adapt.js").SDKDriver;
  export default AHT10;
}
