#include "document/dynamodb/dynamo_tables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/log.h"
#include "io/outage_patience.h"

namespace millrace::document {
namespace {

using nlohmann::json;
using Keys = std::vector<DynamoKey>;

std::string TypeOf(const DynamoKey& key) { return key.number ? "N" : "S"; }

std::string NamesOf(const Keys& keys) {
  std::vector<std::string> names;
  for (const auto& key : keys) names.push_back(key.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

/// The command that makes a table, for a person.
std::string CommandFor(const std::string& table, const Keys& keys) {
  std::string types;
  std::string schema;
  for (const auto& key : keys) {
    types += fmt::format(" AttributeName={},AttributeType={}", key.name, TypeOf(key));
    schema += fmt::format(" AttributeName={},KeyType={}", key.name, key.sort ? "RANGE" : "HASH");
  }
  return fmt::format(
      "aws dynamodb create-table --table-name {} --billing-mode PAY_PER_REQUEST --attribute-definitions{} "
      "--key-schema{}",
      table, types, schema);
}

std::string CreateRequest(const std::string& table, const Keys& keys) {
  json request = {{"TableName", table}, {"BillingMode", "PAY_PER_REQUEST"}};
  for (const auto& key : keys) {
    request["AttributeDefinitions"].push_back({{"AttributeName", key.name}, {"AttributeType", TypeOf(key)}});
    request["KeySchema"].push_back({{"AttributeName", key.name}, {"KeyType", key.sort ? "RANGE" : "HASH"}});
  }
  return request.dump();
}

Keys KeysOf(const json& table, const std::string& name) {
  Keys keys;
  for (const auto& member : table.at("KeySchema")) {
    DynamoKey key{.name = member.at("AttributeName"), .sort = member.at("KeyType") == "RANGE"};
    for (const auto& attribute : table.at("AttributeDefinitions")) {
      if (attribute.at("AttributeName") != key.name) continue;
      key.number = attribute.at("AttributeType") == "N";
      if (attribute.at("AttributeType") != "B") continue;
      throw Error(
          ErrorCode::kConfig,
          fmt::format("the key {} of the table {} is binary, which no JSON is; use a table whose key is text or "
                      "a number",
                      key.name, name));
    }
    keys.push_back(std::move(key));
  }
  std::ranges::stable_sort(keys, {}, &DynamoKey::sort);
  return keys;
}

/// As it would be made for this `key`.
Keys KeysFor(const DynamoStoreOptions& options) {
  if (options.key.empty()) return {{.name = "_id"}};
  Keys keys;
  for (const auto& name : options.key) {
    keys.push_back({.name = name,
                    .number = std::ranges::find(options.number_keys, name) != options.number_keys.end(),
                    .sort = !keys.empty()});
  }
  return keys;
}

class Opening {
 public:
  Opening(io::AwsJsonClient& client, const DynamoStoreOptions& options) : client_(client), options_(options) {}

  /// The keys of a table that is there in the end.
  Keys Open(const std::string& table, const Keys& as_made) {
    constexpr std::chrono::milliseconds kFirstWait{20}, kLongestWait{1000};
    bool asked = false;
    for (auto wait = kFirstWait;; wait = std::min(2 * wait, kLongestWait)) {
      const auto found = Describe(table);
      if (found && found->at("TableStatus") != "CREATING") return KeysOf(*found, table);
      if (!found && !options_.create) {
        throw Error(ErrorCode::kConfig,
                    fmt::format("there is no table {} in {}; let it be made with `create: true`, or make it: {}", table,
                                client_.options().region, CommandFor(table, as_made)));
      }
      if (!found && !asked) Create(table, as_made);
      asked = true;
      if (!io::OutagePatience::Sleep(wait)) {
        throw Error(ErrorCode::kUnavailable, fmt::format("stopped while the table {} was being made", table));
      }
    }
  }

  /// Notes of deletes go away by the table's TTL; without it they stay, which takes room and nothing else.
  void FindExpiry(DynamoTable& table) {
    table.expires = kExpires;
    const auto answer = client_.Send("DescribeTimeToLive", json{{"TableName", options_.table}}.dump());
    if (!answer.ok()) return WarnOfNotes(answer.refusal.code);
    const auto said = json::parse(answer.body).at("TimeToLiveDescription");
    if (said.value("TimeToLiveStatus", "").starts_with("ENABL")) {
      table.expires = said.at("AttributeName");
      table.expires_is_records = table.expires != kExpires;
    } else if (options_.create) {
      const json way = {{"AttributeName", kExpires}, {"Enabled", true}};
      const auto made = client_.Send("UpdateTimeToLive",
                                     json{{"TableName", options_.table}, {"TimeToLiveSpecification", way}}.dump());
      if (!made.ok()) WarnOfNotes(made.refusal.code);
    } else {
      WarnOfNotes("it is off");
    }
  }

 private:
  std::optional<json> Describe(const std::string& table) {
    const auto answer = client_.Send("DescribeTable", json{{"TableName", table}}.dump());
    if (answer.ok()) return json::parse(answer.body).at("Table");
    if (answer.refusal.code == "ResourceNotFoundException") return std::nullopt;
    throw io::ErrorOf(answer.refusal, "DescribeTable of " + table);
  }

  /// Another worker may have been faster.
  void Create(const std::string& table, const Keys& keys) {
    const auto answer = client_.Send("CreateTable", CreateRequest(table, keys));
    if (answer.ok()) LogInfo("DynamoDB: making the table {}", table);
    if (answer.ok() || answer.refusal.code == "ResourceInUseException") return;
    throw io::ErrorOf(answer.refusal, "CreateTable of " + table);
  }

  void WarnOfNotes(const std::string& why) {
    if (options_.key.empty()) return;  // nothing is deleted
    LogWarning(
        "DynamoDB: the TTL of the table {} cannot be used ({}): notes of deleted items stay there. Turn it on with: "
        "aws "
        "dynamodb update-time-to-live --table-name {} --time-to-live-specification Enabled=true,AttributeName={}",
        options_.table, why, options_.table, kExpires);
  }

  io::AwsJsonClient& client_;
  const DynamoStoreOptions& options_;
};

void CheckKeys(const Keys& keys, const DynamoStoreOptions& options) {
  const auto fits = [&] {
    if (options.key.empty()) return keys.size() == 1 && !keys[0].number;
    return keys.size() == options.key.size() && std::ranges::all_of(keys, [&](const auto& key) {
             return std::ranges::find(options.key, key.name) != options.key.end();
           });
  };
  if (fits()) return;
  const auto has = fmt::format("the key of the table {} is {}", options.table, NamesOf(keys));
  if (options.key.empty()) {
    throw Error(ErrorCode::kConfig,
                fmt::format("{}, and without `key` the place of a record is its id: give `key: [{}]`, "
                            "or a table with a partition key that is text, and no sort key",
                            has, NamesOf(keys)));
  }
  throw Error(ErrorCode::kConfig, fmt::format("{}, and `key` says {}: give `key: [{}]`, or another table", has,
                                              fmt::join(options.key, ", "), NamesOf(keys)));
}

}  // namespace

DynamoTable OpenDynamoTables(io::AwsJsonClient& client, const DynamoStoreOptions& options) {
  Opening opening(client, options);
  DynamoTable table{.keys = opening.Open(options.table, KeysFor(options))};
  CheckKeys(table.keys, options);
  opening.FindExpiry(table);
  const std::pair<std::string, Keys> beside[] = {
      {options.quarantine_table, {{.name = "place"}}},
      {options.positions_table, {{.name = "scope"}, {.name = "split", .sort = true}}}};
  for (const auto& [name, keys] : beside) {
    const auto found = NamesOf(opening.Open(name, keys));
    if (found == NamesOf(keys)) continue;
    throw Error(ErrorCode::kConfig, fmt::format("the key of the table {} is {}, and should be {}: name another one",
                                                name, found, NamesOf(keys)));
  }
  return table;
}

}  // namespace millrace::document
