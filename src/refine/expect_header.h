#pragma once

#include <yaml-cpp/yaml.h>

#include "refine/model.h"
#include "refine/yaml_reader.h"

namespace millrace::refine {

/// Fills the expectations of a model from the list under `expect`. An item is a condition on each row with what becomes
/// of rows that break it, or an expectation of the table as a whole with what becomes of the run:
///
///     - amount >= 0: quarantine                           warn, drop, quarantine or fail
///     - unique: [id, day]                                 all of these take then: warn (default) or fail
///       then: fail
///     - freshness: {column: ts, within: 2h}
///     - rows: {min: 1, max: 1000000, change: 50%}
///     - drift: {column: amount, mean: 20%, nulls: 5%, distinct: 50%}
///
/// `yaml` reads the header it stands in. Error kConfig with file:line.
/// "warn", "drop", "quarantine" or "fail", and of a whole table: true for "fail", false for "warn".
Expectation::Action ReadAction(const YAML::Node& node, const YamlReader& yaml);
bool ReadThen(const YAML::Node& node, const YamlReader& yaml);

void ReadExpectations(const YAML::Node& list, const YamlReader& yaml, Model& model);

/// "warn", "drop", "quarantine", "fail".
std::string_view ToString(Expectation::Action action);

}  // namespace millrace::refine
