#include "telemetry/otel_environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/error.h"

namespace millrace::telemetry {
namespace {

using Variables = std::map<std::string, std::string>;

std::optional<TraceOptions> Read(const Variables& variables) {
  return ReadTraceOptions([&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

Variables With(Variables more) {
  more.emplace("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");
  return more;
}

TEST(OtelEnvironment, OffUnlessAnEndpointIsNamed) {
  EXPECT_FALSE(Read({}));
  EXPECT_FALSE(Read({{"OTEL_EXPORTER_OTLP_ENDPOINT", ""}, {"OTEL_TRACES_SAMPLER", "always_on"}}));
  EXPECT_FALSE(Read(With({{"OTEL_SDK_DISABLED", "true"}})));
  EXPECT_FALSE(Read(With({{"OTEL_TRACES_EXPORTER", "none"}})));
  EXPECT_FALSE(Read(With({{"OTEL_TRACES_SAMPLER", "always_off"}})));
  EXPECT_TRUE(Read(With({})));
}

TEST(OtelEnvironment, WhoAsksMayDecide) {
  EXPECT_TRUE(Read(With({}))->parent_based);
  const auto options = Read(With({{"OTEL_TRACES_SAMPLER", "parentbased_always_off"}}));
  ASSERT_TRUE(options);  // for those whose traces are kept elsewhere
  EXPECT_EQ(options->ratio, 0);
  EXPECT_TRUE(options->parent_based);
}

TEST(OtelEnvironment, SaysWhereToAndAsWho) {
  EXPECT_EQ(Read(With({}))->url, "http://collector:4318/v1/traces");
  const auto options = Read(With({{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://traces:1/in"},
                                  {"OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20a%3Db, x-team = lake"},
                                  {"OTEL_SERVICE_NAME", "landing"},
                                  {"OTEL_RESOURCE_ATTRIBUTES", "service.name=other,deployment.environment=test"},
                                  {"OTEL_TRACES_SAMPLER", "traceidratio"},
                                  {"OTEL_TRACES_SAMPLER_ARG", "0.25"},
                                  {"OTEL_BSP_MAX_QUEUE_SIZE", "100"},
                                  {"OTEL_EXPORTER_OTLP_TIMEOUT", "1500"},
                                  {"OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem"}}));
  EXPECT_EQ(options->url, "https://traces:1/in");
  ASSERT_EQ(options->headers.size(), 2U);
  EXPECT_EQ(options->headers[0].value, "Bearer a=b");
  EXPECT_EQ(options->headers[1].name, "x-team");
  EXPECT_EQ(options->headers[1].value, "lake");
  EXPECT_EQ(options->resource.at("service.name"), "landing");
  EXPECT_EQ(options->resource.at("deployment.environment"), "test");
  EXPECT_EQ(options->ratio, 0.25);
  EXPECT_FALSE(options->parent_based);
  EXPECT_EQ(options->queue_max, 100U);
  EXPECT_EQ(options->batch_max, 100U);
  EXPECT_EQ(options->timeout, std::chrono::milliseconds(1500));
  EXPECT_EQ(options->ca_file, "/ca.pem");
}

std::string Refused(const Variables& variables) {
  try {
    Read(variables);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kConfig);
    return error.what();
  }
  return "";
}

TEST(OtelEnvironment, WhatIsNotSpokenIsRefusedAndSecretsAreNotSaid) {
  using testing::HasSubstr;
  EXPECT_THAT(Refused({{"OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"}}), HasSubstr("such as http://"));
  EXPECT_THAT(Refused(With({{"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}})), HasSubstr("4318"));
  EXPECT_THAT(Refused(With({{"OTEL_TRACES_EXPORTER", "zipkin"}})), HasSubstr("OTEL_TRACES_EXPORTER"));
  EXPECT_THAT(Refused(With({{"OTEL_TRACES_SAMPLER", "jaeger_remote"}})), HasSubstr("traceidratio"));
  EXPECT_THAT(Refused(With({{"OTEL_TRACES_SAMPLER", "traceidratio"}, {"OTEL_TRACES_SAMPLER_ARG", "2"}})),
              HasSubstr("from 0 to 1"));
  EXPECT_THAT(Refused(With({{"OTEL_BSP_MAX_QUEUE_SIZE", "many"}})), HasSubstr("OTEL_BSP_MAX_QUEUE_SIZE"));
  for (const auto* headers : {"good=1,the-secret", "good=1,a=the-secret%0d%0aX: y"}) {
    const auto said = Refused(With({{"OTEL_EXPORTER_OTLP_HEADERS", headers}}));
    EXPECT_THAT(said, HasSubstr("entry 2"));
    EXPECT_EQ(said.find("the-secret"), std::string::npos);
  }
}

}  // namespace
}  // namespace millrace::telemetry
