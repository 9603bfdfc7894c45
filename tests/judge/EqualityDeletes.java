import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.DeleteFile;
import org.apache.iceberg.PartitionKey;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.GenericRecord;
import org.apache.iceberg.data.InternalRecordWrapper;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetWriter;
import org.apache.iceberg.deletes.EqualityDeleteWriter;
import org.apache.iceberg.hadoop.HadoopFileIO;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.apache.iceberg.parquet.Parquet;
import org.apache.iceberg.types.Conversions;
import org.apache.iceberg.types.Types;

/**
 * Deletes rows of a table by value, as Flink's sink does, with Iceberg's own writers. Arguments: SQLite file, warehouse,
 * namespace.table, spec id, columns to compare (a,b), then a row each: column=value,column=value (of the columns to
 * compare and those that the spec partitions by; "null" is none). All rows are of one partition.
 */
public class EqualityDeletes {
  public static void main(String[] arguments) throws Exception {
    Map<String, String> properties = new HashMap<>();
    properties.put("uri", "jdbc:sqlite:" + arguments[0]);
    properties.put("warehouse", arguments[1]);
    properties.put("jdbc.schema-version", "V1");
    JdbcCatalog catalog = new JdbcCatalog(given -> new HadoopFileIO(new Configuration()), null, false);
    catalog.initialize("millrace", properties);
    Table table = catalog.loadTable(TableIdentifier.parse(arguments[2]));
    PartitionSpec spec = table.specs().get(Integer.parseInt(arguments[3]));
    Schema compared = table.schema().select(List.of(arguments[4].split(",")));
    int[] ids = compared.columns().stream().mapToInt(Types.NestedField::fieldId).toArray();
    PartitionKey partition = new PartitionKey(spec, table.schema());
    String name = "by-value-" + System.nanoTime() + ".parquet";
    OutputFile file = table.io().newOutputFile(table.location() + "/data/" + name);
    partition.partition(new InternalRecordWrapper(table.schema().asStruct()).wrap(row(table.schema(), arguments[5])));
    EqualityDeleteWriter<Record> writer =
        Parquet.writeDeletes(file)
            .forTable(table)
            .rowSchema(compared)
            .createWriterFunc(GenericParquetWriter::create)
            .withSpec(spec)
            .withPartition(spec.isUnpartitioned() ? null : partition)
            .equalityFieldIds(ids)
            .overwrite()
            .buildEqualityWriter();
    for (int i = 5; i < arguments.length; i++) {
      writer.write(row(compared, arguments[i]));
    }
    writer.close();
    DeleteFile deletes = writer.toDeleteFile();
    table.newRowDelta().addDeletes(deletes).commit();
    System.out.println(deletes.location());
  }

  private static Record row(Schema schema, String text) {
    GenericRecord record = GenericRecord.create(schema);
    for (String pair : text.split(",")) {
      String[] parts = pair.split("=", 2);
      Types.NestedField field = schema.findField(parts[0]);
      if (field == null || parts[1].equals("null")) {
        continue;
      }
      Object value = Conversions.fromPartitionString(field.type(), parts[1]);
      record.setField(parts[0], value instanceof CharSequence ? value.toString() : value);
    }
    return record;
  }
}
