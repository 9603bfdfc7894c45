#include "schema/registry/references.h"

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "base/error.h"

namespace millrace::schema {
namespace {

constexpr size_t kReferencesMax = 1'000;
constexpr size_t kTextBytesMax = size_t{16} << 20;

class Collector {
 public:
  using TextOf = std::function<SchemaText(const SchemaReference&)>;
  Collector(RegisteredSchema& schema, const TextOf& text_of) : schema_(schema), text_of_(text_of) {}

  void Add(const std::vector<SchemaReference>& references) {
    for (const auto& reference : references) {
      if (!seen_.insert({reference.name, reference.subject, reference.version}).second) continue;
      if (seen_.size() > kReferencesMax) throw Error(ErrorCode::kData, "a schema refers to more than 1000 others");
      const std::pair key{reference.subject, reference.version};
      auto known = texts_.find(key);
      if (known == texts_.end()) {
        const auto text = text_of_(reference);
        known = texts_.emplace(key, text.text).first;
        Add(text.references);
      }
      bytes_ += known->second.size();
      if (bytes_ > kTextBytesMax) throw Error(ErrorCode::kData, "a schema refers to more than 16 MiB of others");
      schema_.references.push_back({.name = reference.name, .text = known->second});
    }
  }

 private:
  RegisteredSchema& schema_;
  const TextOf& text_of_;
  std::set<std::tuple<std::string, std::string, int32_t>> seen_;
  std::map<std::pair<std::string, int32_t>, std::string> texts_;
  size_t bytes_ = 0;
};

}  // namespace

RegisteredSchema WithReferences(int32_t id, const SchemaText& text,
                                const std::function<SchemaText(const SchemaReference&)>& text_of) {
  RegisteredSchema schema{.id = id, .kind = text.kind, .text = text.text};
  Collector(schema, text_of).Add(text.references);
  return schema;
}

}  // namespace millrace::schema
