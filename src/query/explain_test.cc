#include "query/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "query/predicate_sql.h"
#include "query/test_lake.h"

namespace millrace::query {
namespace {

using Json = nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ExplainTest : public TestLake {
 protected:
  Json Explain(const std::string& sql, QueryOptions options = {}) {
    options.explain = QueryOptions::Explain::kJson;
    return ExplainJson(*engine_.Run(sql, options, {}));
  }
};

TEST_F(ExplainTest, CountsWhatPyicebergPlans) {
  struct Case {
    std::string sql;
    std::string filter;  // as pyiceberg has it
  };
  const std::vector<Case> cases = {{"type = 'Pull'", "type = 'Pull'"},
                                   {"id BETWEEN 1000 AND 1010", "id >= 1000 and id <= 1010"},
                                   {"type = 'Push' AND id < 1000", "type = 'Push' and id < 1000"},
                                   {"type IS NULL", "type is null"},
                                   {"num > 1000 OR num IS NULL", "num > 1000 or num is null"},
                                   {"d IN (DATE '2024-01-03', '2024-01-10')", "d in ('2024-01-03', '2024-01-10')"},
                                   {"id > 100000", "id > 100000"},
                                   {"true", "true"}};
  std::string filters;
  for (const auto& one : cases) filters += one.filter + "\n";
  judge::Spill(folder_->File("filters"), filters);
  std::istringstream judged(judge::Python(
      "query_lake.py", fmt::format("plan {} silver.events {}", folder_->path().string(), folder_->File("filters"))));
  for (const auto& one : cases) {
    SCOPED_TRACE(one.sql);
    const auto explained = Explain("SELECT id FROM silver.events WHERE " + one.sql);
    const auto& table = explained.at("tables").at(0);
    FileCount all, left;
    ASSERT_TRUE(judged >> all.files >> all.bytes >> left.files >> left.bytes);
    EXPECT_EQ(table["all"], (Json{{"files", all.files}, {"bytes", all.bytes}}));
    EXPECT_EQ(table["read"], (Json{{"files", left.files}, {"bytes", left.bytes}}));
  }
}

TEST_F(ExplainTest, SaysWhichPredicatePrunedWhat) {
  const auto table =
      Explain("SELECT s.b, count(*) FROM silver.events WHERE type = 'Push' AND id < 1000 AND num % 2 = 1 GROUP BY 1")
          .at("tables")
          .at(0);
  EXPECT_EQ(table["table"], "silver.events");
  EXPECT_TRUE(table["snapshot"].is_number_integer());
  EXPECT_THAT(table["columns"].get<std::vector<std::string>>(),
              ::testing::UnorderedElementsAre("id", "type", "num", "s.b"));
  ASSERT_EQ(table["predicates"].size(), 2U) << table.dump();
  int64_t fewest = 100;
  for (const auto& demand : table["predicates"]) {
    EXPECT_THAT(demand["predicate"], ::testing::AnyOf("type = 'Push'", "id < 1000"));
    fewest = std::min(fewest, demand["left"]["files"].get<int64_t>());
    EXPECT_LT(demand["left"]["files"], table["all"]["files"]);
  }
  EXPECT_LE(table["read"]["files"], fewest);
  EXPECT_LT(table["after_partitions"]["files"], table["all"]["files"]) << "the table is partitioned by type";
}

TEST_F(ExplainTest, GoesWithParametersViewsAndOwnExplain) {
  QueryOptions options;
  options.views[{"gold", "of_type"}] = "SELECT * FROM silver.events WHERE type = 'Pull'";
  options.parameters = {ParseParameter("least=2000")};
  const auto explained = Explain("SELECT id FROM gold.of_type WHERE id >= $least", options);
  EXPECT_THAT(explained["tables"][0]["predicates"].dump(), HasSubstr("id >= 2000"));
  EXPECT_TRUE(explained["plan"].is_array()) << explained["plan"];
  EXPECT_TRUE(Explain("EXPLAIN ANALYZE SELECT 1").at("plan").is_string());
  EXPECT_THAT(Explain("SELECT * FROM silver.empty").at("tables").dump(), HasSubstr("\"files\":0"));
  options.explain = QueryOptions::Explain::kText;
  const auto text = ExplainText(*engine_.Run("SELECT id FROM gold.of_type WHERE id >= $least", options, {}));
  EXPECT_THAT(text, HasSubstr("silver.events, snapshot "));
  EXPECT_THAT(text, HasSubstr("  columns           id, type"));
  EXPECT_THAT(text, HasSubstr("predicate         type = 'Pull'  (leaves 1 file, "));
  EXPECT_THAT(text, HasSubstr("READ_PARQUET"));
}

TEST_F(ExplainTest, ReportsComeBackFromJson) {
  const PruningReport report = {.all = {7, 100},
                                .after_partitions = {3, 50},
                                .read = {1, 20},
                                .delete_files = {2, 4},
                                .demands = {{"a = 'x'", {1, 20}}},
                                .columns = {"a", "s.b"}};
  const auto json = PruningJson(report);
  EXPECT_EQ(PruningJson(ParsePruning(json)), json);
  EXPECT_THROW(ParsePruning(Json::object()), Json::exception);
}

}  // namespace
}  // namespace millrace::query
