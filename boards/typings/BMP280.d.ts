/* A driver of the Moddable SDK without typings: read by the host's tsc, and by mcconfig through the manifest. */
declare module "embedded:sensor/Barometer-Temperature/BMP280" {
  const BMP280: import("../../src/sensor/adapt.js").SDKDriver;
  export default BMP280;
}
