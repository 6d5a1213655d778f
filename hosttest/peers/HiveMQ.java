// HiveMQ CE as a process: `java -cp 'lib/*' HiveMQ.java FOLDER`, with FOLDER/config.xml; ends in order by SIGTERM.
import com.hivemq.embedded.EmbeddedHiveMQ;
import java.nio.file.Path;

public class HiveMQ {
  public static void main(String[] words) throws Exception {
    Path folder = Path.of(words[0]);
    EmbeddedHiveMQ broker =
        EmbeddedHiveMQ.builder()
            .withConfigurationFolder(folder)
            .withDataFolder(folder.resolve("data"))
            .withExtensionsFolder(folder.resolve("extensions"))
            .build();
    try {
      broker.start().join();
    } catch (Exception error) {
      error.printStackTrace();
      Runtime.getRuntime().halt(1);
    }
    Runtime.getRuntime().addShutdownHook(new Thread(() -> broker.stop().join()));
    System.out.println("started");
    Thread.currentThread().join();
  }
}
