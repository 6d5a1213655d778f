/*
 * The seed of every property test and campaign in a test run: the same each time, so that a run says something about the change
 * and not about luck. `SEED=fresh npm run test:all` draws new ones, `SEED=n` replays; what they find becomes a test of its own.
 */
const given = process.env.SEED ?? "20261128";

export const SEED = given === "fresh" ? Math.floor(Math.random() * 2 ** 31) : Number(given);

if (!Number.isInteger(SEED)) throw new Error(`SEED=${given}: give a whole number, or "fresh"`);
