#include "schema/json_schema/json_compatibility.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_set>
#include <utility>

#include "schema/pair_findings.h"

namespace millrace::schema {
namespace {

using Json = nlohmann::json;

const Json& True() {
  static const Json kTrue = true;
  return kTrue;
}

const Json* Member(const Json& schema, const char* name) {
  if (!schema.is_object()) return nullptr;
  const auto found = schema.find(name);
  return found == schema.end() ? nullptr : &*found;
}

/// Allows anything: true, {}, or annotations only.
bool AllowsAll(const Json& schema) {
  if (schema.is_boolean()) return schema.get<bool>();
  static const std::set<std::string> kSayNothing = {"title",    "description", "default",     "examples", "$id",
                                                    "$comment", "readOnly",    "definitions", "$defs",    "$schema"};
  return std::all_of(schema.items().begin(), schema.items().end(),
                     [](const auto& item) { return kSayNothing.contains(item.key()); });
}

std::set<std::string> TypesOf(const Json& schema) {
  std::set<std::string> types;
  const auto add = [&](const Json& word) {
    if (word.is_string()) types.insert(word.get<std::string>());
  };
  if (const auto* type = Member(schema, "type")) {
    if (type->is_array()) {
      for (const auto& word : *type) add(word);
    } else {
      add(*type);
    }
  }
  return types;
}

class Comparison {
 public:
  Comparison(const JsonSchemaDocuments& reader, const JsonSchemaDocuments& writer) : reader_(reader), writer_(writer) {
    for (const auto* documents : {&reader, &writer}) {
      NoteReferences(*documents->root);
      for (const auto& [name, document] : documents->references) NoteReferences(*document);
    }
  }

  bool Compare(const Json& reader_at, const Json& writer_at, const std::string& path) {
    const Json& reader = Resolved(reader_at, reader_);
    const Json& writer = Resolved(writer_at, writer_);
    const bool goes = findings_.Compare(reader, writer, path, [&] {
      if (reader == writer && !with_references_.contains(&reader)) return true;
      const size_t before = wrongs_;
      CompareResolved(reader, writer, path);
      return wrongs_ == before;
    });
    if (!goes) ++wrongs_;
    return goes;
  }
  std::vector<std::string> Take() && { return std::move(findings_).Take(); }

 private:
  void CompareResolved(const Json& reader, const Json& writer, const std::string& path) {
    if (AllowsAll(reader)) return;
    if (writer.is_boolean() && !writer.get<bool>()) return;  // nothing was written
    if (reader.is_boolean()) return Wrong("TYPE_NARROWED", path, "nothing is allowed any more");
    if (Combines(reader) || Combines(writer)) return CompareCombined(reader, writer, path);
    CompareTypes(reader, writer, path);
    CompareChoices(reader, writer, path);
    for (const char* word : {"maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties"}) {
      CompareBound(reader, writer, word, /*upper=*/true, path);
    }
    for (const char* word : {"minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties"}) {
      CompareBound(reader, writer, word, /*upper=*/false, path);
    }
    CompareMultiple(reader, writer, path);
    for (const char* word : {"pattern", "format_assertion", "not", "if", "contains", "propertyNames"}) {
      const auto *now = Member(reader, word), *before = Member(writer, word);
      if (now == nullptr || (before != nullptr && *now == *before)) continue;
      Wrong(before == nullptr ? "CONSTRAINT_ADDED" : "CONSTRAINT_CHANGED", fmt::format("{}/{}", path, word),
            "values may fail it");
    }
    const auto *unique = Member(reader, "uniqueItems"), *was_unique = Member(writer, "uniqueItems");
    if (unique != nullptr && *unique == true && (was_unique == nullptr || *was_unique != true)) {
      Wrong("UNIQUE_ITEMS_ADDED", path + "/uniqueItems", "lists may hold the same item twice");
    }
    CompareItems(reader, writer, path);
    CompareObjects(reader, writer, path);
  }

  void CompareTypes(const Json& reader, const Json& writer, const std::string& path) {
    const auto now = TypesOf(reader);
    if (now.empty()) return;
    const auto before = TypesOf(writer);
    if (before.empty() && Member(writer, "enum") == nullptr && Member(writer, "const") == nullptr) {
      return Wrong("TYPE_NARROWED", fmt::format("{}/type", path), "any type was allowed");
    }
    for (const auto& type : before) {
      if (now.contains(type) || (type == "integer" && now.contains("number"))) continue;
      Wrong("TYPE_CHANGED", fmt::format("{}/type", path), fmt::format("{} is not allowed any more", type));
    }
  }

  void CompareChoices(const Json& reader, const Json& writer, const std::string& path) {
    const auto choices = [](const Json& schema) -> std::optional<std::set<Json>> {
      if (const auto* values = Member(schema, "enum")) return std::set<Json>(values->begin(), values->end());
      if (const auto* value = Member(schema, "const")) return std::set<Json>{*value};
      return std::nullopt;
    };
    const auto now = choices(reader), before = choices(writer);
    if (!now) return;
    if (!before) return Wrong("ENUM_ARRAY_ADDED", fmt::format("{}/enum", path), "any value was allowed");
    for (const auto& value : *before) {
      if (!now->contains(value)) {
        Wrong("ENUM_ARRAY_NARROWED", fmt::format("{}/enum", path), value.dump() + " is not allowed any more");
      }
    }
  }

  void CompareBound(const Json& reader, const Json& writer, const char* word, bool upper, const std::string& path) {
    const auto *now = Member(reader, word), *before = Member(writer, word);
    if (now == nullptr || !now->is_number() ||
        (!upper && *now == 0 && std::string_view(word).starts_with("min") && std::string_view(word) != "minimum")) {
      return;
    }
    if (before == nullptr || !before->is_number()) {
      return Wrong("LIMIT_ADDED", fmt::format("{}/{}", path, word),
                   fmt::format("{} {} was not there", word, now->dump()));
    }
    if (upper ? *now < *before : *now > *before) {
      Wrong("LIMIT_NARROWED", fmt::format("{}/{}", path, word),
            fmt::format("{} became {}", before->dump(), now->dump()));
    }
  }

  void CompareMultiple(const Json& reader, const Json& writer, const std::string& path) {
    const auto *now = Member(reader, "multipleOf"), *before = Member(writer, "multipleOf");
    if (now == nullptr || (before != nullptr && *now == *before)) return;
    // No schema has one that is not above zero.
    const bool divides = before != nullptr && now->is_number_integer() && before->is_number_integer() &&
                         now->get<int64_t>() > 0 && before->get<int64_t>() % now->get<int64_t>() == 0;
    if (!divides) Wrong("MULTIPLE_OF_CHANGED", path + "/multipleOf", "numbers may not be multiples of it");
  }

  void CompareItems(const Json& reader, const Json& writer, const std::string& path) {
    const auto* now = Member(reader, "items");
    const auto* before = Member(writer, "items");
    if (now != nullptr && now->is_array()) {
      for (size_t i = 0; i < now->size(); ++i) {
        const bool there = before != nullptr && before->is_array() && i < before->size();
        const Json& other = there ? (*before)[i] : Rest(writer, before);
        Compare((*now)[i], other, fmt::format("{}/items/{}", path, i));
      }
      Compare(Rest(reader, now), Rest(writer, before), path + "/additionalItems");
      return;
    }
    if (now == nullptr) return;
    if (before != nullptr && before->is_array()) {
      for (size_t i = 0; i < before->size(); ++i) Compare(*now, (*before)[i], fmt::format("{}/items/{}", path, i));
      Compare(*now, Rest(writer, before), path + "/additionalItems");
      return;
    }
    Compare(*now, before == nullptr ? True() : *before, path + "/items");
  }

  /// What items behind those of a tuple are.
  static const Json& Rest(const Json& schema, const Json* items) {
    if (items != nullptr && !items->is_array()) return *items;
    const auto* rest = Member(schema, "additionalItems");
    return rest == nullptr || items == nullptr ? True() : *rest;
  }

  static const Json& Additional(const Json& schema) {
    const auto* additional = Member(schema, "additionalProperties");
    return additional == nullptr ? True() : *additional;
  }

  static const Json* Property(const Json& schema, const std::string& name) {
    const auto* properties = Member(schema, "properties");
    return properties == nullptr ? nullptr : Member(*properties, name.c_str());
  }

  static std::set<std::string> Required(const Json& schema) {
    std::set<std::string> names;
    if (const auto* required = Member(schema, "required"); required != nullptr && required->is_array()) {
      for (const auto& name : *required) {
        if (name.is_string()) names.insert(name.get<std::string>());
      }
    }
    return names;
  }

  void CompareObjects(const Json& reader, const Json& writer, const std::string& path) {
    if (const auto* now = Member(reader, "properties"); now != nullptr && now->is_object()) {
      for (const auto& [name, schema] : now->items()) {
        const auto place = fmt::format("{}/properties/{}", path, name);
        if (const auto* before = Property(writer, name)) {
          Compare(schema, *before, place);
        } else if (!AllowsAll(schema)) {
          CompareAdded(schema, writer, place);
        }
      }
    }
    if (const auto* before = Member(writer, "properties"); before != nullptr && before->is_object()) {
      for (const auto& [name, schema] : before->items()) {
        if (Property(reader, name) != nullptr) continue;
        CompareRemoved(reader, name, schema, fmt::format("{}/properties/{}", path, name));
      }
    }
    CompareRequired(reader, writer, path);
    CompareAdditional(reader, writer, path);
    for (const char* word : {"patternProperties", "dependencies", "dependentRequired", "dependentSchemas"}) {
      const auto *now = Member(reader, word), *before = Member(writer, word);
      if (now == nullptr || (before != nullptr && *now == *before)) continue;
      Wrong("CONSTRAINT_ADDED", fmt::format("{}/{}", path, word), "objects may fail it");
    }
  }

  /// A property that the writer's schema did not name.
  void CompareAdded(const Json& schema, const Json& writer, const std::string& path) {
    const Json& others = Additional(writer);
    if (others.is_boolean() && !others.get<bool>()) return;
    if (AllowsAll(others)) {
      return Wrong(
          "PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL", path,
          "objects may hold anything under that name already; close the schema with additionalProperties: false");
    }
    Compare(schema, others, path);
  }

  void CompareRemoved(const Json& reader, const std::string& name, const Json& schema, const std::string& path) {
    const Json& others = Additional(reader);
    if (AllowsAll(others)) return;
    if (schema.is_boolean() && !schema.get<bool>()) return;
    if (const auto* patterns = Member(reader, "patternProperties"); patterns != nullptr && !patterns->empty()) return;
    if (others.is_boolean()) {
      return Wrong("PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL", path,
                   fmt::format("objects with '{}' are not allowed any more", name));
    }
    Compare(others, schema, path);
  }

  void CompareRequired(const Json& reader, const Json& writer, const std::string& path) {
    const auto before = Required(writer);
    for (const auto& name : Required(reader)) {
      if (before.contains(name)) continue;
      const auto* property = Property(reader, name);
      if (property != nullptr && Member(*property, "default") != nullptr) continue;
      Wrong("REQUIRED_ATTRIBUTE_ADDED", fmt::format("{}/required", path), fmt::format("objects may lack '{}'", name));
    }
  }

  void CompareAdditional(const Json& reader, const Json& writer, const std::string& path) {
    const Json &now = Additional(reader), &before = Additional(writer);
    if (AllowsAll(now) || now == before) return;
    const bool speaks_of_objects = Member(writer, "properties") != nullptr || TypesOf(writer).contains("object");
    if (!speaks_of_objects && TypesOf(writer).size() > 0) return;
    if (now.is_boolean() && !now.get<bool>() && AllowsAll(before)) {
      return Wrong("ADDITIONAL_PROPERTIES_REMOVED", path + "/additionalProperties", "objects may have other members");
    }
    Compare(now, before, path + "/additionalProperties");
  }

  static bool Combines(const Json& schema) {
    return Member(schema, "oneOf") != nullptr || Member(schema, "anyOf") != nullptr ||
           Member(schema, "allOf") != nullptr;
  }

  static std::vector<const Json*> Alternatives(const Json& schema) {
    for (const char* word : {"oneOf", "anyOf"}) {
      const auto* parts = Member(schema, word);
      if (parts == nullptr || !parts->is_array()) continue;
      std::vector<const Json*> alternatives;
      for (const auto& part : *parts) alternatives.push_back(&part);
      return alternatives;
    }
    return {&schema};
  }

  /// Each thing that could be written must be one that can be read; all of `allOf` must be kept.
  void CompareCombined(const Json& reader, const Json& writer, const std::string& path) {
    if (const auto* all = Member(reader, "allOf"); all != nullptr && all->is_array()) {
      for (size_t i = 0; i < all->size(); ++i) {
        const auto* same = Member(writer, "allOf");
        const bool kept =
            same != nullptr && same->is_array() && std::any_of(same->begin(), same->end(), [&](const Json& part) {
              return !findings_.exhausted() && Reads((*all)[i], part, path);
            });
        if (!kept && !Reads((*all)[i], writer, path)) {
          Wrong("PRODUCT_TYPE_EXTENDED", fmt::format("{}/allOf/{}", path, i), "what was written may fail it");
        }
      }
      return;
    }
    if (const auto* all = Member(writer, "allOf"); all != nullptr && all->is_array()) {
      if (std::any_of(all->begin(), all->end(),
                      [&](const Json& part) { return !findings_.exhausted() && Reads(reader, part, path); }))
        return;
      return Wrong("COMBINED_TYPE_CHANGED", path, "what was written may fail it");
    }
    const auto now = Alternatives(reader);
    const auto before = Alternatives(writer);
    const auto less = [](const Json* left, const Json* right) { return *left < *right; };
    std::set<const Json*, decltype(less)> stayed(less);
    for (const auto* part : now) {
      if (!with_references_.contains(part)) stayed.insert(part);
    }
    for (size_t i = 0; i < before.size() && !findings_.exhausted(); ++i) {
      if (stayed.contains(before[i]) && !with_references_.contains(before[i])) continue;
      const auto reads = [&](const Json* part) { return findings_.exhausted() || Reads(*part, *before[i], path); };
      if (std::none_of(now.begin(), now.end(), reads)) {
        Wrong("SUM_TYPE_NARROWED", fmt::format("{}/{}", path, i), "an alternative is not allowed any more");
      }
    }
  }

  bool Reads(const Json& reader, const Json& writer, const std::string& path) {
    const size_t before = wrongs_;
    const bool reads = findings_.Quietly([&] { return Compare(reader, writer, path); });
    wrongs_ = before;
    return reads;
  }

  /// Keeps what has a `$ref` in it: equal texts may say different things there.
  bool NoteReferences(const Json& schema) {
    bool refers = schema.is_object() && schema.contains("$ref");
    if (schema.is_structured()) {
      for (const auto& part : schema) refers |= NoteReferences(part);
    }
    if (refers) with_references_.insert(&schema);
    return refers;
  }

  static const Json& Resolved(const Json& at, const JsonSchemaDocuments& documents) {
    const Json* schema = &at;
    const Json* document = documents.root;
    for (int hops = 0; hops < 16; ++hops) {
      const auto* reference = Member(*schema, "$ref");
      if (reference == nullptr || !reference->is_string()) return *schema;
      const auto& target = reference->get_ref<const std::string&>();
      const auto mark = std::min(target.find('#'), target.size());
      if (mark > 0) {
        const auto found = documents.references.find(target.substr(0, mark));
        if (found == documents.references.end()) return *schema;
        document = found->second;
      }
      const auto pointer = mark < target.size() ? target.substr(mark + 1) : std::string();
      try {
        schema = &document->at(Json::json_pointer(pointer));
      } catch (const Json::exception&) {
        return *schema;
      }
    }
    return *schema;
  }

  void Wrong(const char* what, const std::string& path, std::string_view why) {
    ++wrongs_;
    findings_.Wrong(what, path, why);
  }

  const JsonSchemaDocuments& reader_;
  const JsonSchemaDocuments& writer_;
  std::unordered_set<const Json*> with_references_;
  PairFindings<Json> findings_;
  size_t wrongs_ = 0;  // that were said aloud
};

}  // namespace

std::vector<std::string> WhyJsonUnreadable(const JsonSchemaDocuments& reader, const JsonSchemaDocuments& writer) {
  Comparison comparison(reader, writer);
  comparison.Compare(*reader.root, *writer.root, "");
  return std::move(comparison).Take();
}

}  // namespace millrace::schema
