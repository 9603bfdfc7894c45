#include "app/telemetry_blocks.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "telemetry/lineage.h"

namespace millrace::app {
namespace {

telemetry::GetVariable Variables(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

PipelineConfig Told() {
  PipelineConfig pipeline;
  pipeline.traces = TracesConfig{};
  pipeline.traces->endpoint = "https://collector.example:4318/";
  pipeline.traces->token = config::Secret("a token, with comma=");
  pipeline.traces->ca_file = config::Path{"/ca.pem"};
  pipeline.traces->service_name = "shop";
  pipeline.traces->sample = config::Share{0.25};
  pipeline.lineage = LineageConfig{};
  pipeline.lineage->url = "https://marquez.example";
  pipeline.lineage->api_key = config::Secret("a key");
  pipeline.lineage->name_space = "lake";
  return pipeline;
}

TEST(TelemetryBlocks, StandWhereTheEnvironmentSaysNothing) {
  const auto get = TelemetryVariables(Told(), Variables({{"OTEL_SERVICE_NAME", ""}, {"OTEL_BSP_SCHEDULE_DELAY", "7"}}));
  const auto traces = telemetry::ReadTraceOptions(get);
  ASSERT_TRUE(traces);
  EXPECT_EQ(traces->url, "https://collector.example:4318/v1/traces");
  ASSERT_EQ(traces->headers.size(), 1);
  EXPECT_EQ(traces->headers[0].value, "Bearer a token, with comma=");
  EXPECT_EQ(traces->ca_file, "/ca.pem");
  EXPECT_EQ(traces->resource.at("service.name"), "shop");
  EXPECT_EQ(traces->ratio, 0.25);
  EXPECT_EQ(traces->delay, std::chrono::milliseconds(7));
  const auto lineage = telemetry::ReadLineageOptions(get);
  ASSERT_TRUE(lineage);
  EXPECT_EQ(lineage->http.url, "https://marquez.example/api/v1/lineage");
  EXPECT_EQ(lineage->http.headers.at(0).value, "Bearer a key");
  EXPECT_EQ(lineage->job_namespace, "lake");
}

TEST(TelemetryBlocks, TheEnvironmentWins) {
  const auto get = TelemetryVariables(Told(), Variables({{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://other:1/t"},
                                                         {"OTEL_SERVICE_NAME", "named"},
                                                         {"OTEL_TRACES_SAMPLER", "traceidratio"},
                                                         {"OPENLINEAGE_URL", "http://elsewhere"},
                                                         {"OPENLINEAGE_NAMESPACE", "its"}}));
  const auto traces = telemetry::ReadTraceOptions(get);
  ASSERT_TRUE(traces);
  EXPECT_EQ(traces->url, "http://other:1/t");
  EXPECT_EQ(traces->resource.at("service.name"), "named");
  EXPECT_EQ(traces->ratio, 1);
  // What is secret was meant for the place beside it.
  EXPECT_TRUE(traces->headers.empty());
  EXPECT_EQ(traces->ca_file, "");
  const auto lineage = telemetry::ReadLineageOptions(get);
  ASSERT_TRUE(lineage);
  EXPECT_EQ(lineage->http.url, "http://elsewhere/api/v1/lineage");
  EXPECT_TRUE(lineage->http.headers.empty());
  EXPECT_EQ(lineage->job_namespace, "its");
}

TEST(TelemetryBlocks, WithoutThemThereIsNothing) {
  const auto get = TelemetryVariables({}, Variables({}));
  EXPECT_FALSE(telemetry::ReadTraceOptions(get));
  EXPECT_FALSE(telemetry::ReadLineageOptions(get));
}

TEST(TelemetryBlocks, LineageGoesIntoAFile) {
  PipelineConfig pipeline;
  pipeline.lineage = LineageConfig{};
  pipeline.lineage->file = config::Path{"/lineage.jsonl"};
  EXPECT_EQ(telemetry::ReadLineageOptions(TelemetryVariables(pipeline, Variables({})))->file, "/lineage.jsonl");
  const auto get = TelemetryVariables(pipeline, Variables({{"OPENLINEAGE_URL", "http://elsewhere"}}));
  EXPECT_EQ(telemetry::ReadLineageOptions(get)->file, "");
}

}  // namespace
}  // namespace millrace::app
