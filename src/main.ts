import { board } from "board";
import { Thermometer } from "./thermometer.js";

board.boot(() => new Thermometer(board));
