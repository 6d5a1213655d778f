# Apache ActiveMQ Artemis 2.55.0 with its MQTT protocol, everybody allowed, all kept on disk: `artemis PORT` starts it. Needs a JDK of 17 or later, and Maven. Sourced behind prelude.bash.
maven_packages "$work/artemis" org.apache.activemq:artemis-server:2.55.0 org.apache.activemq:artemis-mqtt-protocol:2.55.0 org.slf4j:slf4j-simple:2.0.17
cat >"$work/artemis/Broker.java" <<'JAVA'
import org.apache.activemq.artemis.core.config.impl.ConfigurationImpl;
import org.apache.activemq.artemis.core.server.JournalType;
import org.apache.activemq.artemis.core.server.embedded.EmbeddedActiveMQ;

public class Broker {
  public static void main(String[] words) throws Exception {
    ConfigurationImpl configuration = new ConfigurationImpl();
    configuration.setSecurityEnabled(false);
    configuration.setPersistenceEnabled(true);
    configuration.setJournalType(JournalType.NIO);
    configuration.setJournalDirectory(words[1] + "/journal");
    configuration.setBindingsDirectory(words[1] + "/bindings");
    configuration.setLargeMessagesDirectory(words[1] + "/large");
    configuration.setPagingDirectory(words[1] + "/paging");
    configuration.addAcceptorConfiguration("mqtt", "tcp://127.0.0.1:" + words[0] + "?protocols=MQTT");
    EmbeddedActiveMQ server = new EmbeddedActiveMQ();
    server.setConfiguration(configuration);
    server.start();
    Thread.currentThread().join();
  }
}
JAVA

artemis() { # PORT
  local _
  background artemis java -Xmx512m -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "$work/artemis/lib/*" "$work/artemis/Broker.java" "$1" "$work/artemis/data"
  for _ in 1 2 3 4 5 6; do if wait_for_port "$1" 2>/dev/null; then return; fi; done
  cat "$work/artemis.log" >&2
  return 2
}
