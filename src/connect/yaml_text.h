#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace millrace::connect {

/// A tree that becomes YAML, members in their order.
using Tree = nlohmann::ordered_json;

/// Blocks of lines; `${env:NAME}` of Connect's configurations becomes our `${NAME}`, and any other `${` stays what it
/// is.
std::string YamlText(const Tree& tree);

/// `{secret: "env:NAME"}` for a value of a connector's property, kept in `secrets` under that name. What the value
/// takes from the environment or from a folder of files (`${env:NAME}`, `${directory:PATH:FILE}`) is taken from there.
Tree SecretOf(const std::string& connector, const std::string& property, const std::string& value,
              std::map<std::string, std::string>& secrets);

/// Empty, or what is wrong with a `${provider:...}` in a value.
std::string ProviderFault(const std::string& value);

}  // namespace millrace::connect
