#!/usr/bin/env bash
# Home Assistant's MQTT device discovery drops the rest of a message whose first component is still being set up.
#
# Expected: a discovery message for a device replaces the previous one: "components" is the list of its entities, and a later message with one more component adds it (documentation of the MQTT
# integration, "Device discovery payload"); even if the two arrive in quick succession, as at a start where a device first sends the components it knows, and then all. The code has a queue for that.
# Seen (2026.10.4 here; a running 2026.11.0 has the same code): the second message arrives while the first one's component is being set up. Its first component is queued, and the handler returns from the
# loop over the components: the second component is never processed, nothing is logged above debug, and the entity is missing until the message is sent again. In the other order, the
# new component first, both are there. What to do: put the new components first and what may still be pending last, or leave a second between two messages for one device.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
. support/home-assistant.bash
trap clean_up EXIT

home_assistant >"$work/seen" <<'PY'
def device(*names):
    component = {"platform": "sensor", "value_template": "{{ value }}"}
    return json.dumps({"device": {"identifiers": ["d"]}, "origin": {"name": "o"}, "state_topic": "s",
        "components": {name: component | {"unique_id": name, "name": name} for name in names}})

async def test_it(hass, mqtt_mock_entry):
    await mqtt_mock_entry()
    async def sent(node, *messages):
        for message in messages:
            async_fire_mqtt_message(hass, f"homeassistant/device/{node}/config", message)
        await hass.async_block_till_done()
        known = [state.entity_id.removeprefix("sensor.mqtt_") for state in hass.states.async_all("sensor")]
        print(*sorted(known), file=RESULT, flush=True)
    await sent("first", device("a"), device("a", "b"))
    await sent("first", device("a", "b"))
    await sent("second", device("c"), device("d", "c"))
PY
seen "a, then a and b at once" "a" "$(sed -n 1p "$work/seen")"
seen "a and b once more" "a b" "$(sed -n 2p "$work/seen")"
seen "c, then d and c at once" "a b c d" "$(sed -n 3p "$work/seen")"
exit "$differences"
