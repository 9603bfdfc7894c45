#include "app/fixed_start.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/fault.h"
#include "io/digest.h"
#include "land/files_path.h"
#include "land/positions.h"

namespace millrace::app {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;

std::string KeyOf(const PipelineConfig& pipeline, const std::string& name, const TableConfig& table) {
  const auto text = StartText(table.start.start);
  return fmt::format(".millrace-starts/{}/{}/{}.json", land::SafeName(pipeline.name), land::SafeName(name),
                     io::Hex(io::Sha256(table.from + "\n" + text)).substr(0, 16));
}

std::string Write(const TableConfig& table, const event::Positions& positions) {
  return json{{"version", kVersion},
              {"from", table.from},
              {"start", StartText(table.start.start)},
              {"positions", json::parse(land::PrintPositions(positions))}}
             .dump(1) +
         "\n";
}

event::Positions Read(const std::string& key, const std::string& text) {
  const auto stored = json::parse(text, nullptr, false);
  if (!stored.is_object() || stored.value("version", 0) != kVersion || !stored.contains("positions")) {
    throw Error(ErrorCode::kStop, fmt::format("{} cannot be read, and it says where the table began; restore it, or "
                                              "remove it if nothing has landed yet",
                                              key));
  }
  return land::ParsePositions(stored["positions"].dump(), key);
}

}  // namespace

event::Positions ReadFixedStart(const PipelineConfig& pipeline, const std::string& name, const TableConfig& table,
                                Lake& lake) {
  if (table.start.start.at == event::Start::At::kEarliest) return {};
  const auto key = KeyOf(pipeline, name, table);
  const auto text = lake.store->Get(key);
  return text ? Read(key, *text) : event::Positions{};
}

event::Positions FixedStart(const PipelineConfig& pipeline, const std::string& name, const TableConfig& table,
                            Lake& lake, event::Stream& stream) {
  if (table.start.start.at == event::Start::At::kEarliest) return {};
  const auto key = KeyOf(pipeline, name, table);
  if (const auto text = lake.store->Get(key)) return Read(key, *text);
  auto positions = WithContext(fmt::format("tables.{}.start", name),
                               [&] { return stream.FindStart(table.from, table.start.start); });
  FaultPoint("app.before_start");
  const bool ours = lake.store->PutIfAbsent(key, Write(table, positions)) == io::PutOutcome::kCreated;
  FaultPoint("app.after_start");
  if (ours) return positions;
  const auto text = lake.store->Get(key);  // another worker was faster, or an answer was lost
  if (!text) throw Error(ErrorCode::kUnavailable, key + " was there and is gone; try again");
  return Read(key, *text);
}

}  // namespace millrace::app
