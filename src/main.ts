import { board } from "board";
import { startFirmware } from "./firmware.js";

board.boot(() => startFirmware(board));
