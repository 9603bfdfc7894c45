import java.nio.file.Path;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.rest.RESTCompatibilityKitCatalogTests;
import org.apache.iceberg.rest.RESTCompatibilityKitViewCatalogTests;
import org.junit.jupiter.api.AfterEach;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * Apache Iceberg's compatibility kit for REST catalogues, against the one at URI. Arguments: URI, WAREHOUSE (a folder). Prints a line
 * for each test: its outcome (SUCCESSFUL, FAILED, ABORTED, SKIPPED), its name (of views: view.NAME) and, unless it passed, why, apart by tabs.
 */
public class CompatibilityKit extends RESTCompatibilityKitCatalogTests {
  private static String warehouse;

  public static void main(String[] arguments) {
    warehouse = arguments[1];
    System.setProperty("uri", arguments[0]);
    System.setProperty("rck.local", "false");
    System.setProperty("rck.requires-namespace-create", "true");
    LauncherDiscoveryRequest kit =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(DiscoverySelectors.selectClass(CompatibilityKit.class), DiscoverySelectors.selectClass(Views.class))
            .build();
    LauncherFactory.create().execute(kit, new Lines());
  }

  /** The kit's own is a folder of its machine, outside any warehouse. */
  @Override
  protected String baseTableLocation(TableIdentifier table) {
    return inside(String.join("/", table.namespace().levels()), table.name());
  }

  private static String inside(String... path) {
    return Path.of(warehouse, path).toUri().toString().replaceFirst("/$", "");
  }

  /** Of views, likewise. */
  static class Views extends RESTCompatibilityKitViewCatalogTests {
    @Override
    protected String viewLocation(String... path) {
      return inside("views", String.join("/", path));
    }
  }

  @Override
  protected boolean supportsNestedNamespaces() {
    return true;
  }

  /** What one test leaves would stand in the way of another: the kit tidies only two of its namespaces. */
  @AfterEach
  void tidy() {
    drop(Namespace.of("parent"));
  }

  private void drop(Namespace namespace) {
    if (!catalog().namespaceExists(namespace)) return;
    catalog().listNamespaces(namespace).forEach(this::drop);
    catalog().dropNamespace(namespace);
  }

  private static class Lines implements TestExecutionListener {
    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
      if (!test.isTest() && result.getStatus() == TestExecutionResult.Status.SUCCESSFUL) return;
      print(result.getStatus().name(), test, result.getThrowable().map(Throwable::toString).orElse(""));
    }

    @Override
    public void executionSkipped(TestIdentifier test, String reason) {
      print("SKIPPED", test, reason);
    }

    private static void print(String outcome, TestIdentifier test, String why) {
      boolean ofView = test.getSource().filter(s -> s instanceof MethodSource m && m.getClassName().endsWith("Views")).isPresent();
      System.out.println(outcome + "\t" + (ofView ? "view." : "") + test.getLegacyReportingName() + "\t" + why.replaceAll("\\s+", " ").strip());
    }
  }
}
