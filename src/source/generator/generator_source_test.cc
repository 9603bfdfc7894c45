#include "source/generator/generator_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/hand_clock.h"
#include "contract/source_contract.h"

namespace millrace::source {
namespace {

using testing::ElementsAre;

GeneratorOptions Options(GeneratorKind kind, int64_t rows) {
  GeneratorOptions options;
  options.name = "made-up";
  options.kind = kind;
  options.rows = rows;
  return options;
}

std::vector<std::string> Records(GeneratorOptions options) {
  GeneratorSource source(std::move(options));
  std::vector<std::string> records;
  for (const auto& record : event::ReadToEnd(source, {}, {}).records) records.push_back(record.bytes);
  return records;
}

TEST(GeneratorSource, KeepsTheContract) {
  for (const auto kind :
       {GeneratorKind::kUsers, GeneratorKind::kCards, GeneratorKind::kClicks, GeneratorKind::kEvents}) {
    auto options = Options(kind, 300);
    options.duplicates = 0.1;
    options.late = 0.1;
    options.malformed = 0.05;
    event::CheckSourceContract([&] { return std::make_unique<GeneratorSource>(options); }, {.bytes_max = 8192});
  }
}

std::vector<std::string> FieldsOf(GeneratorKind kind) {
  std::vector<std::string> names;
  const auto row = nlohmann::ordered_json::parse(Records(Options(kind, 1)).at(0));
  for (const auto& [name, value] : row.items()) names.push_back(name);
  return names;
}

TEST(GeneratorSource, UsersHaveTheirTwelveFields) {
  EXPECT_THAT(FieldsOf(GeneratorKind::kUsers),
              ElementsAre("id", "first_name", "last_name", "gender", "address", "post_code", "email", "username", "dob",
                          "registered_date", "phone", "picture"));
}

TEST(GeneratorSource, EventsHaveTheFieldsTheBenchmarksRead) {
  EXPECT_THAT(FieldsOf(GeneratorKind::kEvents),
              ElementsAre("event_id", "type", "user_id", "session_id", "ts", "url", "referrer", "device", "country",
                          "price", "qty", "title", "bot"));
  size_t bytes = 0;
  const auto records = Records(Options(GeneratorKind::kEvents, 20'000));
  for (const auto& record : records) bytes += record.size() + 1;
  EXPECT_NEAR(static_cast<double>(bytes) / static_cast<double>(records.size()), 359, 8);
}

TEST(GeneratorSource, EveryRowIsJsonWithItsOwnId) {
  std::set<std::string> ids;
  for (const auto& record : Records(Options(GeneratorKind::kEvents, 5'000))) {
    ids.insert(nlohmann::json::parse(record).at("event_id"));
  }
  EXPECT_EQ(ids.size(), 5'000u);
  EXPECT_EQ(ids.begin()->size(), 36u);
}

TEST(GeneratorSource, SeedsDiffer) {
  auto options = Options(GeneratorKind::kUsers, 10);
  const auto one = Records(options);
  options.seed = 2;
  EXPECT_NE(one, Records(options));
}

TEST(GeneratorSource, SharesComeOut) {
  auto options = Options(GeneratorKind::kClicks, 20'000);
  options.duplicates = 0.02;
  options.late = 0.03;
  options.malformed = 0.01;
  const auto records = Records(options);
  std::set<std::string> distinct;
  int malformed = 0, late = 0;
  Timestamp newest{};
  for (const auto& record : records) {
    const auto row = nlohmann::json::parse(record, nullptr, false);
    if (row.is_discarded()) {
      ++malformed;
      continue;
    }
    if (!distinct.insert(record).second) continue;
    const auto time = *ParseTimestamp(row.at("ts").get<std::string>());
    if (time < newest - std::chrono::minutes(59)) ++late;
    newest = std::max(newest, time);
  }
  const auto repeated = static_cast<int>(records.size() - distinct.size()) - malformed;
  EXPECT_NEAR(repeated, 400, 80);
  EXPECT_NEAR(late, 600, 100);
  EXPECT_NEAR(malformed, 200, 60);
}

TEST(GeneratorSource, KeepsToItsRate) {
  HandClock clock;
  auto options = Options(GeneratorKind::kUsers, 1000);
  options.rate = 100;
  GeneratorSource source(options, clock);
  source.Seek({});
  size_t rows = 0;
  while (clock.Steady() < SteadyTime(std::chrono::seconds(5))) {
    const auto result = source.Read({}, std::stop_token());
    if (result.batch) rows += result.batch->size();
  }
  EXPECT_NEAR(static_cast<double>(rows), 500, 2);
}

TEST(GeneratorSource, RefusesSharesThatAreNone) {
  auto options = Options(GeneratorKind::kUsers, 1);
  options.duplicates = 1.5;
  EXPECT_THROW(GeneratorSource{options}, Error);
  options.duplicates = 0.6;
  options.late = 0.6;
  EXPECT_THROW(GeneratorSource{options}, Error);
}

}  // namespace
}  // namespace millrace::source
