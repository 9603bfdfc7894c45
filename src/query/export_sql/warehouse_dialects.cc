#include <fmt/format.h>

#include <algorithm>

#include "base/letter_case.h"
#include "query/export_sql/dialect.h"
#include "query/export_sql/dialect_types.h"
#include "schema/hive_type.h"

/// Services that query a bucket: Athena, Redshift, Snowflake, BigQuery.
namespace millrace::query {
namespace {

constexpr const char* kJsonLines =
    "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' STORED AS INPUTFORMAT "
    "'org.apache.hadoop.mapred.TextInputFormat' OUTPUTFORMAT "
    "'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'";

/// How a table of Hive says what its files are.
const char* Stored(const ExportedTable& table) { return table.parquet ? "STORED AS PARQUET" : kJsonLines; }

FilesOf FormOf(const ExportedTable& table) { return table.parquet ? FilesOf::kParquet : FilesOf::kJson; }

bool InGlue(const ExportedLake& lake) { return lake.catalog == ExportedLake::Catalog::kGlue; }

std::string HiveTable(const Dialect& dialect, const std::string& name, const ExportedTable& table) {
  const auto partitions = HivePartitions(table);
  return fmt::format("CREATE EXTERNAL TABLE {} (\n{}\n){} {} LOCATION {}", name, HiveColumns(table, "  "),
                     partitions.empty() ? "" : fmt::format(" PARTITIONED BY ({})", partitions), Stored(table),
                     dialect.Text(table.location + "/"));
}

class Athena final : public Dialect {
 public:
  bool HasMembers(const ExportedTable& table, const schema::Field& column) const override {
    return IsStructToHive(table, column);
  }
  bool Sees(const ExportedTable& table, const schema::Field& column) const override {
    return Dialect::Sees(table, column) && IsColumnToHive(table, column);
  }

  void Prepare(const ExportedLake& lake, const std::vector<ExportedTable>& /*tables*/,
               SqlScript& script) const override {
    if (InGlue(lake)) return script.Say("The Iceberg tables are in Glue, so Athena sees them, always as they are.");
    script.Say(
        "Athena sees Iceberg tables that are in Glue: let the lake's catalogue be `lake.catalog.glue` "
        "(docs/aws.md).");
  }

  void Define(const ExportedLake& /*lake*/, const ExportedTable& table, SqlScript& script) const override {
    if (table.is_iceberg()) return;
    if (table.in_glue) return script.Say("It is there with its partitions, always as it is.");
    // DDL is Hive's, queries are Trino's.
    script.Add("CREATE SCHEMA IF NOT EXISTS " + HiveName(table.name.name_space));
    script.Add(HiveTable(*this, HiveName(table.name.name_space) + "." + HiveName(table.name.name), table) +
               Projection(table));
  }

 private:
  /// Folders that follow from their names, so that none is registered.
  std::string Projection(const ExportedTable& table) const {
    if (HivePartitions(table).empty()) return "";
    std::string properties = "'projection.enabled' = 'true'";
    std::string place = table.location;
    const auto add = [&](const std::string& key, const std::string& value) {
      properties += fmt::format(", {} = {}", Text(key), Text(value));
    };
    for (const auto& [name, text] : table.levels) {
      place += fmt::format("/{}{}", text, name.empty() ? "" : fmt::format("${{{}}}", name));
      if (name.empty()) continue;
      const auto key = "projection." + name + ".";
      const auto range = RangeOf(name);
      add(key + "type", range.empty() ? "injected" : "integer");
      if (range.empty()) continue;
      add(key + "range", range);
      add(key + "digits", name == "year" ? "4" : "2");
    }
    add("storage.location.template", place + "/");
    return fmt::format(" TBLPROPERTIES ({})", properties);
  }

  static std::string RangeOf(std::string_view name) {
    if (name == "year") return "2000,2100";
    if (name == "month") return "1,12";
    if (name == "day") return "1,31";
    if (name == "hour") return "0,23";
    if (name == "minute") return "0,59";
    return "";
  }
};

class Redshift final : public Dialect {
 public:
  bool HasMembers(const ExportedTable& table, const schema::Field& column) const override {
    return IsStructToHive(table, column);
  }
  bool Sees(const ExportedTable& table, const schema::Field& column) const override {
    return Dialect::Sees(table, column) && IsColumnToHive(table, column);
  }

  void Prepare(const ExportedLake& lake, const std::vector<ExportedTable>& tables, SqlScript& script) const override {
    script.Say("Redshift Spectrum reads the databases of Glue as external schemas, always as they are.");
    if (!InGlue(lake)) {
      script.Say("Iceberg tables are there once the lake's catalogue is Glue: `lake.catalog.glue` (docs/aws.md).");
    }
    script.Add("SET enable_case_sensitive_identifier TO true");
    std::vector<std::string> names;
    for (const auto& table : tables) names.push_back(table.name.name_space);
    std::ranges::sort(names);
    names.erase(std::unique(names.begin(), names.end()), names.end());
    for (const auto& name : names) {
      script.Add(fmt::format(
          "CREATE EXTERNAL SCHEMA IF NOT EXISTS {} FROM DATA CATALOG DATABASE {}{}{} IAM_ROLE default", Name(name),
          Text(name), lake.region.empty() ? "" : " REGION " + Text(lake.region),
          lake.catalog_address.empty() || !InGlue(lake) ? "" : " CATALOG_ID " + Text(lake.catalog_address)));
    }
  }

  void Define(const ExportedLake& /*lake*/, const ExportedTable& table, SqlScript& script) const override {
    if (table.is_iceberg()) return;
    if (table.in_glue) return script.Say("It is there with its partitions, always as it is.");
    std::string columns;
    for (const auto& field : table.schema.fields)
      columns += fmt::format("{}  {} {}", columns.empty() ? "" : ",\n", Name(field.name),
                             RedshiftType(field.type, FormOf(table)));
    script.Add(fmt::format("CREATE EXTERNAL TABLE {} (\n{}\n) {} LOCATION {}", QualifiedName(table), columns,
                           Stored(table), Text(table.location + "/")));
  }
};

class Snowflake final : public Dialect {
 public:
  /// t."device":"os":"name".
  std::string Member(const std::vector<std::string>& path) const override {
    std::string member = "t." + Name(path.front());
    for (size_t i = 1; i < path.size(); ++i) member += ":" + Name(path[i]);
    return member;
  }

  void Prepare(const ExportedLake& lake, const std::vector<ExportedTable>& tables, SqlScript& script) const override {
    const bool google = lake.warehouse.starts_with("gs://");
    const auto root = (google ? "gcs" + lake.warehouse.substr(2) : lake.warehouse) + "/";
    const bool iceberg = std::ranges::any_of(tables, &ExportedTable::is_iceberg);
    const bool files = !std::ranges::all_of(tables, &ExportedTable::is_iceberg);
    if (iceberg) {
      script.Say("Once, by ACCOUNTADMIN: where the files are and who says which of them are tables.");
      script.Add(fmt::format(
          "CREATE EXTERNAL VOLUME IF NOT EXISTS millrace_volume STORAGE_LOCATIONS = ((NAME = 'lake' STORAGE_PROVIDER = "
          "'{}' STORAGE_BASE_URL = {}{})) ALLOW_WRITES = FALSE",
          google ? "GCS" : "S3", Text(root),
          google ? "" : " STORAGE_AWS_ROLE_ARN = 'arn:aws:iam::<account>:role/<role>'"));
      script.Add(InGlue(lake)
                     ? fmt::format("CREATE CATALOG INTEGRATION IF NOT EXISTS millrace_catalog CATALOG_SOURCE = GLUE "
                                   "TABLE_FORMAT = ICEBERG GLUE_AWS_ROLE_ARN = 'arn:aws:iam::<account>:role/<role>' "
                                   "GLUE_CATALOG_ID = {}{} ENABLED = TRUE",
                                   Text(lake.catalog_address.empty() ? "<account>" : lake.catalog_address),
                                   lake.region.empty() ? "" : " GLUE_REGION = " + Text(lake.region))
                     : "CREATE CATALOG INTEGRATION IF NOT EXISTS millrace_catalog CATALOG_SOURCE = OBJECT_STORE "
                       "TABLE_FORMAT = ICEBERG ENABLED = TRUE");
    }
    if (files) {
      std::string places;
      for (const auto& table : tables)
        if (!table.is_iceberg()) places += (places.empty() ? "" : ", ") + Text(StageUrl(table));
      script.Say("For plain files, which become external tables over stages.");
      script.Add(fmt::format(
          "CREATE STORAGE INTEGRATION IF NOT EXISTS millrace_storage TYPE = EXTERNAL_STAGE "
          "STORAGE_PROVIDER = '{}'{} STORAGE_ALLOWED_LOCATIONS = ({}) ENABLED = TRUE",
          google ? "GCS" : "S3", google ? "" : " STORAGE_AWS_ROLE_ARN = 'arn:aws:iam::<account>:role/<role>'", places));
    }
    MakeSchemas("CREATE SCHEMA IF NOT EXISTS", tables, script);
  }

  void Define(const ExportedLake& lake, const ExportedTable& table, SqlScript& script) const override {
    if (!table.is_iceberg()) return DefineFiles(table, script);
    if (InGlue(lake)) {
      script.Add(
          fmt::format("CREATE ICEBERG TABLE IF NOT EXISTS {} EXTERNAL_VOLUME = 'millrace_volume' CATALOG = "
                      "'millrace_catalog' CATALOG_NAMESPACE = {} CATALOG_TABLE_NAME = {} AUTO_REFRESH = TRUE",
                      QualifiedName(table), Text(table.name.name_space), Text(table.name.name)));
      return;
    }
    const auto metadata = Text(BelowWarehouse(lake, table.metadata_location));
    script.Add(
        fmt::format("CREATE ICEBERG TABLE IF NOT EXISTS {} EXTERNAL_VOLUME = 'millrace_volume' CATALOG = "
                    "'millrace_catalog' METADATA_FILE_PATH = {}",
                    QualifiedName(table), metadata));
    script.Say("What landed since is seen after this, with the metadata file of that time:");
    script.Add(fmt::format("ALTER ICEBERG TABLE {} REFRESH {}", QualifiedName(table), metadata));
  }

 private:
  static std::string StageUrl(const ExportedTable& table) {
    return (table.location.starts_with("gs://") ? "gcs" + table.location.substr(2) : table.location) + "/";
  }

  void DefineFiles(const ExportedTable& table, SqlScript& script) const {
    const auto beside = [&](const char* what) {
      return Name(table.name.name_space) + "." + Name(table.name.name + what);
    };
    const auto format = beside("_format");
    const auto stage = beside("_stage");
    script.Add(fmt::format("CREATE FILE FORMAT IF NOT EXISTS {} TYPE = {} COMPRESSION = AUTO", format,
                           table.parquet ? "PARQUET" : "JSON"));
    script.Add(
        fmt::format("CREATE STAGE IF NOT EXISTS {} URL = {} STORAGE_INTEGRATION = millrace_storage FILE_FORMAT = "
                    "(FORMAT_NAME = {})",
                    stage, Text(StageUrl(table)), format));
    std::string columns;
    for (const auto& field : table.schema.fields)
      columns += fmt::format("{}  {} {} AS (VALUE:{}::{})", columns.empty() ? "" : ",\n", Name(field.name),
                             SnowflakeType(field.type, FormOf(table)), Name(field.name),
                             SnowflakeType(field.type, FormOf(table)));
    script.Add(
        fmt::format("CREATE EXTERNAL TABLE IF NOT EXISTS {} (\n{}\n) LOCATION = @{} FILE_FORMAT = (FORMAT_NAME = {}) "
                    "PATTERN = '.*[.]{}' AUTO_REFRESH = FALSE",
                    QualifiedName(table), columns, stage, format, table.parquet ? "parquet" : "jsonl.*"));
    script.Say("What landed since is seen after:");
    script.Add(fmt::format("ALTER EXTERNAL TABLE {} REFRESH", QualifiedName(table)));
  }
};

class BigQuery final : public BacktickDialect {
 public:
  bool HasMembers(const ExportedTable& table, const schema::Field& column) const override {
    return table.is_iceberg() || table.parquet || BigQueryType(column.type).find("JSON") == std::string::npos;
  }

  std::string Name(std::string_view name) const override {
    auto quoted = Text(name);
    std::string marked = "`";
    for (const char c : quoted.substr(1, quoted.size() - 2))
      marked += c == '`' ? std::string("\\`") : std::string(1, c);
    return marked + "`";
  }

  void Prepare(const ExportedLake& lake, const std::vector<ExportedTable>& tables, SqlScript& script) const override {
    script.Say("Tables as they are now; run this again to see what landed since.");
    if (!lake.warehouse.starts_with("gs://"))
      script.Say("A bucket of AWS is read by BigQuery Omni, through the connection that is named here.");
    MakeSchemas("CREATE SCHEMA IF NOT EXISTS", tables, script);
  }

  void Define(const ExportedLake& lake, const ExportedTable& table, SqlScript& script) const override {
    const auto connection =
        lake.warehouse.starts_with("gs://")
            ? std::string()
            : fmt::format(" WITH CONNECTION `aws-{}.millrace`", lake.region.empty() ? "us-east-1" : lake.region);
    if (table.is_iceberg()) {
      script.Add(fmt::format("CREATE OR REPLACE EXTERNAL TABLE {}{} OPTIONS (format = 'ICEBERG', uris = [{}])",
                             QualifiedName(table), connection, Text(table.metadata_location)));
      return;
    }
    if (table.parquet) {
      script.Add(
          fmt::format("CREATE OR REPLACE EXTERNAL TABLE {}{} OPTIONS (format = 'PARQUET', enable_list_inference "
                      "= TRUE, uris = [{}])",
                      QualifiedName(table), connection, Text(table.location + "/*.parquet")));
      return;
    }
    std::string columns;
    for (const auto& field : table.schema.fields)
      columns += fmt::format("{}  {} {}", columns.empty() ? "" : ",\n", Name(field.name), BigQueryType(field.type));
    script.Add(
        fmt::format("CREATE OR REPLACE EXTERNAL TABLE {} (\n{}\n){} OPTIONS (format = 'NEWLINE_DELIMITED_JSON'{}, "
                    "ignore_unknown_values = TRUE, uris = [{}])",
                    QualifiedName(table), columns, connection,
                    table.compression == "gzip" ? ", compression = 'GZIP'" : "", Text(table.location + "/*")));
  }
};

}  // namespace

std::unique_ptr<Dialect> MakeAthenaDialect() { return std::make_unique<Athena>(); }
std::unique_ptr<Dialect> MakeRedshiftDialect() { return std::make_unique<Redshift>(); }
std::unique_ptr<Dialect> MakeSnowflakeDialect() { return std::make_unique<Snowflake>(); }
std::unique_ptr<Dialect> MakeBigQueryDialect() { return std::make_unique<BigQuery>(); }

}  // namespace millrace::query
