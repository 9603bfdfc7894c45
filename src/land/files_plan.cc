#include "land/files_plan.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "land/files_path.h"

namespace millrace::land {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;

json Write(const FilesEncoding& encoding) {
  json written{{"prefix", encoding.prefix},
               {"path", encoding.path},
               {"compression", ToString(encoding.compression)},
               {"level", encoding.level},
               {"file_bytes", encoding.file_bytes},
               {"open_files_max", encoding.open_files_max},
               {"record_bytes_max", encoding.record_bytes_max}};
  if (!encoding.error_path.empty()) written["error_path"] = encoding.error_path;
  const FilesEncoding plain;
  if (encoding.record != plain.record) written["record"] = ToString(encoding.record);
  if (encoding.name != plain.name) written["name"] = encoding.name;
  if (encoding.extension != plain.extension) written["extension"] = encoding.extension;
  if (encoding.separator != plain.separator) written["separator"] = encoding.separator;
  if (encoding.file_rows != plain.file_rows) written["file_rows"] = encoding.file_rows;
  if (encoding.file_span_ms != plain.file_span_ms) written["file_span_ms"] = encoding.file_span_ms;
  if (encoding.time_zone != plain.time_zone) written["time_zone"] = encoding.time_zone;
  if (encoding.framed) written["framed"] = true;
  if (encoding.headers) written["headers"] = true;
  if (encoding.form != plain.form) written["form"] = ToString(encoding.form);
  if (encoding.row_group_bytes != plain.row_group_bytes) written["row_group_bytes"] = encoding.row_group_bytes;
  return written;
}

FilesEncoding ReadEncoding(const json& stored) {
  FilesEncoding encoding;
  encoding.prefix = stored.at("prefix").get<std::string>();
  encoding.path = stored.at("path").get<std::string>();
  encoding.compression = ParseFilesCompression(stored.at("compression").get<std::string>());
  encoding.level = stored.at("level").get<int>();
  encoding.file_bytes = stored.at("file_bytes").get<int64_t>();
  encoding.open_files_max = stored.at("open_files_max").get<int64_t>();
  encoding.record_bytes_max = stored.at("record_bytes_max").get<int64_t>();
  encoding.error_path = stored.value("error_path", "");
  encoding.record = ParseFilesRecord(stored.value("record", std::string(ToString(encoding.record))));
  encoding.name = stored.value("name", "");
  encoding.extension = stored.value("extension", "");
  encoding.separator = stored.value("separator", encoding.separator);
  encoding.file_rows = stored.value("file_rows", encoding.file_rows);
  encoding.file_span_ms = stored.value("file_span_ms", encoding.file_span_ms);
  encoding.time_zone = stored.value("time_zone", encoding.time_zone);
  encoding.framed = stored.value("framed", false);
  encoding.headers = stored.value("headers", false);
  encoding.form = ParseFilesForm(stored.value("form", std::string(ToString(encoding.form))));
  encoding.row_group_bytes = stored.value("row_group_bytes", encoding.row_group_bytes);
  return encoding;
}

Timestamp ReadTime(const json& stored) {
  const auto time = ParseTimestamp(stored.get<std::string>());
  if (!time) throw Error(ErrorCode::kStop, "'" + stored.get<std::string>() + "' is no time");
  return *time;
}

}  // namespace

std::string WritePlan(const FilesPlan& plan) {
  json objects = json::array();
  for (const auto& object : plan.objects) {
    objects.push_back({{"key", object.key}, {"rows", object.rows}, {"bytes", object.bytes}, {"sha256", object.sha256}});
  }
  json stored{{"version", kVersion},
              {"pipeline", plan.pipeline},
              {"split", plan.split.value()},
              {"topic", plan.topic},
              {"partition", plan.partition},
              {"begin", plan.begin.value()},
              {"end", plan.end.value()},
              {"first_offset", plan.first_offset},
              {"last_offset", plan.last_offset},
              {"records", plan.records},
              {"ingested_at", FormatTimestamp(plan.ingested_at)},
              {"encoding", Write(plan.encoding)},
              {"objects", std::move(objects)}};
  for (const auto& columns : plan.columns) {
    stored["columns"].push_back({{"from", columns.from_offset}, {"version", columns.version}});
  }
  return stored.dump(1) + "\n";
}

FilesPlan ReadPlan(const std::string& key, std::string_view text) {
  try {
    const auto stored = json::parse(text);
    if (stored.at("version").get<int>() != kVersion) {
      throw Error(ErrorCode::kStop,
                  fmt::format("it has version {} and this program reads {}; run the version of millrace "
                              "that wrote it",
                              stored.at("version").get<int>(), kVersion));
    }
    FilesPlan plan;
    plan.pipeline = stored.at("pipeline").get<std::string>();
    plan.split = event::SplitId(stored.at("split").get<std::string>());
    plan.topic = stored.at("topic").get<std::string>();
    plan.partition = stored.at("partition").get<int32_t>();
    plan.begin = event::Cursor(stored.at("begin").get<std::string>());
    plan.end = event::Cursor(stored.at("end").get<std::string>());
    plan.first_offset = stored.at("first_offset").get<int64_t>();
    plan.last_offset = stored.at("last_offset").get<int64_t>();
    plan.records = stored.at("records").get<int64_t>();
    plan.ingested_at = ReadTime(stored.at("ingested_at"));
    plan.encoding = ReadEncoding(stored.at("encoding"));
    for (const auto& object : stored.at("objects")) {
      plan.objects.push_back({object.at("key").get<std::string>(), object.at("rows").get<int64_t>(),
                              object.at("bytes").get<int64_t>(), object.at("sha256").get<std::string>()});
    }
    if (const auto columns = stored.find("columns"); columns != stored.end()) {
      for (const auto& from : *columns) {
        plan.columns.push_back({from.at("from").get<int64_t>(), from.at("version").get<int64_t>()});
      }
    }
    return plan;
  } catch (Error& error) {
    throw Error(ErrorCode::kStop, fmt::format("plan {}: {}", key, error.message()));
  } catch (const json::exception& error) {
    throw Error(ErrorCode::kStop,
                fmt::format("plan {} cannot be read ({}); restore it, as it says what has landed", key, error.what()));
  }
}

std::string PlansFolder(const std::string& prefix, const std::string& pipeline) {
  return (prefix.empty() ? "" : prefix + "/") + "_millrace/" + SafeName(pipeline) + "/";
}

std::string PlanKey(const std::string& folder, const event::SplitId& split, int64_t first_offset) {
  std::string name;
  for (const char c : split.value()) {
    const bool safe =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    safe ? static_cast<void>(name += c)
         : static_cast<void>(name += fmt::format("={:02x}", static_cast<unsigned char>(c)));
  }
  return fmt::format("{}{}/{:020}.plan", folder, name, first_offset);
}

}  // namespace millrace::land
