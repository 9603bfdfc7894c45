#include <fmt/format.h>

#include "io/s3_options.h"
#include "query/export_sql/dialect.h"
#include "query/export_sql/dialect_types.h"
#include "query/sql_text.h"

/// Engines that anybody runs: DuckDB, Spark, Trino, ClickHouse.
namespace millrace::query {
namespace {

FilesOf FormOf(const ExportedTable& table) { return table.parquet ? FilesOf::kParquet : FilesOf::kJson; }

std::string Ending(const ExportedTable& table) {
  if (table.parquet) return ".parquet";
  if (table.compression.empty()) return ".jsonl";
  return table.compression == "zstd" ? ".jsonl.zst" : ".jsonl.gz";
}

std::string FileName(const std::string& location) { return location.substr(location.rfind('/') + 1); }

class DuckDb final : public Dialect {
 public:
  bool ReadsLocalFolders() const override { return true; }

  void Prepare(const ExportedLake& lake, const std::vector<ExportedTable>& tables, SqlScript& script) const override {
    script.Say("Views over the tables as they are now; run this again to see what landed since.");
    script.Add("INSTALL iceberg");
    script.Add("LOAD iceberg");
    if (io::ParseS3Uri(lake.warehouse)) {
      script.Add("INSTALL httpfs");
      script.Add("LOAD httpfs");
      std::string secret = "CREATE OR REPLACE SECRET millrace (TYPE s3, PROVIDER credential_chain";
      if (!lake.region.empty()) secret += ", REGION " + Text(lake.region);
      if (!lake.endpoint.empty()) {
        const auto host = lake.endpoint.substr(lake.endpoint.find("://") + 3);
        secret += fmt::format(", ENDPOINT {}, URL_STYLE 'path', USE_SSL {}", Text(host),
                              lake.endpoint.starts_with("https://") ? "true" : "false");
      }
      script.Add(secret + ")");
    }
    MakeSchemas("CREATE SCHEMA IF NOT EXISTS", tables, script);
  }

  bool Sees(const ExportedTable&, const schema::Field&) const override { return true; }

  void Define(const ExportedLake& /*lake*/, const ExportedTable& table, SqlScript& script) const override {
    if (table.is_iceberg()) {
      script.Add(fmt::format("CREATE OR REPLACE VIEW {} AS SELECT * FROM iceberg_scan({})", QualifiedName(table),
                             Text(LocalPath(table.metadata_location))));
      return;
    }
    const auto files = Text(LocalPath(table.location) + "/**/*" + Ending(table));
    if (table.parquet) {
      script.Add(
          fmt::format("CREATE OR REPLACE VIEW {} AS SELECT * FROM read_parquet({}, union_by_name = true, "
                      "hive_partitioning = false)",
                      QualifiedName(table), files));
      return;
    }
    std::string columns;
    for (const auto& field : table.schema.fields)
      columns += fmt::format("{}{}: {}", columns.empty() ? "" : ", ", Name(field.name), Text(SqlType(field.type)));
    script.Add(
        fmt::format("CREATE OR REPLACE VIEW {} AS SELECT * FROM read_json({}, format = 'newline_delimited', "
                    "columns = {{{}}}, hive_partitioning = false)",
                    QualifiedName(table), files, columns));
  }
};

class Spark final : public BacktickDialect {
 public:
  bool ReadsLocalFolders() const override { return true; }

  std::string Reference(const ExportedLake& lake, const ExportedTable& table) const override {
    return table.is_iceberg() ? Catalog(lake) + "." + QualifiedName(table) : QualifiedName(table);
  }

  void Prepare(const ExportedLake& lake, const std::vector<ExportedTable>& /*tables*/,
               SqlScript& script) const override {
    const auto set = [&](const std::string& key, const std::string& value) {
      script.Say(fmt::format("  spark.sql.catalog.{}{} = {}", kCatalog, key, value));
    };
    script.Say(
        "Spark finds the Iceberg tables through the lake's own catalogue, always as they are, once it is started "
        "with:");
    set("", "org.apache.iceberg.spark.SparkCatalog");
    switch (lake.catalog) {
      case ExportedLake::Catalog::kGlue:
        set(".type", "glue");
        if (!lake.catalog_address.empty()) set(".glue.id", lake.catalog_address);
        break;
      case ExportedLake::Catalog::kRest:
        set(".type", "rest");
        set(".uri", lake.catalog_address);
        break;
      case ExportedLake::Catalog::kOwn:
        set(".type", "jdbc");
        set(".uri", "jdbc:sqlite:" + lake.catalog_address);
        break;
    }
    set(".warehouse", lake.warehouse);
  }

  void Define(const ExportedLake& /*lake*/, const ExportedTable& table, SqlScript& script) const override {
    if (table.is_iceberg()) return;
    std::string columns;
    for (const auto& field : table.schema.fields)
      columns += fmt::format("{}  {} {}", columns.empty() ? "" : ",\n", Name(field.name),
                             SparkType(field.type, FormOf(table)));
    script.Add(fmt::format("CREATE DATABASE IF NOT EXISTS {}", Name(table.name.name_space)));
    script.Add(
        fmt::format("CREATE TABLE IF NOT EXISTS {} (\n{}\n) USING {} OPTIONS ('recursiveFileLookup' = 'true', "
                    "'pathGlobFilter' = {}) LOCATION {}",
                    QualifiedName(table), columns, table.parquet ? "parquet" : "json", Text("*" + Ending(table)),
                    Text(table.location)));
    script.Say("What landed since is seen after:");
    script.Add("REFRESH TABLE " + QualifiedName(table));
  }

 private:
  static constexpr const char* kCatalog = "millrace";
  std::string Catalog(const ExportedLake& /*lake*/) const { return Name(kCatalog); }
};

class Trino final : public Dialect {
 public:
  bool ReadsLocalFolders() const override { return true; }

  std::string Reference(const ExportedLake& /*lake*/, const ExportedTable& table) const override {
    return std::string(table.is_iceberg() ? "iceberg" : "hive") + "." + QualifiedName(table);
  }

  bool HasMembers(const ExportedTable& table, const schema::Field& column) const override {
    return !table.in_glue || IsStructToHive(table, column);
  }
  bool Sees(const ExportedTable& table, const schema::Field& column) const override {
    return Dialect::Sees(table, column) && (!table.in_glue || IsColumnToHive(table, column));
  }

  void Prepare(const ExportedLake& lake, const std::vector<ExportedTable>& /*tables*/,
               SqlScript& script) const override {
    if (lake.warehouse.starts_with("file:"))
      script.Say("In each file of etc/catalog: fs.hadoop.enabled=true.");
    else if (lake.warehouse.starts_with("s3:"))
      script.Say("In each file of etc/catalog: fs.native-s3.enabled=true, and s3.region.");
    switch (lake.catalog) {
      case ExportedLake::Catalog::kGlue:
        script.Say(
            "etc/catalog/iceberg.properties: connector.name=iceberg, iceberg.catalog.type=glue. The tables are there, "
            "always as they are.");
        break;
      case ExportedLake::Catalog::kRest:
        script.Say(
            "etc/catalog/iceberg.properties: connector.name=iceberg, iceberg.catalog.type=rest, "
            "iceberg.rest-catalog.uri=" +
            lake.catalog_address + ". The tables are there, always as they are.");
        break;
      case ExportedLake::Catalog::kOwn:
        script.Say(
            "etc/catalog/iceberg.properties: connector.name=iceberg and a catalogue of Trino's own, with "
            "iceberg.register-table-procedure.enabled=true.");
        script.Say(
            "What landed since is seen after unregister_table and this script again; or let Trino read the "
            "catalogue that `millrace run` serves (docs/catalog.md).");
        break;
    }
  }

  void Define(const ExportedLake& lake, const ExportedTable& table, SqlScript& script) const override {
    if (!table.is_iceberg()) return DefineFiles(table, script);
    if (lake.catalog != ExportedLake::Catalog::kOwn) return;
    script.Add("CREATE SCHEMA IF NOT EXISTS iceberg." + Name(table.name.name_space));
    script.Add(
        fmt::format("CALL iceberg.system.register_table(schema_name => {}, table_name => {}, table_location => "
                    "{}, metadata_file_name => {})",
                    Text(table.name.name_space), Text(table.name.name), Text(table.location),
                    Text(FileName(table.metadata_location))));
  }

 private:
  void DefineFiles(const ExportedTable& table, SqlScript& script) const {
    if (table.in_glue) {
      return script.Say(
          "etc/catalog/hive.properties: connector.name=hive, hive.metastore=glue. The table is there with its "
          "partitions, always as it is.");
    }
    std::string columns;
    for (const auto& field : table.schema.fields)
      columns += fmt::format("{}  {} {}", columns.empty() ? "" : ",\n", Name(field.name),
                             TrinoType(field.type, FormOf(table)));
    script.Say("etc/catalog/hive.properties: connector.name=hive, hive.recursive-directories=true.");
    script.Add("CREATE SCHEMA IF NOT EXISTS hive." + Name(table.name.name_space));
    script.Add(fmt::format("CREATE TABLE IF NOT EXISTS hive.{} (\n{}\n) WITH (external_location = {}, format = '{}')",
                           QualifiedName(table), columns, Text(table.location), table.parquet ? "PARQUET" : "JSON"));
  }
};

class ClickHouse final : public BacktickDialect {
 public:
  bool ReadsLocalFolders() const override { return true; }

  std::string Name(std::string_view name) const override {
    std::string quoted = "`";
    for (const char c : name) {
      if (c == '`' || c == '\\') quoted += '\\';
      quoted += c;
    }
    return quoted + "`";
  }

  std::string Reference(const ExportedLake& lake, const ExportedTable& table) const override {
    if (!OfGlue(lake, table)) return QualifiedName(table);
    return "glue." + Name(catalog::ToString(table.name));
  }

  std::string Member(const std::vector<std::string>& path) const override {
    std::string member = "t." + Name(path.front());
    for (size_t i = 1; i < path.size(); ++i) member = fmt::format("tupleElement({}, {})", member, Text(path[i]));
    return member;
  }

  void Prepare(const ExportedLake& lake, const std::vector<ExportedTable>& tables, SqlScript& script) const override {
    if (lake.catalog == ExportedLake::Catalog::kGlue) {
      script.Say("The Iceberg tables of Glue, always as they are.");
      script.Add("SET allow_database_glue_catalog = 1");
      script.Add(
          fmt::format("CREATE DATABASE IF NOT EXISTS glue ENGINE = DataLakeCatalog SETTINGS catalog_type = 'glue', "
                      "region = {}, aws_access_key_id = '<key>', aws_secret_access_key = '<secret>'",
                      Text(lake.region.empty() ? "<region>" : lake.region)));
    } else {
      script.Say("Tables as they are now; run this again to see what landed since.");
    }
    MakeSchemas("CREATE DATABASE IF NOT EXISTS", tables, script);
  }

  void Define(const ExportedLake& lake, const ExportedTable& table, SqlScript& script) const override {
    if (OfGlue(lake, table)) return;
    const bool bucket = io::ParseS3Uri(lake.warehouse).has_value();
    const auto place = bucket ? BucketAddress(lake, table.location) : LocalPath(table.location);
    const auto create = fmt::format("CREATE OR REPLACE TABLE {}", QualifiedName(table));
    if (table.is_iceberg()) {
      const auto metadata = table.metadata_location.starts_with(table.location + "/")
                                ? table.metadata_location.substr(table.location.size() + 1)
                                : table.metadata_location;
      script.Add(fmt::format("{} ENGINE = {}({}) SETTINGS iceberg_metadata_file_path = {}", create,
                             bucket ? "IcebergS3" : "IcebergLocal", Text(place + "/"), Text(metadata)));
      return;
    }
    std::string columns;
    for (const auto& field : table.schema.fields)
      columns += fmt::format("{}  {} {}", columns.empty() ? "" : ",\n", Name(field.name),
                             ClickHouseType(
                                 field.type, [this](std::string_view name) { return Name(name); }, FormOf(table)));
    const auto files = place + "/**" + Ending(table);
    const auto* form = table.parquet ? "Parquet" : "JSONEachRow";
    script.Add(fmt::format(
        "{} (\n{}\n) ENGINE = {}", create, columns,
        bucket ? fmt::format("S3({}, '{}')", Text(files), form) : fmt::format("File({}, {})", form, Text(files))));
  }

 private:
  static bool OfGlue(const ExportedLake& lake, const ExportedTable& table) {
    return lake.catalog == ExportedLake::Catalog::kGlue && table.is_iceberg();
  }
  static std::string BucketAddress(const ExportedLake& lake, const std::string& location) {
    const auto place = io::ParseS3Uri(location);
    const auto path = place->prefix.empty() ? "" : "/" + place->prefix;
    if (!lake.endpoint.empty()) return lake.endpoint + "/" + place->bucket + path;
    if (location.starts_with("gs://")) return "https://storage.googleapis.com/" + place->bucket + path;
    return fmt::format("https://{}.s3.{}.amazonaws.com{}", place->bucket,
                       lake.region.empty() ? "<region>" : lake.region, path);
  }
};

}  // namespace

std::unique_ptr<Dialect> MakeDuckDbDialect() { return std::make_unique<DuckDb>(); }
std::unique_ptr<Dialect> MakeSparkDialect() { return std::make_unique<Spark>(); }
std::unique_ptr<Dialect> MakeTrinoDialect() { return std::make_unique<Trino>(); }
std::unique_ptr<Dialect> MakeClickHouseDialect() { return std::make_unique<ClickHouse>(); }

}  // namespace millrace::query
