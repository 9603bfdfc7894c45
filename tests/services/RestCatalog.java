import java.io.File;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.Map;
import org.apache.iceberg.Files;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.apache.iceberg.rest.RESTCatalogAdapter;
import org.apache.iceberg.rest.RESTCatalogServlet;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;

/** Apache Iceberg's own REST catalogue over SQLite, on loopback. Arguments: port, then key=value catalogue properties. */
public class RestCatalog {
  public static void main(String[] arguments) throws Exception {
    Map<String, String> properties = new HashMap<>();
    for (int i = 1; i < arguments.length; i++) {
      String[] pair = arguments[i].split("=", 2);
      properties.put(pair[0], pair[1]);
    }
    properties.putIfAbsent("jdbc.schema-version", "V1");
    boolean local = !properties.containsKey("io-impl");
    JdbcCatalog catalog = new JdbcCatalog(local ? given -> new LocalFiles() : null, null, true);
    catalog.initialize("rest", properties);
    ServletContextHandler handler = new ServletContextHandler();
    handler.addServlet(new ServletHolder(new RESTCatalogServlet(new RESTCatalogAdapter(catalog))), "/*");
    Server server = new Server(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])));
    server.setHandler(handler);
    server.start();
    server.join();
  }

  /** Files of this machine without Hadoop. */
  static class LocalFiles implements FileIO {
    @Override
    public InputFile newInputFile(String location) {
      return Files.localInput(fileOf(location));
    }

    @Override
    public OutputFile newOutputFile(String location) {
      return Files.localOutput(fileOf(location));
    }

    @Override
    public void deleteFile(String location) {
      fileOf(location).delete();
    }

    private static File fileOf(String location) {
      return new File(location.replaceFirst("^file:/*", "/"));
    }
  }
}
