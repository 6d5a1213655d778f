/*
 * Checks messages from a browser, which may be anything.
 */
import type { DeviceAction, FromPage } from "../protocol.js";

const MAX_KEYS = 16_384;
/** The sliders' ranges. */
const LIMITS = Object.freeze({ temperature: [-40, 125], humidity: [0, 100] });
const MAX_PACE = 86_400;

/** Undefined: not understood. */
export function parseMessage(text: string): FromPage | undefined {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(given)) return undefined;
  if (given.type === "broker") {
    const { action } = given;
    return action === "start" || action === "stop" || action === "kill" ? { type: "broker", action } : undefined;
  }
  if (given.type !== "device" || typeof given.id !== "string" || !isObject(given.action)) return undefined;
  const action = actionIn(given.action);
  return action && { type: "device", id: given.id, action };
}

function actionIn(given: Readonly<Record<string, unknown>>): DeviceAction | undefined {
  const { on, value } = given;
  switch (given.do) {
    case "network":
      return typeof on === "boolean" ? { do: "network", on, quietly: given.quietly === true } : undefined;
    case "sensor":
    case "timeServer":
    case "sleep":
      return typeof on === "boolean" ? { do: given.do, on } : undefined;
    case "cut":
      return given.when === "now" || given.when === "nextWrite" ? { do: "cut", when: given.when } : undefined;
    case "powerOn":
    case "wake":
    case "reset":
      return { do: given.do };
    case "hold": {
      const { quantity } = given;
      if (quantity !== "temperature" && quantity !== "humidity") return undefined;
      const [lowest, highest] = LIMITS[quantity];
      return isWithin(value, lowest, highest) ? { do: "hold", quantity, value } : undefined;
    }
    case "pace":
      return isWithin(given.seconds, 0.01, MAX_PACE) ? { do: "pace", seconds: given.seconds } : undefined;
    case "keys":
      return typeof given.text === "string" && given.text.length <= MAX_KEYS
        ? { do: "keys", text: given.text }
        : undefined;
    default:
      return undefined;
  }
}

function isObject(given: unknown): given is Readonly<Record<string, unknown>> {
  return typeof given === "object" && given !== null;
}

/** A number in the limits, or nothing. */
function isWithin(given: unknown, lowest: number, highest: number): given is number | undefined {
  return given === undefined || (typeof given === "number" && given >= lowest && given <= highest);
}
