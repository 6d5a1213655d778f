/* deep-sleep.c. */

/** 0: no wake from deep sleep; 1: by the timer; 2: by a pin; 3: by something else. */
export const wakeCause = native("xs_wake_cause") as () => number;
/** Sleeps for `ms`, or until `pin` (-1: none) is low, and does not return. @throws if the chip refuses the time or the pin */
export const deepSleep = native("xs_deep_sleep") as (ms: number, pin: number) => void;
/** The slow clock in milliseconds, with a fraction. It runs in deep sleep and through a restart. */
export const slowClock = native("xs_slow_clock") as () => number;
