#include "connect/file_source.h"

#include <fmt/format.h>

#include "connect/common_properties.h"
#include "connect/declarations.h"
#include "connect/declared_plugin.h"
#include "connect/source_topic.h"
#include "connect/topics.h"
#include "connect/yaml_text.h"

namespace millrace::connect {
namespace {

using enum PropertyType;
using enum Importance;

std::vector<Property> FileProperties() {
  Declarations list(SourceProperties("4.3.1"));
  list.Add("file", kString, std::nullopt, kHigh, {}, Honoured("`file.path`, followed as it grows"),
           "The file to read; without one, standard input, which is refused.")
      .Add("topic", kString, std::nullopt, kHigh, {}, Honoured("`topic`"), "The topic that gets the lines.")
      .Required()
      .NonEmpty()
      .Add("batch.size", kInt, "2000", kLow, {}, NoMeaning("batches are as large as the memory budget lets them be"),
           "How many lines are read at a time.");
  return std::move(list).Take();
}

class FileSource final : public DeclaredPlugin {
 public:
  FileSource()
      : DeclaredPlugin({.type = "source",
                        .classes = {"org.apache.kafka.connect.file.FileStreamSourceConnector",
                                    "FileStreamSourceConnector", "FileStreamSource"},
                        .version = "4.3.1",
                        .properties = FileProperties(),
                        .families = SourceFamilies({})}) {}

 private:
  void CheckTogether(const Given& given, Findings& findings) const override {
    CheckSourceTopic(given, "topic", findings);
    if (given.properties().size() > 1 && !given.Has("file")) {
      findings.Add("file", "is missing: standard input is not read by a connector");
    }
    const auto converter = given.Class("value.converter");
    if (given.Has("value.converter") && converter != "StringConverter" && converter != "ByteArrayConverter") {
      findings.Add("value.converter",
                   fmt::format("{} is not supported by Millrace here: lines go to the topic as they are, which is "
                               "StringConverter",
                               converter));
    }
  }

  Translation Written(const std::string& connector, const Given& given) const override {
    Tree root;
    auto& source = root["sources"][BlockName(connector, "")];
    source["file"]["path"] = given.Text("file");
    source["file"]["format"] = "jsonl";
    source["file"]["follow"] = true;
    source["topic"] = given.Text("topic");
    return SourceTranslation(given, "topic", root);
  }
};

}  // namespace

std::unique_ptr<Plugin> MakeFileSource() { return std::make_unique<FileSource>(); }

}  // namespace millrace::connect
