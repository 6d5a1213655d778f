/* The module `board` of the simulator. By its full name: a relative one would be looked for beside `board`, at the root. */
export { board } from "boards/simulator/board";
