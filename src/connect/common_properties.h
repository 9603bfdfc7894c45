#pragma once

#include <string>
#include <vector>

#include "connect/plugin.h"

namespace millrace::connect {

/// The properties that Connect itself gives every sink, or every source, of a plugin of this version.
std::vector<Property> SinkProperties(const std::string& version);
std::vector<Property> SourceProperties(const std::string& version);

/// Those of converters, and what a connector overrides of the worker's clients: the end of every list of families.
std::vector<Property> SinkFamilies(std::vector<Property> own);
std::vector<Property> SourceFamilies(std::vector<Property> own);

}  // namespace millrace::connect
