#pragma once

#include <string>

#include "connect/plugin.h"

namespace millrace::connect {

struct NamedConnector {
  std::string name;  // empty: the text does not say
  Properties config;
};

/// A connector's configuration as people keep it: JSON, `{"name": .., "config": {..}}` or the properties alone, or the
/// lines of a .properties file (JSON begins with '{'). Error kConfig, which names `file`.
NamedConnector ParseConnector(const std::string& text, const std::string& file);

/// The connector in Millrace's own configuration. Error kConfig when its class is not known, or refuses it.
Translation TranslateConnector(const NamedConnector& connector);

}  // namespace millrace::connect
