/* Built-ins are read-only, as on a device, once what suites miss has been added to them. */
import "./globals.js";
import "../../../boards/xs/frozen.js";
