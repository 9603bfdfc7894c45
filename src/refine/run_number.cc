#include "refine/run_number.h"

#include <fmt/format.h>

#include <charconv>

#include "base/error.h"

namespace millrace::refine {

RunNumber RunNumber::Parse(const event::Cursor& cursor) {
  RunNumber run;
  const auto& text = cursor.value();
  if (text.empty()) return run;
  const char* const end = text.data() + text.size();
  auto read = std::from_chars(text.data(), end, run.number);
  if (read.ec == std::errc() && read.ptr != end && *read.ptr == '.')
    read = std::from_chars(read.ptr + 1, end, run.dead);
  if (read.ec == std::errc() && read.ptr == end) return run;
  throw Error(ErrorCode::kStop, fmt::format("'{}' is stored as the number of a model's last run and is none", text));
}

event::Cursor RunNumber::Print() const {
  return event::Cursor(dead == 0 ? std::to_string(number) : fmt::format("{}.{}", number, dead));
}

namespace {

constexpr size_t kUuidShown = 8;

}  // namespace

std::string AttemptOf(const RunNumber& base, const std::string& table_uuid) {
  return fmt::format("{}.{}/{}", base.number + 1, base.dead, table_uuid.substr(0, kUuidShown));
}

std::string AttemptOfBackfill(int64_t run, const std::string& name, const std::optional<table::SnapshotId>& fork,
                              const std::string& table_uuid) {
  return fmt::format("{}.{}-{}/{}", run, name, fork ? fork->value() : 0, table_uuid.substr(0, kUuidShown));
}

}  // namespace millrace::refine
