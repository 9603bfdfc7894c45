import de.bwaldvogel.mongo.backend.memory.MemoryBackend;

/** A MongoDB server in memory, on loopback. Argument: the port. */
public class MongoInMemory {
  public static void main(String[] arguments) throws Exception {
    new de.bwaldvogel.mongo.MongoServer(new MemoryBackend()).bind("127.0.0.1", Integer.parseInt(arguments[0]));
    Thread.currentThread().join();
  }
}
