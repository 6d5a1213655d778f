/*
 * The seed of every property test and campaign in a test run: the same each time, so that a failure is caused by the change
 * and not by chance. `SEED=fresh npm run test:all` chooses a random one, `SEED=n` replays; what a random seed finds becomes a test.
 */
const given = process.env.SEED ?? "20261128";

export const SEED = given === "fresh" ? Math.floor(Math.random() * 2 ** 31) : Number(given);

if (!Number.isInteger(SEED)) throw new Error(`SEED=${given}: give a whole number, or "fresh"`);
