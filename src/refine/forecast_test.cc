#include "refine/forecast.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "refine/model_lake.h"

namespace millrace::refine {
namespace {

using Action = Forecast::Action;
using ::testing::HasSubstr;

class ForecastTest : public ModelLakeTest {
 protected:
  std::vector<Forecast> Foresee(std::vector<Model> models, const RunOptions& options = {}) {
    return ForecastRun(catalog_, engine_, Graph(std::move(models), engine_), {}, options);
  }
  Forecast ForeseeOne(const Model& model, const RunOptions& options = {}) { return Foresee({model}, options).front(); }
};

TEST_F(ForecastTest, SaysWhatTheRunAfterItDoes) {
  const auto appended =
      Parse("gold.copy",
            "-- ---\n-- materialized: incremental\n-- over: silver.events\n-- ---\nSELECT id, n FROM silver.events");
  const auto merged =
      Parse("gold.latest",
            "-- ---\n-- materialized: incremental\n-- over: silver.events\n-- key: id\n-- ---\nFROM silver.events");
  EXPECT_THAT(ForeseeOne(appended).why, HasSubstr("waits for silver.events"));
  Land(Rows(0, 30, 1));
  const auto first = ForeseeOne(appended);
  EXPECT_EQ(first.action, Action::kFull);
  EXPECT_EQ(first.why, "it never ran");
  ASSERT_EQ(first.inputs.size(), 1U);
  EXPECT_EQ(first.inputs[0].rows, 30);
  EXPECT_FALSE(first.inputs[0].from);
  Run({appended, merged});
  EXPECT_EQ(ForeseeOne(appended).action, Action::kNothing);
  const auto before = catalog_.Load(kEvents)->metadata->current_snapshot_id;
  Land(Rows(30, 37, 1));
  Land(Rows(37, 40, 1));
  const auto head = catalog_.Load(kEvents)->metadata->current_snapshot_id;
  for (const auto& model : {appended, merged}) {
    const auto foreseen = ForeseeOne(model);
    EXPECT_EQ(foreseen.action, model.key.empty() ? Action::kAppend : Action::kMerge);
    ASSERT_EQ(foreseen.inputs.size(), 1U);
    const auto& input = foreseen.inputs[0];
    EXPECT_EQ(input.from, before);
    EXPECT_EQ(input.to, head);
    EXPECT_EQ(input.rows, 10);
    EXPECT_EQ(input.files, 2);
    EXPECT_GT(input.bytes, 0);
    EXPECT_EQ(foreseen.bytes_read, input.bytes);
    EXPECT_EQ(foreseen.bytes_replaced_max > 0, !model.key.empty());
    const auto location = catalog_.Load(model.name)->metadata_location;
    EXPECT_EQ(ForeseeOne(model).inputs[0].rows, 10) << "asking changes nothing";
    EXPECT_EQ(catalog_.Load(model.name)->metadata_location, location);
    const auto ran = RunOne(model);
    EXPECT_FALSE(ran.full_refresh) << ran.why;
    EXPECT_EQ(ran.rows, 10);
  }
  EXPECT_EQ(ForeseeOne(appended, {.full_refresh = true}).why, "a full refresh was asked for");
}

TEST_F(ForecastTest, OnlyFilesThatTheSqlCanNeedAreCounted) {
  Land(Rows(0, 10, 1));
  Land(Rows(10, 20, 1));
  const auto foreseen = ForeseeOne(Parse("gold.few", "SELECT id FROM silver.events WHERE id >= 15"));
  EXPECT_EQ(foreseen.inputs[0].files, 1);
  EXPECT_EQ(foreseen.inputs[0].rows, 10);
}

TEST_F(ForecastTest, WhatIsMadeOfAModelThatRunsRunsToo) {
  const std::vector<Model> models = {
      Parse("silver.pushes",
            "-- ---\n-- materialized: incremental\n-- over: silver.events\n-- ---\nSELECT id, n FROM silver.events "
            "WHERE type = 'Push'"),
      Parse("silver.seen", "-- ---\n-- materialized: view\n-- ---\nSELECT id FROM silver.pushes"),
      Parse("gold.count", "SELECT count(*) AS n FROM silver.seen"),
      Parse("gold.fed",
            "-- ---\n-- materialized: incremental\n-- over: silver.pushes\n-- ---\nSELECT id FROM silver.pushes"),
      Parse("gold.apart", "SELECT 1 AS one")};
  const auto actions = [&] {
    std::map<std::string, Action> found;
    for (const auto& forecast : Foresee(models)) found[ToString(forecast.model)] = forecast.action;
    return found;
  };
  using Actions = std::map<std::string, Action>;
  Land(Rows(0, 30, 1));
  EXPECT_EQ(actions(), (Actions{{"silver.pushes", Action::kFull},
                                {"silver.seen", Action::kView},
                                {"gold.count", Action::kFull},
                                {"gold.fed", Action::kFull},
                                {"gold.apart", Action::kFull}}));
  for (const auto& report : Run(models)) EXPECT_NE(report.outcome, RunReport::Outcome::kFailed) << report.why;
  Land(Rows(30, 60, 1));
  EXPECT_EQ(actions(), (Actions{{"silver.pushes", Action::kAppend},
                                {"silver.seen", Action::kView},
                                {"gold.count", Action::kFull},
                                {"gold.fed", Action::kAppend},
                                {"gold.apart", Action::kNothing}}));
  for (const auto& forecast : Foresee(models)) {
    if (ToString(forecast.model) != "gold.fed") continue;
    EXPECT_EQ(forecast.why, "silver.pushes, which it is made of, runs before it");
    EXPECT_TRUE(forecast.inputs.at(0).changes_before);
    EXPECT_EQ(forecast.inputs.at(0).rows, 0) << "as of now";
  }
}

}  // namespace
}  // namespace millrace::refine
