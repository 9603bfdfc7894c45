#include "app/rest_proxy_blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/intake_limits.h"
#include "app/plan.h"
#include "event/topic_name.h"

namespace millrace::app {

const config::Block<RestProxyConfig>& RestProxyBlock() {
  static const auto block = [] {
    config::Block<RestProxyConfig> proxy(
        "Confluent's REST Proxy, as far as producing goes: POST /topics/{topic} and /v3/clusters/{id}/topics/{topic}/"
        "records put records on topics, acknowledged when they are durable.");
    proxy
        .Add(&RestProxyConfig::topics,
             {.name = "topics",
              .doc = "What may be produced to: names of topics, which are made at the start, and patterns in which `*` "
                     "stands for any characters: [orders, \"audit.*\"].",
              .required = true})
        .Add(&RestProxyConfig::create_topics,
             {.name = "create_topics",
              .doc = "A topic that a pattern allows and that is not there is made when it is first produced to, as "
                     "`topics` has it or with one partition.",
              .fallback = false});
    AddIntakeLimits(proxy).Check(CheckRestProxy);
    return proxy;
  }();
  return block;
}

void CheckRestProxy(const RestProxyConfig& proxy, const std::string& path, config::ParseContext& context) {
  if (proxy.topics.empty()) {
    context.problems.Add(proxy.MarkOf("topics"),
                         fmt::format("{}.topics: names none, so nothing could be produced", path));
  }
  for (const auto& topic : proxy.topics) {
    const bool known = std::ranges::all_of(topic, [](char c) { return event::IsTopicNameCharacter(c) || c == '*'; });
    if (known && !topic.empty() && std::ranges::count(topic, '*') <= 4) continue;
    context.problems.Add(
        proxy.MarkOf("topics"),
        fmt::format("{}.topics: '{}' is no name of topics: use a-z A-Z 0-9 . _ - and up to four *", path, topic));
  }
}

std::vector<std::string> ProxyTopicNames(const PipelineConfig& pipeline) {
  if (!pipeline.server || !pipeline.server->rest_proxy) return {};
  auto names = pipeline.server->rest_proxy->topics;
  std::erase_if(names, [](const auto& name) { return name.find('*') != std::string::npos; });
  return names;
}

source::RestProxyOptions RestProxyOptionsFor(const PipelineConfig& pipeline, std::string cluster_id) {
  const auto& config = *pipeline.server->rest_proxy;
  source::RestProxyOptions options;
  options.name = "server.rest_proxy";
  options.topics.allowed = config.topics;
  options.topics.create = config.create_topics;
  options.topics.spec_of = [&pipeline](const std::string& name) {
    const auto declared = pipeline.topics.find(name);
    return SpecOf(name, declared == pipeline.topics.end() ? TopicConfig{} : declared->second);
  };
  options.cluster_id = std::move(cluster_id);
  if (options.cluster_id.empty()) options.cluster_id = pipeline.name;
  options.embedded = !pipeline.stream.is_remote();
  options.limits = LimitsFor(config);
  return options;
}

}  // namespace millrace::app
