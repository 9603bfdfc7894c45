#pragma once

#include <yaml-cpp/yaml.h>

#include "refine/model.h"
#include "refine/yaml_reader.h"

namespace millrace::refine {

/// Reads `columns:` of a header, {name: {doc: text, tests: [..]}}, or {name: text}: what columns mean, and tests of
/// them as dbt has them, which become expectations of the model:
///   not_null                          "name" IS NOT NULL
///   accepted_values: [a, b]           "name" is one of them, or null
///   unique                            unique: name, of the whole table
/// Broken, they fail the run; `- not_null: quarantine` and `- accepted_values: {values: [a, b], then: drop}` say what
/// else, in the words of `expect`. Error kConfig with file:line.
void ReadColumns(const YAML::Node& node, const YamlReader& yaml, Model& model);

}  // namespace millrace::refine
