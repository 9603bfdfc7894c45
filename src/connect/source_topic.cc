#include "connect/source_topic.h"

#include <fmt/format.h>

#include "connect/topics.h"

namespace millrace::connect {

void CheckSourceTopic(const Given& given, const std::string& property, Findings& findings) {
  const auto topic = given.Text(property);
  if (!topic.empty() && !IsTopic(topic)) {
    findings.Add(property, fmt::format("'{}' is no topic name: use a-z A-Z 0-9 . _ -", topic));
  }
}

Translation SourceTranslation(const Given& given, const std::string& property, Tree& root) {
  const auto topic = given.Text(property);
  const auto partitions = given.Number("topic.creation.default.partitions");
  const auto replication = given.Number("topic.creation.default.replication.factor");
  if (partitions > 0) root["topics"][topic]["partitions"] = partitions;
  if (replication > 0) root["topics"][topic]["replication"] = replication;
  Translation translation;
  translation.yaml = YamlText(root);
  translation.topics = {topic};
  return translation;
}

}  // namespace millrace::connect
