#include "catalog/glue/hive_table.h"

#include <fmt/format.h>

#include <functional>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "base/letter_case.h"
#include "catalog/glue/glue_table.h"
#include "schema/evolution.h"
#include "schema/hive_type.h"
#include "schema/json_object.h"

namespace millrace::catalog {
namespace {

using nlohmann::json;
using schema::JsonObject;

constexpr const char* kSchema = "millrace.schema";
constexpr const char* kOwner = "millrace.table";
constexpr int kAttemptsMax = 20;
constexpr size_t kPartitionsPerCall = 100;

/// The classes of Hadoop that read such files.
struct Classes {
  const char* serde;
  const char* input = "org.apache.hadoop.mapred.TextInputFormat";
  const char* output = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat";
};

Classes ClassesOf(HiveSerde serde) {
  switch (serde) {
    case HiveSerde::kOpenx:
      return {"org.openx.data.jsonserde.JsonSerDe"};
    case HiveSerde::kHcatalog:
      return {"org.apache.hive.hcatalog.data.JsonSerDe"};
    case HiveSerde::kParquet:
      return {"org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
              "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
              "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"};
  }
  return {""};
}

std::vector<std::string> ValuesOf(const JsonObject& object, const char* member) {
  std::vector<std::string> values;
  for (const auto& value : object.Array(member)) {
    if (!value.is_string()) throw Error(ErrorCode::kUnavailable, "Glue told of a partition whose values are no text");
    values.push_back(value.get<std::string>());
  }
  return values;
}

schema::Schema Merged(const schema::Schema& known, const schema::Schema& wanted) {
  auto base = known;
  const auto last = schema::AssignIds(base, base.highest_id().value());
  return schema::Evolve(base, last, wanted).schema;
}

}  // namespace

HiveTable::HiveTable(GlueOptions glue, HiveTableOptions options)
    : client_(std::move(glue)),
      options_(std::move(options)),
      doing_(fmt::format("the table {} of Glue", ToString(options_.name))) {
  RequireGlueName(options_.name.name_space, "database");
  RequireGlueName(options_.name.name, "table");
}

std::optional<json> HiveTable::Entry() {
  auto answer = client_.Ask("GetTable", {{"DatabaseName", options_.name.name_space}, {"Name", options_.name.name}},
                            "reading " + doing_);
  if (!answer) return std::nullopt;
  return JsonObject(*answer, "").Member("Table");
}

schema::Schema HiveTable::ColumnsOf(const json& entry) const {
  const auto refuse = [&](const std::string& why) {
    throw Error(ErrorCode::kConfig,
                fmt::format("{}: {}; give `files.glue.name` another name, or drop that table", doing_, why));
  };
  const JsonObject table(entry, "Table");
  const auto* parameters = table.Maybe("Parameters");
  const auto said = parameters == nullptr ? json::object() : *parameters;
  const JsonObject facts(said, "Parameters");
  const auto* owner = facts.MaybeString(kOwner);
  if (owner == nullptr || *owner != options_.owner) refuse("it is not this pipeline's");
  std::vector<std::string> keys;
  if (const auto* listed = table.MaybeArray("PartitionKeys"))
    for (const auto& key : *listed) keys.push_back(JsonObject(key, "PartitionKeys").String("Name"));
  if (keys != options_.partition_keys) refuse("`files.path` has other levels than its partitions");
  const JsonObject storage(table.Member("StorageDescriptor"), "StorageDescriptor");
  if (storage.String("Location") != options_.location + "/")
    refuse(fmt::format("its files are at {}", storage.String("Location")));
  return schema::SchemaFromJson(schema::ParseJson(facts.String(kSchema), kSchema));
}

std::optional<schema::Schema> HiveTable::Find() {
  const auto entry = Entry();
  if (entry) known_ = ColumnsOf(*entry);
  return known_;
}

json HiveTable::Listed(const schema::Schema& columns, json& serde) const {
  json listed = json::array();
  std::set<std::string> names(options_.partition_keys.begin(), options_.partition_keys.end());
  for (const auto& field : columns.fields) {
    const auto name = schema::HiveColumnName(field.name);
    const bool renamed = name != Lower(field.name);
    const auto type = options_.serde == HiveSerde::kParquet ? schema::HiveParquetType(field.type)
                                                            : std::optional(schema::HiveJsonType(field.type));
    // Columns of Parquet are found by their names.
    if (!type || (renamed && options_.serde == HiveSerde::kParquet)) continue;
    if (!names.insert(name).second) continue;  // called like another one, or like a partition, which wins
    listed.push_back({{"Name", name}, {"Type", *type}});
    if (renamed && options_.serde == HiveSerde::kOpenx) serde["mapping." + name] = field.name;
  }
  return listed;
}

json HiveTable::Storage(const schema::Schema& columns, const std::string& location) const {
  json serde = {{"serialization.format", "1"}};
  json listed = Listed(columns, serde);
  const auto classes = ClassesOf(options_.serde);
  return {{"Columns", std::move(listed)},
          {"Location", location + "/"},
          {"InputFormat", classes.input},
          {"OutputFormat", classes.output},
          {"Compressed", !options_.compression.empty()},
          {"SerdeInfo", {{"SerializationLibrary", classes.serde}, {"Parameters", std::move(serde)}}}};
}

json HiveTable::Input(const schema::Schema& columns, const json& before) const {
  json input = before.is_null() ? json::object() : RenamedTableInput(before, options_.name.name);
  input["Name"] = options_.name.name;
  input["TableType"] = "EXTERNAL_TABLE";
  input["StorageDescriptor"] = Storage(columns, options_.location);
  input["PartitionKeys"] = json::array();
  for (const auto& key : options_.partition_keys) input["PartitionKeys"].push_back({{"Name", key}, {"Type", "string"}});
  auto& parameters = input["Parameters"];
  if (!parameters.is_object()) parameters = json::object();
  parameters["EXTERNAL"] = "TRUE";
  parameters["classification"] = options_.serde == HiveSerde::kParquet ? "parquet" : "json";
  parameters["compressionType"] = options_.compression.empty() ? "none" : options_.compression;
  parameters[kOwner] = options_.owner;
  parameters[kSchema] = schema::ToJson(columns).dump();
  return input;
}

void HiveTable::EnsureDatabase() {
  const auto& name = options_.name.name_space;
  if (client_.Ask("GetDatabase", {{"Name", name}}, "looking for the database " + name)) return;
  const auto doing = "making the database " + name;
  Decided(client_.Change("CreateDatabase", {{"DatabaseInput", {{"Name", name}}}}, doing), doing);
}

void HiveTable::Ensure(const schema::Schema& columns) {
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    if (known_ && schema::SameColumns(Merged(*known_, columns), Merged(*known_, *known_))) return;
    const auto entry = Entry();
    json request = {{"DatabaseName", options_.name.name_space}};
    if (entry) {
      known_ = ColumnsOf(*entry);
      const auto merged = Merged(*known_, columns);
      if (schema::SameColumns(merged, Merged(*known_, *known_))) return;
      request["TableInput"] = Input(merged, *entry);
      request["VersionId"] = VersionIdOf(*entry, doing_);
      request["SkipArchive"] = true;
      if (client_.Change("UpdateTable", request, "adding columns to " + doing_).outcome == GlueOutcome::kDone)
        known_ = merged;
      continue;  // what did not happen for sure is read again
    }
    known_.reset();
    EnsureDatabase();
    request["TableInput"] = Input(Merged({}, columns), nullptr);
    client_.Change("CreateTable", request, "making " + doing_);
  }
  throw Error(
      ErrorCode::kUnavailable,
      fmt::format("{}: it changed {} times while columns were to be added; trying again", doing_, kAttemptsMax));
}

/// Of what a partition says beside its place.
size_t HiveTable::ShapeOf() const {
  return std::hash<std::string>{}(Storage(known_.value_or(schema::Schema()), "").dump());
}

void HiveTable::AddPartitions(const std::vector<HivePartition>& partitions) {
  const auto shape = ShapeOf();
  std::map<std::vector<std::string>, const HivePartition*> fresh;
  for (const auto& partition : partitions) {
    const auto known = added_.find(partition.values);
    if (known == added_.end() || known->second != shape) fresh.emplace(partition.values, &partition);
  }
  std::vector<HivePartition> some;
  for (const auto& [values, partition] : fresh) {
    some.push_back(*partition);
    if (some.size() == kPartitionsPerCall) AddSome(std::exchange(some, {}));
  }
  if (!some.empty()) AddSome(some);
}

void HiveTable::AddSome(const std::vector<HivePartition>& partitions) {
  const auto doing = "adding partitions to " + doing_;
  json inputs = json::array();
  for (const auto& partition : partitions)
    inputs.push_back({{"Values", partition.values},
                      {"StorageDescriptor", Storage(known_.value_or(schema::Schema()), partition.location)}});
  const auto change = client_.Change("BatchCreatePartition",
                                     {{"DatabaseName", options_.name.name_space},
                                      {"TableName", options_.name.name},
                                      {"PartitionInputList", std::move(inputs)}},
                                     doing);
  if (Decided(change, doing) == GlueOutcome::kMissing) {
    known_.reset();
    added_.clear();
    throw Error(ErrorCode::kUnavailable, doing + ": it is gone; making it again");
  }
  std::vector<std::vector<std::string>> existing;
  RequireNoErrors(change.answer, doing, &existing);
  if (!existing.empty()) TellOfColumns(existing);
  const auto shape = ShapeOf();
  for (const auto& partition : partitions) added_[partition.values] = shape;
}

/// Of an answer about several partitions. `existing` gets those that were there; null: that is an error, too.
void HiveTable::RequireNoErrors(const json& answer, const std::string& doing,
                                std::vector<std::vector<std::string>>* existing) const {
  const auto* errors = JsonObject(answer, "").MaybeArray("Errors");
  if (errors == nullptr) return;
  for (const auto& one : *errors) {
    const JsonObject error(one, "Errors");
    const JsonObject detail(error.Member("ErrorDetail"), "ErrorDetail");
    if (existing != nullptr && detail.String("ErrorCode") == "AlreadyExistsException") {
      existing->push_back(ValuesOf(error, "PartitionValues"));
      continue;
    }
    const auto* message = detail.MaybeString("ErrorMessage");
    throw Error(ErrorCode::kUnavailable,
                fmt::format("{}: {} {}", doing, detail.String("ErrorCode"), message == nullptr ? "" : *message));
  }
}

/// Brings partitions to the columns of the table as it is. Another worker may add columns meanwhile, to the table
/// first: so whoever writes a partition looks again whether it said what the table says by then.
void HiveTable::TellOfColumns(const std::vector<std::vector<std::string>>& partitions) {
  const auto doing = "adding columns to partitions of " + doing_;
  const json of = {{"DatabaseName", options_.name.name_space}, {"TableName", options_.name.name}};
  json wanted = of;
  for (const auto& values : partitions) wanted["PartitionsToGet"].push_back({{"Values", values}});
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    const auto storage = Storage(Find().value_or(schema::Schema()), "");
    const auto found = client_.Ask("BatchGetPartition", wanted, doing);
    if (!found) break;
    json request = of;
    for (const auto& one : JsonObject(*found, "").Array("Partitions")) {
      const JsonObject partition(one, "Partitions");
      auto described = partition.Member("StorageDescriptor");
      if (described.value("Columns", json()) == storage.at("Columns")) continue;
      described["Columns"] = storage.at("Columns");
      described["SerdeInfo"] = storage.at("SerdeInfo");
      const auto values = ValuesOf(partition, "Values");
      json input = {{"Values", values}, {"StorageDescriptor", std::move(described)}};
      if (const auto* parameters = partition.Maybe("Parameters")) input["Parameters"] = *parameters;
      request["Entries"].push_back({{"PartitionValueList", values}, {"PartitionInput", std::move(input)}});
    }
    if (!request.contains("Entries")) return;
    const auto change = client_.Change("BatchUpdatePartition", request, doing);
    if (Decided(change, doing) != GlueOutcome::kMissing) RequireNoErrors(change.answer, doing, nullptr);
  }
  throw Error(ErrorCode::kUnavailable, doing + ": they change again and again; trying again");
}

}  // namespace millrace::catalog
