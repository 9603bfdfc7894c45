#include "app/connector_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "app/config_blocks.h"
#include "app/connector_store.h"
#include "app/native_connectors.h"
#include "base/error.h"
#include "judge/python.h"

namespace millrace::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using connect::Properties;

class ConnectorPlanTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { AddNativeConnectors(); }

  ConnectorPlan Plan(const Properties& properties) const { return PlanConnector(pipeline_, "c", properties); }
  std::string WhyNot(const Properties& properties) const {
    try {
      Plan(properties);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kConfig);
      return error.message();
    }
    return {};
  }

  PipelineConfig pipeline_ = PipelineBlock().Defaults();
  const Properties sink_{{"connector.class", "Table"}, {"name", "c"}, {"topics", "a"}, {"table", "silver.a"}};
};

TEST_F(ConnectorPlanTest, PropertiesAreOptionsOfATable) {
  auto properties = sink_;
  properties.merge(Properties{{"key", "id, tenant"},
                              {"columns.id", "long"},
                              {"columns.tenant", "string"},
                              {"upsert.order_by", "id"},
                              {"contract.columns", "freeze"},
                              {"freshness", "3s"}});
  const auto plan = Plan(properties);
  const auto& table = plan.config.tables.at("silver.a");
  EXPECT_EQ(plan.config.name, "main.connect.c");
  EXPECT_EQ(table.from, "a");
  EXPECT_THAT(table.key, ElementsAre("id", "tenant"));
  EXPECT_EQ(table.columns.at("id"), "long");
  EXPECT_EQ(table.upsert->order_by, "id");
  EXPECT_EQ(table.contract.columns, ContractWord::kFreeze);
  EXPECT_EQ(table.freshness, std::chrono::seconds(3));
  EXPECT_TRUE(plan.config.topics.contains("a")) << "the embedded stream makes it";
}

TEST_F(ConnectorPlanTest, FeedsAreSpreadOverTasks) {
  auto properties = sink_;
  properties["topics"] = "a,b,c";
  properties["table"] = "silver.${topic}";
  EXPECT_EQ(Plan(properties).tasks.size(), 1u);
  properties["tasks.max"] = "2";
  const auto plan = Plan(properties);
  ASSERT_EQ(plan.tasks.size(), 2u);
  EXPECT_EQ(plan.tasks[0].size() + plan.tasks[1].size(), 3u);
  properties["tasks.max"] = "9";
  EXPECT_EQ(Plan(properties).tasks.size(), 3u) << "no task without a feed";
}

TEST_F(ConnectorPlanTest, WhatIsWrongIsToldInConnectsWords) {
  EXPECT_THAT(WhyNot({{"name", "c"}}), HasSubstr("contains no connector type"));
  EXPECT_THAT(WhyNot({{"connector.class", "no.Such"}}),
              HasSubstr("Failed to find any class that implements Connector"));
  auto wrong = sink_;
  wrong["freshnes"] = "1s";
  EXPECT_THAT(WhyNot(wrong), HasSubstr("did you mean 'freshness'"));
  wrong = sink_;
  wrong["metadata"] = "perhaps";
  EXPECT_THAT(WhyNot(wrong), HasSubstr("either true or false"));
  wrong = sink_;
  wrong["freshness"] = "soon";
  EXPECT_THAT(WhyNot(wrong), HasSubstr("tables.silver.a.freshness: expected"));
  wrong = sink_;
  wrong["upsert.order_by"] = "id";
  EXPECT_THAT(WhyNot(wrong), HasSubstr("needs `key`")) << "the checks of a file";
  wrong = sink_;
  wrong["topics"] = "a,b";
  EXPECT_THAT(WhyNot(wrong), HasSubstr("${topic}"));
}

TEST_F(ConnectorPlanTest, NamesOfTheFileAreTaken) {
  pipeline_.tables["silver.a"] = TableBlock().Defaults();
  EXPECT_THAT(WhyNot(sink_), HasSubstr("table silver.a"));
}

TEST_F(ConnectorPlanTest, TextOfAPropertyCannotLeaveItsPlace) {
  auto properties = sink_;
  properties["table"] = "silver.a\", \"documents\": {\"x\": {}}, \"y\": \"";
  const auto plan = Plan(properties);
  EXPECT_TRUE(plan.config.documents.empty());
  EXPECT_EQ(plan.config.tables.begin()->first, properties["table"]);
  properties = sink_;
  properties["iceberg.properties.note"] = "${HOME}\n: [";
  EXPECT_EQ(Plan(properties).config.tables.at("silver.a").iceberg->properties.at("note"), "${HOME}\n: [");
}

TEST_F(ConnectorPlanTest, AHiddenPasswordStandsForTheStoredOne) {
  EXPECT_EQ(WithPasswords({{"a", "[hidden]"}, {"b", "x"}}, {{"a", "secret"}}),
            (Properties{{"a", "secret"}, {"b", "x"}}));
  EXPECT_THROW(WithPasswords({{"a", "[hidden]"}}, {}), Error);
  const auto shown = WithoutPasswords({{"connector.class", "no.longer.There"}, {"token", "secret"}});
  EXPECT_EQ(shown.at("token"), "[hidden]") << "what is a password is not known any more";
}

TEST(ConnectorStore, KeepsWhatItWasTold) {
  const judge::Folder folder;
  const auto file = folder.path() / "state.db";
  const event::Positions starts{{event::SplitId("topic:x/0"), event::Cursor("7")}};
  {
    ConnectorStore store(file);
    store.Put({"b", {{"connector.class", "Table"}, {"password", "p\"\n\xc3\xa9"}}, api::TargetState::kRunning});
    store.Put({"a", {}, api::TargetState::kPaused});
    store.SetTarget("b", api::TargetState::kStopped);
    store.AddTopic("b", "t");
    store.AddTopic("b", "t");
    store.SetStarts("b", "silver.t", starts);
  }
  EXPECT_EQ(std::filesystem::status(file).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  ConnectorStore store(file);
  const auto all = store.All();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].target, api::TargetState::kPaused);
  EXPECT_EQ(all[1].config.at("password"), "p\"\n\xc3\xa9");
  EXPECT_EQ(all[1].target, api::TargetState::kStopped);
  EXPECT_THAT(store.Topics("b"), ElementsAre("t"));
  EXPECT_EQ(store.Starts("b", "silver.t"), starts);
  store.Erase("b");
  EXPECT_EQ(store.All().size(), 1u);
  EXPECT_TRUE(store.Topics("b").empty());
  EXPECT_TRUE(store.Starts("b", "silver.t").empty());
}

}  // namespace
}  // namespace millrace::app
