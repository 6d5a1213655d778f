# Home Assistant's own code as the packaged test harness starts it: the MQTT integration is the real one, its connection to a broker is a stub, the clock can be moved.
# Needs Python 3.14 (PYTHON=... where it is not `python3.14`). Sourced by the scripts beside this folder, after prelude.bash.

# Runs one test function, from standard input; what it writes to the file RESULT goes to standard output.
home_assistant() {
  local python harness
  python=$(command -v "${PYTHON:-python3.14}") || { echo "Python 3.14 is needed: PYTHON=..." >&2; return 2; }
  if [[ ! -d $work/venv ]]; then
    "$python" -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check pytest-homeassistant-custom-component==0.13.375 homeassistant==2026.10.4 paho-mqtt==2.1.0
    harness=$("$work/venv/bin/python" -c 'import pytest_homeassistant_custom_component as it; print(it.__path__[0])')
    touch "$harness/testing_config/configuration.yaml" # the package lacks it
  fi
  {
    printf '%s\n' 'import json, os, pytest' 'from datetime import timedelta' \
      'from pytest_homeassistant_custom_component.common import async_fire_mqtt_message, async_fire_time_changed' \
      'pytestmark = pytest.mark.parametrize("expected_lingering_timers", [True])' \
      'RESULT = open(os.environ["RESULT"], "w")'
    cat
  } >"$work/test_finding.py"
  # The folder of the test is not that of a Home Assistant: no configuration of it is read.
  (cd "$work" && RESULT="$work/result" timeout 300 venv/bin/python -m pytest -q -p no:cacheprovider --asyncio-mode=auto test_finding.py) >"$work/pytest.log" 2>&1 ||
    { tail -n 30 "$work/pytest.log" >&2; return 2; }
  cat "$work/result"
}
