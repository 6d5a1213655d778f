/* Makes built-ins read-only, as on a device, after adding what the suites need. */
import "./globals.js";
import "../../../boards/xs/frozen.js";
