import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;

/** A MongoDB server in memory, on loopback. Arguments: the port, and `oplog` for one that has change streams. */
public class MongoInMemory {
  public static void main(String[] arguments) throws Exception {
    MongoServer server = new MongoServer(new MemoryBackend());
    if (arguments.length > 1 && arguments[1].equals("oplog")) server.enableOplog();
    server.bind("127.0.0.1", Integer.parseInt(arguments[0]));
    Thread.currentThread().join();
  }
}
