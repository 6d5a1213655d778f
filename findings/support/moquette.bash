# moquette 0.17, everybody allowed, all kept on disk: `moquette PORT` starts it. Needs a JDK of 17 or later, and Maven. Sourced behind prelude.bash.
mkdir -p "$work/moquette/data"
maven_packages "$work/moquette" io.moquette:moquette-broker:0.17
cat >"$work/moquette/Broker.java" <<'JAVA'
import io.moquette.broker.Server;
import io.moquette.broker.config.MemoryConfig;
import java.util.Properties;

public class Broker {
  public static void main(String[] words) throws Exception {
    Properties properties = new Properties();
    properties.setProperty("host", "127.0.0.1");
    properties.setProperty("port", words[0]);
    properties.setProperty("data_path", words[1]);
    properties.setProperty("allow_anonymous", "true");
    properties.setProperty("telemetry_enabled", "false");
    new Server().startServer(new MemoryConfig(properties));
    Thread.currentThread().join();
  }
}
JAVA

moquette() { # PORT
  local _
  background moquette java -Xmx256m -cp "$work/moquette/lib/*" "$work/moquette/Broker.java" "$1" "$work/moquette/data/"
  for _ in 1 2 3 4 5 6; do if wait_for_port "$1" 2>/dev/null; then return; fi; done
  cat "$work/moquette.log" >&2
  return 2
}
