#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/block.h"
#include "connect/plugin.h"

namespace millrace::connect {

/// A class of this program's own: the options of one of its blocks, each a property by its own name. Those of blocks
/// within are "<block>.<option>"; of an option that is a map, each entry is "<option>.<key>"; a list is parted by
/// commas. `millrace.Table` of a `tables:` entry, `millrace.Generator` of a `generator:`.
class NativePlugin final : public Plugin {
 public:
  struct Kind {
    std::string type;        // sink, source
    std::string class_name;  // "millrace.Table"
    std::string alias;       // "Table"
    std::string version;
    std::shared_ptr<const config::BlockInfo> block;
    /// The block's kind of source ("generator"); empty: it is a table.
    std::string source_kind;
  };
  explicit NativePlugin(Kind kind);

  std::string type() const override { return kind_.type; }
  std::vector<std::string> classes() const override { return {kind_.class_name, kind_.alias}; }
  std::string version() const override { return kind_.version; }
  const std::vector<Property>& properties() const override { return properties_; }
  /// Entries of options that are maps.
  const std::vector<Property>& families() const override { return families_; }
  Validation Validate(const Properties& given) const override;
  Translation Translate(const std::string& connector_name, const Properties& given) const override;

 private:
  struct Place {
    std::vector<std::string> path;  // in the block
    bool is_list = false;
  };
  void AddCommon();
  void AddBlock(const config::BlockInfo& block, const std::vector<std::string>& path, bool required);
  /// The property or the family that a name is of; null when there is none. `option`: its option; `entry`: the key of
  /// a map.
  const Property* Find(const std::string& name, std::string* option = nullptr, std::string* entry = nullptr) const;
  CheckedProperty Check(const Property& property, const Properties& given) const;
  void CheckTopics(const Properties& given, Validation& validation) const;

  const Kind kind_;
  std::vector<Property> properties_;
  std::vector<Property> families_;
  std::map<std::string, Place> places_;
};

/// Puts a class among Plugins(): at the start of the program, before anybody asks for them.
void AddPlugin(std::unique_ptr<Plugin> plugin);

}  // namespace millrace::connect
