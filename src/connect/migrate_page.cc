#include "connect/migrate_page.h"

#include <fmt/format.h>

#include "connect/plugin.h"
#include "connect/value_check.h"

namespace millrace::connect {
namespace {

constexpr const char* kIntroduction = R"(# From Kafka Connect to Millrace

A connector's configuration runs as it is: `millrace check --connector FILE` reads it (JSON or .properties), says what is
wrong with it in Connect's words, and prints the YAML that it becomes.

```console
millrace check --connector s3-sink.json > s3-sink.yaml            # --secrets FILE keeps the values of passwords apart
millrace run -c pipeline.yaml -c s3-sink.yaml                     # pipeline.yaml: name, data_dir, stream.kafka
```

No property is ignored. Each is **honoured** (the page says as what), has **no meaning** here (it changes nothing that can
be seen, and the page says why), or is **refused**: any value but its default is an error that says what to do instead. So
is a property that the class does not have.

What is different by nature:
- Everything is exactly once: positions are kept with what is written, not in `__consumer_offsets`. A connector that moves
  begins at the start of its topics unless `consumer.override.auto.offset.reset` or `start` of the YAML says otherwise;
  `start: {0: 4711, 1: 4800}` takes over the offsets of a consumer group.
- A record that cannot be read never stops a connector: it goes to quarantine with its bytes and the reason.
- Documents in MongoDB carry their version in a member `_millrace`, and a deleted one leaves a note for a day
  (docs/documents.md).
- Secrets stand in the environment or in files: `${env:NAME}` and `${directory:PATH:FILE}` are understood, and a literal
  password becomes a variable that the YAML names.

This page is made by `millrace docs migrate` from the declarations that the checks are made of.
)";

std::string Cell(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string_view Word(Use use) {
  switch (use) {
    case Use::kHonoured:
      return "honoured";
    case Use::kNoMeaning:
      return "no meaning";
    case Use::kRefused:
      return "refused";
  }
  return "refused";
}

std::string Default(const Property& property) {
  if (property.required) return "required";
  if (!property.default_value || property.default_value->empty()) return "";
  return fmt::format("`{}`", Cell(*property.default_value));
}

void AppendRows(const std::vector<Property>& properties, std::string& out) {
  out += "| property | default | here | as what, why, or what instead |\n|---|---|---|---|\n";
  for (const auto& property : properties) {
    out += fmt::format("| `{}` | {} | {} | {} |\n", Cell(property.name), Default(property), Word(property.use),
                       Cell(property.use_text));
  }
}

}  // namespace

std::string MigratePage() {
  std::string page = kIntroduction;
  for (const auto& plugin : Plugins()) {
    const auto classes = plugin->classes();
    page += fmt::format("\n## {}\n\nA {}; properties as of version {}.", classes.front(), plugin->type(),
                        plugin->version());
    if (classes.size() > 1) {
      page += " Also ";
      for (size_t i = 1; i < classes.size(); ++i) page += (i > 1 ? ", " : "") + fmt::format("`{}`", classes[i]);
      page += ".";
    }
    page += "\n\n";
    AppendRows(plugin->properties(), page);
    page += "\nProperties whose names have a part of one's choice, and those of converters and clients:\n\n";
    AppendRows(plugin->families(), page);
  }
  return page;
}

}  // namespace millrace::connect
