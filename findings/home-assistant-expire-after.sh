#!/usr/bin/env bash
# Home Assistant's `expire_after` of an MQTT sensor restarts with each message on its topic, even with one that lacks the sensor's value.
#
# Expected: "If set, it defines the number of seconds after the sensor's state expires, if it's not updated" (documentation of the MQTT sensor). A device that sends several values in one JSON message
# leaves out the one whose probe has failed; that sensor's state is not updated, and expires.
# Seen (2026.10.4 here; a running 2026.11.0 has the same code): the timer is set before the template is applied. With a message without the value every 50 s and `expire_after` 60, the last value
# is shown as long as the other sensors work; with the obvious template a warning is logged for each message, with one that renders nothing there is no warning.
# What to do: a template that renders None where the value is missing (`{{ value_json.t | default(None) }}`): the state is unknown at once.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
. support/home-assistant.bash
trap clean_up EXIT

home_assistant >"$work/seen" <<'PY'
TEMPLATES = {
    "obvious": "{{ value_json.t }}",
    "guarded": "{{ value_json.t if value_json.t is defined }}",
    "none": "{{ value_json.t | default(None) }}",
}

async def test_it(hass, mqtt_mock_entry, freezer):
    await mqtt_mock_entry()
    async def sent(payload, topic="s"):
        async_fire_mqtt_message(hass, topic, payload)
        await hass.async_block_till_done()
    sensor = {"platform": "sensor", "expire_after": 60, "device_class": "temperature", "unit_of_measurement": "°C"}
    await sent(json.dumps({"device": {"identifiers": ["d"]}, "origin": {"name": "o"}, "state_topic": "s",
        "components": {name: sensor | {"unique_id": name, "name": name, "value_template": template}
            for name, template in TEMPLATES.items()}}), "homeassistant/device/d/config")
    async def after(seconds):
        freezer.tick(timedelta(seconds=seconds))
        async_fire_time_changed(hass)
        await hass.async_block_till_done()
    def show():
        print(*[hass.states.get(f"sensor.mqtt_{name}").state for name in TEMPLATES], file=RESULT, flush=True)
    await sent('{"t": 21.5, "h": 45}')
    for _ in range(6):
        await after(50)
        await sent('{"h": 45}')
    show()
    await after(61)
    show()
PY
seen "value_json.t, guarded, and None: five minutes without the value" "21.5 21.5 unknown" "$(sed -n 1p "$work/seen")"
seen "and a minute without any message" "unavailable unavailable unavailable" "$(sed -n 2p "$work/seen")"
exit "$differences"
