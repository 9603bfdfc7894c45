#include "connect/plugin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "connect/value_check.h"

namespace millrace::connect {
namespace {

using nlohmann::json;

json Definition(const Property& property) {
  return {{"name", property.name},
          {"type", ToString(property.type)},
          {"required", property.required},
          {"default_value", property.default_value ? json(*property.default_value) : json()},
          {"importance", ToString(property.importance)},
          {"group", property.group.empty() ? json() : json(property.group)},
          {"order_in_group", property.order_in_group},
          {"width", property.width},
          {"display_name", property.display_name},
          {"dependents", property.dependents}};
}

/// What only the worker that was asked can know, or what asks a server.
bool IsOfTheWorker(const std::string& message) { return message == "Unable to connect to the server."; }

/// A real worker's answers: definitions are the same, values are, and each error that it finds is found in its words.
/// What is refused here besides is no error of the cases called `defaults` and `good`.
void Compare(const std::filesystem::path& file) {
  SCOPED_TRACE(file.filename().string());
  const auto golden = json::parse(std::ifstream(file));
  const auto config = golden["config"].get<Properties>();
  const auto* plugin = FindPlugin(config.at("connector.class"));
  ASSERT_NE(plugin, nullptr) << config.at("connector.class");
  const auto validation = plugin->Validate(config);
  const auto& answer = golden["answer"];
  EXPECT_EQ(validation.name, answer["name"]);
  std::vector<std::string> groups;
  for (const std::string group : answer["groups"]) {
    if (!group.empty()) groups.push_back(group);  // one property of one class has a group without a name
  }
  EXPECT_EQ(validation.groups, groups);
  const bool only_theirs = file.stem().string().ends_with(".good") || file.stem().string().ends_with(".defaults");
  size_t at = 0;
  for (const auto& theirs : answer["configs"]) {
    ASSERT_LT(at, validation.configs.size());
    const auto& ours = validation.configs[at++];
    // The version of a class that was not found is not known to a worker.
    if (!only_theirs && ours.definition.name.ends_with(".plugin.version")) continue;
    auto definition = theirs["definition"];
    if (definition["group"] == "") definition["group"] = json();
    if (definition["order_in_group"] == -1) definition["group"] = json();
    EXPECT_EQ(Definition(ours.definition), definition);
    const auto& value = theirs["value"];
    EXPECT_EQ(ours.value ? json(*ours.value) : json(), value["value"]) << ours.definition.name;
    EXPECT_EQ(ours.visible, value["visible"]) << ours.definition.name;
    std::vector<std::string> errors;
    for (std::string error : value["errors"]) {
      if (IsOfTheWorker(error)) continue;
      if (ours.definition.type == PropertyType::kPassword) {  // Connect shows it
        const auto& given = config.at(ours.definition.name);
        if (const auto at_value = error.find(given); at_value != std::string::npos) {
          error.replace(at_value, given.size(), kHidden);
        }
      }
      errors.push_back(std::move(error));
    }
    // A class that checks its own properties may leave out Connect's check of topics, as MongoDB's does.
    const bool topics = ours.definition.name.starts_with("topics") && errors.empty();
    if (only_theirs && !(topics && file.stem() == "MongoSinkConnector.defaults")) {
      EXPECT_EQ(ours.errors, errors) << ours.definition.name;
    } else {
      for (const auto& error : errors) EXPECT_THAT(ours.errors, testing::Contains(error)) << ours.definition.name;
    }
  }
  if (only_theirs) {
    EXPECT_EQ(at, validation.configs.size());
  }
}

TEST(PluginGolden, AnswersAsARealWorker) {
  size_t compared = 0;
  for (const auto& entry : std::filesystem::directory_iterator(MILLRACE_SOURCE_DIR "/tests/golden/connect-plugins")) {
    if (entry.path().extension() != ".json" || entry.path().filename() == "cases.json") continue;
    Compare(entry.path());
    ++compared;
  }
  EXPECT_GE(compared, 10U);
}

TEST(Plugins, EveryDeclarationSaysWhatBecomesOfIt) {
  for (const auto& plugin : Plugins()) {
    std::set<std::string> names;
    for (const auto* list : {&plugin->properties(), &plugin->families()}) {
      for (const auto& property : *list) {
        EXPECT_FALSE(property.use_text.empty()) << property.name;
        EXPECT_FALSE(property.documentation.empty()) << property.name;
        EXPECT_TRUE(names.insert(property.name).second) << property.name << " twice in " << plugin->classes().front();
      }
    }
  }
}

TEST(Plugins, NothingIsIgnored) {
  for (const auto& plugin : Plugins()) {
    const auto validation = plugin->Validate({{"name", "a"}, {"no.such.property", "secret"}});
    const auto& last = validation.configs.back();
    EXPECT_EQ(last.definition.name, "no.such.property");
    ASSERT_EQ(last.errors.size(), 1U);
    EXPECT_THAT(last.errors[0], testing::HasSubstr("has no property 'no.such.property'"));
    EXPECT_THAT(last.errors[0], testing::Not(testing::HasSubstr("secret")));
  }
}

}  // namespace
}  // namespace millrace::connect
