#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace millrace::app {

/// Rows of a test, each a JSON object, and where they stand.
struct TestRows {
  std::vector<nlohmann::ordered_json> rows;
  std::map<std::string, std::string> columns;  // of given rows: types, where they are not to be inferred
  bool ordered = false;                        // of expected rows
  int line = 0;
};

/// One test of a pipeline, as a file below `tests:` has it:
///
///     tests:
///       - name: refunds are no orders
///         now: 2026-01-02T00:00:00Z              # what now() says; the time without
///         given:                                 # tables, or topics from which tables of the pipeline are fed
///           orders: [{id: 1, amount: 5}, ...]
///           silver.days: {file: days.ndjson}     # JSON lines; beside `columns: {day: date}`
///         models: [gold.by_day]                  # which run; without: those expected, and what they are made of
///         expect:
///           gold.by_day: [{day: 2026-01-01, orders: 1}]     # or {rows: [...], ordered: true}
///         expect_broken: {"amount >= 0": 1}      # or {gold.by_day: {"amount >= 0": 1}}
///         expect_error: part of a message
struct TestCase {
  std::string name;
  std::filesystem::path file;
  int line = 0;
  std::optional<Timestamp> now;
  std::map<std::string, TestRows> given;
  std::vector<std::string> models;
  std::map<std::string, TestRows> expect;
  std::map<std::string, std::map<std::string, int64_t>> broken;  // "" : of any model
  std::string error;
};

/// The tests of one file. Error kConfig with file:line.
std::vector<TestCase> ReadTestFile(const std::filesystem::path& file);

/// Of every .yaml and .yml file below a folder, by name. Error kConfig when there is no such folder.
std::vector<TestCase> ReadTests(const std::filesystem::path& folder);

}  // namespace millrace::app
