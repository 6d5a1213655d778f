/* A process that has a chip, for file-lock.test.ts: prints whether it opened, and keeps it open until its input ends. */
import { Chip } from "../../boards/desktop/chip.js";

const [path] = process.argv.slice(2);
try {
  const chip = new Chip(path);
  console.log(`opened ${process.pid} ${chip.mac}`);
  process.stdin.on("end", () => {
    chip.close();
    console.log("closed");
  });
  process.stdin.resume();
} catch (error) {
  console.log(`refused ${(error as Error).message}`);
}
