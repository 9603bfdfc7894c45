#include "connect/iceberg_sink.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <regex>

#include "connect/converters.h"
#include "connect/declared_plugin.h"
#include "connect/iceberg_properties.h"
#include "connect/topics.h"
#include "connect/value_check.h"
#include "connect/yaml_text.h"

namespace millrace::connect {
namespace {

constexpr std::string_view kCatalog = "iceberg.catalog.";
constexpr std::string_view kSqlite = "jdbc:sqlite:";

/// "rest", "glue", "jdbc", or what else was said.
std::string CatalogKind(const Given& given) {
  auto type = given.Text("iceberg.catalog.type");
  if (!type.empty()) return type;
  auto name = SimpleName(given.Text("iceberg.catalog.catalog-impl"));
  if (name == "RESTCatalog") return "rest";
  if (name == "JdbcCatalog") return "jdbc";
  if (name == "GlueCatalog") return "glue";
  return name;
}

/// Splits at commas outside of parentheses: "bucket(id, 16), day(ts)".
std::vector<std::string> SplitExpressions(const std::string& text) {
  std::vector<std::string> parts;
  int depth = 0;
  std::string part;
  for (const char c : text + ",") {
    if (c == ',' && depth == 0) {
      if (auto trimmed = Trimmed(part); !trimmed.empty()) parts.push_back(std::move(trimmed));
      part.clear();
      continue;
    }
    depth += c == '(' ? 1 : (c == ')' ? -1 : 0);
    part += c;
  }
  return parts;
}

/// The connector's expression as ours; nullopt: it is none.
std::optional<std::string> PartitionExpression(const std::string& text) {
  static const std::regex form(R"(^(?:(\w+)\s*\(\s*([^,()]+?)\s*(?:,\s*([^,()]+?)\s*)?\)|([^(),]+))$)");
  std::smatch match;
  if (!std::regex_match(text, match, form)) return std::nullopt;
  if (match[4].matched) return match[4].str();
  const auto name = match[1].str(), first = match[2].str(), second = match[3].str();
  for (const std::string word : {"year", "month", "day", "hour"}) {
    if ((name == word || name == word + "s") && second.empty()) return fmt::format("{}({})", word, first);
  }
  if ((name != "bucket" && name != "truncate") || second.empty()) return std::nullopt;
  // Theirs is bucket(column, n); SQL's is bucket(n, column), and so is ours.
  const bool number_first = std::ranges::all_of(first, [](unsigned char c) { return std::isdigit(c) != 0; });
  return number_first ? fmt::format("{}({}, {})", name, first, second) : fmt::format("{}({}, {})", name, second, first);
}

std::string OfTable(const Given& given, const std::string& table, const std::string& word) {
  const auto own = given.Text(fmt::format("iceberg.table.{}.{}", table, word));
  return own.empty() ? given.Text("iceberg.tables.default-" + word) : own;
}

bool Upserts(const Given& given) {
  return given.Flag("iceberg.tables.upsert-mode-enabled") || !given.Text("iceberg.tables.cdc-field").empty();
}

class IcebergSink final : public DeclaredPlugin {
 public:
  IcebergSink()
      : DeclaredPlugin({.type = "sink",
                        .classes = {"org.apache.iceberg.connect.IcebergSinkConnector", "IcebergSinkConnector",
                                    "IcebergSink", "io.tabular.iceberg.connect.IcebergSinkConnector"},
                        .version = kIcebergVersion,
                        .properties = IcebergProperties(),
                        .families = IcebergFamilies()}) {}

 private:
  void CheckTogether(const Given& given, Findings& findings) const override {
    CheckOrigins(given, findings);
    CheckConverters(given, findings);
    RefuseJsonWithSchema(given, findings);
    // Where nothing but the class was given, Connect finds no fault with what the task would miss.
    if (given.properties().size() <= 1) return;
    CheckForm(given, findings);
    CheckTables(given, findings);
    CheckCatalog(given, findings);
  }

  static void CheckForm(const Given& given, Findings& findings) {
    const auto form = ValueFormOf(given);
    if (form != ValueForm::kText && form != ValueForm::kBytes && form != ValueForm::kOther) return;
    findings.Add("value.converter", fmt::format("{} gives no rows: take JsonConverter, JsonSchemaConverter, "
                                                "AvroConverter or ProtobufConverter",
                                                given.Class("value.converter")));
  }

  static void CheckTables(const Given& given, Findings& findings) {
    const auto tables = given.List("iceberg.tables");
    if (tables.empty() && given.Text("topics").empty() && given.Text("topics.regex").empty()) return;
    if (tables.empty()) findings.Add("iceberg.tables", "names no table; write namespace.table");
    for (const auto& table : tables) {
      if (table.find('.') == std::string::npos) {
        findings.Add("iceberg.tables", fmt::format("'{}' is no table name; write namespace.table", table));
      }
      CheckTable(given, table, findings);
    }
    for (const auto& [rest, value] : given.Below("iceberg.table.")) {
      const bool is_known = std::ranges::any_of(tables, [&name = rest](const auto& table) {
        return name.starts_with(table + ".") && name.find('.', table.size() + 1) == std::string::npos;
      });
      if (!is_known) findings.Add("iceberg.table." + rest, "is of no table of iceberg.tables");
    }
  }

  static void CheckTable(const Given& given, const std::string& table, Findings& findings) {
    for (const auto& part : SplitExpressions(OfTable(given, table, "partition-by"))) {
      if (PartitionExpression(part)) continue;
      findings.Add("iceberg.tables.default-partition-by",
                   fmt::format("'{}' is no partition; known are a column, year, month, day, hour, bucket(column, n) "
                               "and truncate(column, n)",
                               part));
    }
    const auto key = OfTable(given, table, "id-columns");
    if (!key.empty() && !Upserts(given)) {
      findings.Add("iceberg.tables.default-id-columns",
                   "id columns are not supported by Millrace unless rows of a key replace each other: remove them, or "
                   "say iceberg.tables.upsert-mode-enabled=true");
    }
    if (key.empty() && Upserts(given)) {
      findings.Add("iceberg.tables.default-id-columns",
                   "upserts need the columns that tell rows apart: iceberg.tables.default-id-columns");
    }
    const auto form = ValueFormOf(given);
    if (Upserts(given) && (form == ValueForm::kAvro || form == ValueForm::kProtobuf)) {
      findings.Add("value.converter", "upserts are read from JSON only: take JsonConverter or JsonSchemaConverter");
    }
  }

  static void CheckCatalog(const Given& given, Findings& findings) {
    const auto kind = CatalogKind(given);
    const auto uri = given.Text("iceberg.catalog.uri");
    if (kind.empty() && given.Below(kCatalog).empty()) return;  // the pipeline's own
    if (kind != "rest" && kind != "glue" && kind != "jdbc") {
      findings.Add("iceberg.catalog.type",
                   fmt::format("the catalogue '{}' is not supported by Millrace: take `rest`, `glue`, or `jdbc` with a "
                               "file of SQLite",
                               kind));
      return;
    }
    if (kind == "rest" && uri.empty()) findings.Add("iceberg.catalog.uri", "is missing: the catalogue's address");
    if (kind == "jdbc" && !uri.starts_with(kSqlite)) {
      findings.Add("iceberg.catalog.uri", "jdbc takes a file of SQLite, jdbc:sqlite:FILE, and no other database");
    }
    const auto io = SimpleName(given.Text("iceberg.catalog.io-impl"));
    if (!io.empty() && io != "S3FileIO" && io != "ResolvingFileIO" && io != "HadoopFileIO" && io != "GCSFileIO") {
      findings.Add("iceberg.catalog.io-impl", fmt::format("{} is not supported by Millrace: files are in S3, GCS or a "
                                                          "local folder, as the warehouse says",
                                                          io));
    }
    const auto delegation = given.Text("iceberg.catalog.header.X-Iceberg-Access-Delegation");
    if (!delegation.empty() && delegation != "vended-credentials") {
      findings.Add("iceberg.catalog.header.X-Iceberg-Access-Delegation",
                   "only vended-credentials is supported by Millrace");
    }
  }

  Translation Written(const std::string& connector, const Given& given) const override {
    Translation translation;
    Tree root;
    WriteRegistry(connector, given, root, translation.secrets);
    WriteLake(connector, given, root, translation.secrets);
    for (const auto& table : given.List("iceberg.tables")) root["tables"][table] = TableOf(given, table);
    translation.yaml = YamlText(root);
    return translation;
  }

  static Tree TableOf(const Given& given, const std::string& table) {
    Tree block;
    block["from"] = OneOrigin(given);
    const auto form = ValueFormOf(given);
    if (form == ValueForm::kAvro) block["format"] = "avro";
    if (form == ValueForm::kProtobuf) block["format"] = "protobuf";
    if (form == ValueForm::kJsonSchema) block["format"] = "json_schema";
    if (given.Text("consumer.override.auto.offset.reset") == "latest") block["start"] = "latest";
    if (Upserts(given)) {
      block["key"] = SplitList(OfTable(given, table, "id-columns"));
      block["upsert"] = Tree::object();
      if (const auto field = given.Text("iceberg.tables.cdc-field"); !field.empty())
        block["upsert"]["operation"] = field;
    }
    auto& iceberg = block["iceberg"];
    iceberg["create"] = given.Flag("iceberg.tables.auto-create-enabled");
    std::vector<std::string> partitions;
    for (const auto& part : SplitExpressions(OfTable(given, table, "partition-by"))) {
      partitions.push_back(PartitionExpression(part).value_or(part));
    }
    if (!partitions.empty()) iceberg["partition_by"] = partitions;
    for (const auto* prefix : {"iceberg.tables.auto-create-props.", "iceberg.tables.write-props."}) {
      for (const auto& [name, value] : given.Below(prefix)) iceberg["properties"][name] = value;
    }
    block["contract"]["columns"] = given.Flag("iceberg.tables.evolve-schema-enabled") ? "evolve" : "discard_value";
    block["freshness"] =
        fmt::format("{}ms", std::max<int64_t>(given.Number("iceberg.control.commit.interval-ms"), 100));
    return block;
  }

  static void WriteLake(const std::string& connector, const Given& given, Tree& root,
                        std::map<std::string, std::string>& secrets) {
    const auto kind = CatalogKind(given);
    if (kind.empty()) return;
    auto& lake = root["lake"];
    const auto warehouse = given.Text("iceberg.catalog.warehouse");
    if (warehouse.starts_with("file:")) {
      lake["warehouse"] = warehouse.substr(warehouse.starts_with("file://") ? 7 : 5);
    } else if (warehouse.find("://") != std::string::npos || warehouse.starts_with('/')) {
      lake["warehouse"] = warehouse;
    }
    WriteS3(connector, given, lake, secrets);
    if (kind == "jdbc") {
      lake["catalog"]["sqlite"]["path"] = given.Text("iceberg.catalog.uri").substr(kSqlite.size());
    } else if (kind == "glue") {
      auto& glue = lake["catalog"]["glue"] = Tree::object();
      for (const auto& [property, option] :
           {std::pair{"client.region", "region"}, std::pair{"glue.endpoint", "endpoint"},
            std::pair{"glue.id", "catalog_id"}}) {
        if (const auto value = given.Text(std::string(kCatalog) + property); !value.empty()) glue[option] = value;
      }
    } else {
      WriteRest(connector, given, lake["catalog"]["rest"], secrets);
    }
  }

  static void WriteS3(const std::string& connector, const Given& given, Tree& lake,
                      std::map<std::string, std::string>& secrets) {
    const auto text = [&](const char* name, const char* option) {
      if (const auto value = given.Text(std::string(kCatalog) + name); !value.empty()) lake["s3"][option] = value;
    };
    const auto secret = [&](const char* name, const char* option) {
      const auto property = std::string(kCatalog) + name;
      if (const auto value = given.Raw(property); !value.empty()) {
        lake["s3"][option] = SecretOf(connector, property, value, secrets);
      }
    };
    text("s3.endpoint", "endpoint");
    text("client.region", "region");
    text("s3.region", "region");
    secret("s3.access-key-id", "access_key");
    secret("s3.secret-access-key", "secret_key");
    secret("s3.session-token", "session_token");
    if (given.Has("iceberg.catalog.s3.path-style-access")) {
      lake["s3"]["path_style"] = given.Flag("iceberg.catalog.s3.path-style-access");
    }
  }

  static void WriteRest(const std::string& connector, const Given& given, Tree& rest,
                        std::map<std::string, std::string>& secrets) {
    const auto text = [&](Tree& block, const char* name, const char* option) {
      if (const auto value = given.Text(std::string(kCatalog) + name); !value.empty()) block[option] = value;
    };
    text(rest, "uri", "uri");
    text(rest, "warehouse", "warehouse");
    text(rest, "prefix", "prefix");
    if (const auto token = given.Raw("iceberg.catalog.token"); !token.empty()) {
      rest["token"] = SecretOf(connector, "iceberg.catalog.token", token, secrets);
    }
    if (const auto credential = given.Raw("iceberg.catalog.credential"); !credential.empty()) {
      auto& oauth2 = rest["oauth2"];
      const auto colon = credential.find(':');
      oauth2["client_id"] = colon == std::string::npos ? "" : credential.substr(0, colon);
      oauth2["client_secret"] =
          SecretOf(connector, "iceberg.catalog.credential",
                   colon == std::string::npos ? credential : credential.substr(colon + 1), secrets);
      text(oauth2, "oauth2-server-uri", "server_uri");
      text(oauth2, "scope", "scope");
      text(oauth2, "audience", "audience");
      text(oauth2, "resource", "resource");
    }
    if (given.Flag("iceberg.catalog.rest.sigv4-enabled")) {
      auto& sigv4 = rest["sigv4"] = Tree::object();
      text(sigv4, "rest.signing-name", "signing_name");
      text(sigv4, "rest.signing-region", "region");
    }
    for (const auto& [name, value] : given.Below("iceberg.catalog.header.")) {
      if (name == "X-Iceberg-Access-Delegation") {
        rest["vended_credentials"] = true;
      } else {
        rest["headers"][name] = value;
      }
    }
  }
};

}  // namespace

std::unique_ptr<Plugin> MakeIcebergSink() { return std::make_unique<IcebergSink>(); }

}  // namespace millrace::connect
