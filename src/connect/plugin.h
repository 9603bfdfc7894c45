#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// Connector classes of Kafka Connect: their properties, what Connect says of a wrong one, and what a connector is in
/// Millrace's own configuration. Nothing here runs a connector or asks a peer.
namespace millrace::connect {

/// A connector's config as Connect has it.
using Properties = std::map<std::string, std::string>;

enum class PropertyType { kBoolean, kString, kInt, kShort, kLong, kDouble, kList, kClass, kPassword };
enum class Importance { kHigh, kMedium, kLow };

/// What becomes of a property here. There is no fourth: what is not declared, or not honoured, is an error.
enum class Use {
  kHonoured,   // `use_text`: as what, in our own configuration
  kNoMeaning,  // accepted, as it changes nothing that the user sees; `use_text`: why
  kRefused,    // only its default (or what `allowed` lists) passes; `use_text`: what to do instead
};

struct Property {
  std::string name;
  PropertyType type = PropertyType::kString;
  /// As Connect prints it; none: null.
  std::optional<std::string> default_value;
  bool required = false;
  Importance importance = Importance::kMedium;
  std::string documentation, group;  // group: empty is null
  int order_in_group = -1;
  std::string width = "NONE", display_name;
  std::vector<std::string> dependents;

  Use use = Use::kHonoured;
  std::string use_text;
  /// Values that Connect takes, where it knows them; empty: any.
  std::vector<std::string> choices;
  /// Of a refused property: values besides the default that pass.
  std::vector<std::string> allowed;
  std::optional<int64_t> min, max;
  bool non_empty = false;
  bool any_case = false;    // of their letters
  bool enumerator = false;  // `choices` are words of an enum, of which Connect speaks in its own way
  bool hidden = false;      // shown by no form
};

struct CheckedProperty {
  Property definition;
  std::optional<std::string> value;
  std::vector<std::string> errors, recommended;
  bool visible = true;
};

/// The answer of `/connector-plugins/{class}/config/validate`.
struct Validation {
  std::string name;
  int error_count = 0;
  std::vector<std::string> groups;
  std::vector<CheckedProperty> configs;
};

/// What a connector's properties are in Millrace's own configuration: YAML text with `sources:`, `tables:`,
/// `documents:` blocks, and `lake:` or `schema_registry:` where the connector names a catalogue or a registry of its
/// own; read by the same loader as a file, so every check of it serves here. Names are prefixed by the connector's, but
/// for tables of Iceberg, whose names are the tables'.
struct Translation {
  std::string yaml;
  /// What the text's `secret: env:NAME` stand for: variable to value. The text itself holds no secret.
  std::map<std::string, std::string> secrets;
  std::vector<std::string> topics;
  std::optional<std::string> topics_regex;
  std::optional<std::string> dead_letter_topic;
};

/// One connector class. Immutable; safe for any thread.
class Plugin {
 public:
  virtual ~Plugin() = default;
  Plugin() = default;
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  /// "sink" or "source".
  virtual std::string type() const = 0;
  /// The full class name, then aliases.
  virtual std::vector<std::string> classes() const = 0;
  virtual std::string version() const = 0;
  virtual const std::vector<Property>& properties() const = 0;
  /// Properties whose names have a part of the user's choice, "iceberg.table.<table>.partition-by", or that begin
  /// alike, "value.converter.*". Connect's own answers do not list them.
  virtual const std::vector<Property>& families() const = 0;
  /// Every mistake at once, in Connect's words where Connect finds it too.
  virtual Validation Validate(const Properties& given) const = 0;
  /// Error kConfig, with every mistake, when Validate finds any.
  virtual Translation Translate(const std::string& connector_name, const Properties& given) const = 0;
};

const std::vector<std::unique_ptr<Plugin>>& Plugins();
/// By full class name or alias; null when there is none.
const Plugin* FindPlugin(const std::string& connector_class);

}  // namespace millrace::connect
