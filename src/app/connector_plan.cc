#include "app/connector_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "api/connect_json.h"
#include "app/config_blocks.h"
#include "app/config_checks.h"
#include "app/plan.h"
#include "base/error.h"
#include "config/yaml.h"
#include "land/files_path.h"

namespace millrace::app {
namespace {

using Feed = ConnectorPlan::Feed;

/// As Connect says it, so that what reads its messages reads these.
[[noreturn]] void ThrowInvalid(const std::vector<std::string>& errors) {
  throw Error(
      ErrorCode::kConfig,
      fmt::format("Connector configuration is invalid and contains the following {} error(s):\n{}\nYou can also "
                  "find the above list of errors at the endpoint "
                  "`/connector-plugins/{{connectorType}}/config/validate`",
                  errors.size(), fmt::join(errors, "\n")));
}

void RequireValid(const connect::Plugin& plugin, const connect::Properties& properties) {
  const auto validation = plugin.Validate(properties);
  if (validation.error_count == 0) return;
  std::vector<std::string> errors;
  for (const auto& each : validation.configs) errors.insert(errors.end(), each.errors.begin(), each.errors.end());
  ThrowInvalid(errors);
}

int64_t TasksMax(const connect::Properties& properties) {
  const auto given = properties.find("tasks.max");
  int64_t tasks = 1;
  if (given != properties.end()) {
    std::from_chars(given->second.data(), given->second.data() + given->second.size(), tasks);
  }
  return std::max<int64_t>(tasks, 1);
}

/// Where the class is gone, which of its values are passwords is not known any more; these are none.
bool IsPlain(const std::string& key) {
  return key == "name" || key == "tasks.max" || key.starts_with("connector.") || key.starts_with("topics");
}

/// A family is "iceberg.table.<table>.id-columns" or "value.converter.*".
bool IsOf(const connect::Property& family, const std::string& key) {
  return key.starts_with(family.name.substr(0, family.name.find_first_of("<*")));
}

bool IsPassword(const connect::Plugin& plugin, const std::string& key) {
  const auto secret = [](const auto& property) { return property.type == connect::PropertyType::kPassword; };
  return std::ranges::any_of(plugin.properties(), [&](const auto& each) { return secret(each) && each.name == key; }) ||
         std::ranges::any_of(plugin.families(), [&](const auto& each) { return secret(each) && IsOf(each, key); });
}

/// What two may not both have, as "table silver.users".
std::set<std::string> NamesOf(const PipelineConfig& config) {
  std::set<std::string> names;
  for (const auto& [name, source] : config.sources) names.insert("source " + name);
  for (const auto& [name, table] : config.tables) names.insert("table " + name);
  for (const auto& [name, documents] : config.documents) names.insert("documents " + name);
  return names;
}

void CheckNames(const PipelineConfig& pipeline, const ConnectorPlan& plan) {
  std::vector<std::string> errors;
  for (const auto& name : NamesOf(pipeline)) {
    if (plan.claims.contains(name)) {
      errors.push_back(fmt::format("The {} is in the pipeline's own configuration; give the connector another", name));
    }
  }
  if (!errors.empty()) ThrowInvalid(errors);
}

void AddFeeds(ConnectorPlan& plan, int64_t tasks_max) {
  for (const auto& [name, source] : plan.config.sources) {
    if (!source.topic.empty()) plan.feeds.push_back({Feed::Kind::kSource, name});
  }
  for (const auto& [name, table] : plan.config.tables) plan.feeds.push_back({Feed::Kind::kTable, name});
  for (const auto& [name, documents] : plan.config.documents) plan.feeds.push_back({Feed::Kind::kDocuments, name});
  const auto tasks = std::min<size_t>(static_cast<size_t>(tasks_max), plan.feeds.size());
  plan.tasks.resize(tasks);
  for (size_t i = 0; i < plan.feeds.size(); ++i) plan.tasks[i % tasks].push_back(plan.feeds[i]);
}

/// The pipeline's own, with what the connector brings in the place of what feeds it has.
PipelineConfig Joined(const PipelineConfig& pipeline, const std::string& name, PipelineConfig brought) {
  auto joined = pipeline;
  joined.name = ConnectorPipelineName(pipeline, name);
  joined.sources = std::move(brought.sources);
  joined.tables = std::move(brought.tables);
  joined.documents = std::move(brought.documents);
  for (auto& [topic, spec] : brought.topics) joined.topics.emplace(topic, std::move(spec));
  if (brought.Given("lake")) joined.lake = std::move(brought.lake);
  if (brought.schema_registry) joined.schema_registry = std::move(brought.schema_registry);
  joined.models.reset();
  joined.server.reset();
  return joined;
}

}  // namespace

std::string ConnectorPipelineName(const PipelineConfig& pipeline, const std::string& connector) {
  return fmt::format("{}.connect.{}", pipeline.name, land::SafeName(connector));
}

const connect::Plugin& PluginOf(const connect::Properties& properties) {
  const auto given = properties.find("connector.class");
  if (given == properties.end() || given->second.empty()) {
    std::string text;
    for (const auto& [key, value] : WithoutPasswords(properties))
      text += fmt::format("{}{}={}", text.empty() ? "" : ", ", key, value);
    throw Error(ErrorCode::kConfig, fmt::format("Connector config {{{}}} contains no connector type", text));
  }
  if (const auto* plugin = connect::FindPlugin(given->second)) return *plugin;
  std::vector<std::string> known;
  for (const auto& plugin : connect::Plugins()) known.push_back(plugin->classes().front());
  throw Error(ErrorCode::kConfig,
              fmt::format("Failed to find any class that implements Connector and which name matches {}, available "
                          "connectors are: {}",
                          given->second, fmt::join(known, ", ")));
}

ConnectorPlan PlanConnector(const PipelineConfig& pipeline, const std::string& name,
                            const connect::Properties& properties) {
  const auto& plugin = PluginOf(properties);
  RequireValid(plugin, properties);
  const auto translation = plugin.Translate(name, properties);
  config::Problems problems;
  const config::Environment environment(translation.secrets);
  config::ParseContext context{problems, environment};
  auto brought =
      ConnectorBlock().Parse(config::ParseYaml(translation.yaml, "connector " + name, problems), "", context);
  ConnectorPlan plan;
  plan.own_lake = brought.Given("lake");
  plan.topics = translation.topics;
  plan.claims = NamesOf(brought);
  plan.config = Joined(pipeline, name, std::move(brought));
  plan.claims.insert("positions of " + plan.config.name);
  // Topics of the embedded stream are made when they are first named; those of a cluster are its own affair.
  if (!pipeline.stream.is_remote()) {
    for (const auto& topic : plan.topics) plan.config.topics.try_emplace(topic, TopicBlock().Defaults());
  }
  for (const auto& [source_name, source] : plan.config.sources) {
    if (source.http_ingest) problems.Add(source.mark, "http_ingest is no connector: routes are there from the start");
  }
  if (problems.empty()) CheckPipeline(plan.config, "", context);
  if (!problems.empty()) ThrowInvalid(problems.lines());
  if (!plan.own_lake) CheckNames(pipeline, plan);
  AddFeeds(plan, TasksMax(properties));
  if (plan.feeds.empty()) ThrowInvalid({"It has nothing to do: no source with a topic, no table, no documents"});
  return plan;
}

void EnsureTopicsOf(const ConnectorPlan& plan, event::Stream& stream) {
  std::set<std::string> wanted;
  for (const auto& [name, source] : plan.config.sources) {
    if (!source.topic.empty()) wanted.insert(source.topic);
  }
  if (!plan.config.stream.is_remote()) wanted.insert(plan.topics.begin(), plan.topics.end());
  for (const auto& topic : wanted) {
    if (stream.FindTopic(topic)) continue;
    const auto declared = plan.config.topics.find(topic);
    stream.EnsureTopic(SpecOf(topic, declared == plan.config.topics.end() ? TopicConfig{} : declared->second));
  }
}

connect::Properties WithoutPasswords(const connect::Properties& properties) {
  auto shown = properties;
  const auto given = properties.find("connector.class");
  const auto* plugin = given == properties.end() ? nullptr : connect::FindPlugin(given->second);
  for (auto& [key, value] : shown) {
    if (plugin == nullptr ? !IsPlain(key) : IsPassword(*plugin, key)) value = api::kHiddenPassword;
  }
  return shown;
}

connect::Properties WithPasswords(connect::Properties given, const connect::Properties& stored) {
  for (auto& [key, value] : given) {
    if (value != api::kHiddenPassword) continue;
    const auto found = stored.find(key);
    if (found == stored.end()) {
      throw Error(ErrorCode::kConfig, fmt::format("{}: {} stands for a password that is stored, and none is; give it",
                                                  key, api::kHiddenPassword));
    }
    value = found->second;
  }
  return given;
}

}  // namespace millrace::app
