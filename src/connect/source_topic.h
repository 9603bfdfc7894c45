#pragma once

#include <string>

#include "connect/given.h"
#include "connect/yaml_text.h"

namespace millrace::connect {

/// Checks the topic that a source's property names.
void CheckSourceTopic(const Given& given, const std::string& property, Findings& findings);

/// Adds how the topic is made (`topic.creation.default.*`), and prints the tree.
Translation SourceTranslation(const Given& given, const std::string& property, Tree& root);

}  // namespace millrace::connect
