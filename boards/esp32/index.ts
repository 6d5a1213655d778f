/* The module `board` of every ESP32. By its full name: a relative one would be looked for beside `board`, at the root. */
export { board } from "boards/esp32/board";
